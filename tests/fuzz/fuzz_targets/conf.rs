//! Configuration files of both formats: no text makes a reader panic, and problems stand where they can.

#![no_main]

use std::path::Path;

use flytail::config::{Environment, load_text};
use flytail::pipeline::Plugins;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    // What names other files is left out: the fuzzer would read the machine's.
    let lower = text.to_ascii_lowercase();
    if lower.contains("include") || lower.contains("_file") || lower.contains("file://") {
        return;
    }
    let plugins = Plugins::all();
    let environment = Environment::from_pairs([("NODE_NAME", "node"), ("EMPTY", "")]);
    for name in ["/nowhere/main.conf", "/nowhere/main.yaml"] {
        let file = Path::new(name);
        let (_, problems) = load_text(file, text, &plugins.registry(), &environment);
        // In YAML, a carriage return ends a line, too, and a text may end one line too early.
        let lines = 2 + text.matches(['\n', '\r']).count();
        for problem in problems.iter() {
            assert!(problem.file != file || problem.line as usize <= lines, "{problem}");
        }
    }
});
