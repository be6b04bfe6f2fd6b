//! CRI lines, alone and through the decoder.

#![no_main]

use flytail::decode::cri;
use flytail_fuzz::check_decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for line in input.split(|byte| *byte == b'\n') {
        if let Some(entry) = cri::parse(line) {
            assert!(line.ends_with(entry.text));
        }
    }
    check_decoder(input);
});
