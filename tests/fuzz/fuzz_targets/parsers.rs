//! Parsers files, and texts that go through what they define.

#![no_main]

use std::path::Path;

use bumpalo::Bump;
use flytail::config::{Environment, Problems, load_text};
use flytail::parser::{Parsed, Parsers};
use flytail::pipeline::Plugins;
use flytail::record::Timestamp;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp(1_795_341_600_000_000_000);

// The parsers file ends at the first `---` that stands alone in a line; a text follows.
fuzz_target!(|input: &str| {
    let (definitions, text) = input.split_once("\n---\n").unwrap_or((input, ""));
    let lower = definitions.to_ascii_lowercase();
    if lower.contains("include") || lower.contains("_file") {
        return;
    }
    let plugins = Plugins::all();
    let environment = Environment::from_pairs::<&str, &str>([]);
    let file = Path::new("/nowhere/parsers.conf");
    let (config, _) = load_text(file, definitions, &plugins.registry(), &environment);
    let parsers = Parsers::new(&config.parsers, &mut Problems::new());
    for definition in &config.parsers {
        let Some(parser) = definition.options().text("Name").and_then(|name| parsers.find(name)) else { continue };
        let (arena, mut members) = (Bump::new(), Vec::new());
        let outcome = parser.parse(text.as_bytes(), &arena, NOW, &mut members);
        assert!(outcome != Parsed::Unmatched || members.is_empty());
    }
});
