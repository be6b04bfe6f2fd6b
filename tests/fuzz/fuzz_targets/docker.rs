//! Lines of Docker's json-file, alone and through the decoder.

#![no_main]

use bumpalo::Bump;
use flytail::decode::docker;
use flytail_fuzz::check_decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for line in input.split(|byte| *byte == b'\n') {
        let (arena, mut members) = (Bump::new(), Vec::new());
        let Some(entry) = docker::parse(line, &arena, &mut members) else { continue };
        // Halves of surrogate pairs are mended here and refused there.
        let Ok(theirs) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let log = theirs["log"].as_str().unwrap();
        let text = log.strip_suffix('\n').unwrap_or(log);
        assert_eq!(entry.text, text.strip_suffix('\r').unwrap_or(text).as_bytes());
        assert_eq!(entry.partial, !log.ends_with('\n'));
        assert_eq!(entry.stream.name(), theirs["stream"].as_str().unwrap());
    }
    check_decoder(input);
});
