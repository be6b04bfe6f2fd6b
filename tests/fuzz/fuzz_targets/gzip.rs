//! Bodies: whatever parts they are written in, they read back as they were.
//!
//! The input is a list of lines. One that begins with a digit repeats the line so many before it, as a
//! container's members are repeated; its other bytes follow it.

#![no_main]

use std::io::Read;

use flate2::read::GzDecoder;
use flytail::pipeline::gzip::GzipWriter;
use libfuzzer_sys::fuzz_target;

/// A line is written so often, that inputs of a few bytes reach the end of the window.
const TIMES: usize = 40;

fuzz_target!(|input: &[u8]| {
    let lines: Vec<&[u8]> = input.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut writer, mut expected) = (GzipWriter::new(), Vec::new());
    for (index, line) in lines.iter().enumerate() {
        let back = line.first().filter(|byte| byte.is_ascii_digit()).map(|digit| usize::from(digit - b'0'));
        let repeated = back.and_then(|back| index.checked_sub(back)).map_or(&[][..], |earlier| lines[earlier]);
        for part in [&repeated.repeat(TIMES)[..], line] {
            writer.append(|window| window.extend_from_slice(part));
            expected.extend_from_slice(part);
        }
        assert_eq!(writer.length(), expected.len());
    }
    let mut read = Vec::new();
    GzDecoder::new(&writer.finish()[..]).read_to_end(&mut read).unwrap();
    assert!(read == expected);
});
