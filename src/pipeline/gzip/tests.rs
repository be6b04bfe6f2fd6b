use std::io::Read;

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::{GzipWriter, STEP};

fn compress<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut writer = GzipWriter::new();
    for part in parts {
        writer.append(|window| window.extend_from_slice(part));
    }
    writer.finish()
}

fn decompress(gzip: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Bytes that have nothing in common.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A document of one of some containers, most of which is the same each time.
fn document(container: usize, number: usize) -> Vec<u8> {
    let id = hexadecimal(number);
    let members: String = (0..40).map(|label| format!(",\"label{label}\":\"value of {container}/{label}\"")).collect();
    format!(
        "{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{\"message\":\"line {number} of many\",\"pod\":{container}{members}}}\n"
    )
    .into_bytes()
}

/// A number that looks like an id.
fn hexadecimal(number: usize) -> String {
    format!("{:016x}", (number as u64 + 1).wrapping_mul(0xD134_2543_DE82_EF95))
}

#[test]
fn reads_back_what_is_empty_or_short() {
    for text in ["", "a", "ab", "abcdefg", "aaaaaaaa", "aaaaaaaaa", "abcabcabcabcabcabcabcabcabcabcabc"] {
        let gzip = compress([text.as_bytes()]);
        assert_eq!(decompress(&gzip), text.as_bytes());
        assert!(gzip.len() <= text.len() + 25, "{text} {}", gzip.len());
    }
}

#[test]
fn reads_back_whatever_the_steps_are() {
    let documents: Vec<u8> = (0..300).flat_map(|number| document(number % 3, number)).collect();
    let whole = decompress(&compress([&documents[..]]));
    assert!(whole == documents);
    for size in [1, 1000, 16_411, STEP - 1, STEP, STEP + 1, 3 * STEP] {
        assert!(decompress(&compress(documents.chunks(size))) == documents, "{size}");
    }
}

#[test]
fn repetitions_at_the_end_of_reach_are_found_and_beyond_it_not_used() {
    let marker = noise(64);
    for between in [32 * 1024 - 65, 32 * 1024 - 64, 32 * 1024 - 63, 64 * 1024 - 64, 64 * 1024] {
        // Nothing else in between repeats the marker or itself.
        let body = [&marker[..], &noise(64 + between)[64..], &marker[..]].concat();
        assert!(decompress(&compress([&body[..]])) == body, "{between}");
    }
}

#[test]
fn a_repetition_near_the_end_is_not_taken_for_a_longer_one() {
    let long = [&b"abcdefgh\0\0\0\0\0\0\0\0\0"[..], &noise(50)].concat();
    for zeros in 0..9 {
        for rest in 0..12 {
            let body = [&long[..8 + zeros], b"0123456789", b"abcdefgh", &b"xyzxyzxyzxyz"[..rest]].concat();
            assert!(decompress(&compress([&body[..]])) == body, "{zeros} {rest}");
        }
    }
}

#[test]
fn what_does_not_shrink_is_stored() {
    let body = noise(5 * STEP + 1234);
    let gzip = compress(body.chunks(1000));
    assert!(decompress(&gzip) == body);
    assert!(gzip.len() <= body.len() + body.len() / 1000, "{}", gzip.len());
}

#[test]
fn codes_follow_the_data() {
    let digits: Vec<u8> = noise(4 * STEP).iter().map(|byte| b'0' + byte % 8).collect();
    let letters: Vec<u8> = noise(4 * STEP).iter().map(|byte| b'a' + byte % 8).collect();
    let random = noise(2 * STEP);
    let body = [&digits[..], &random[..], &letters[..], &digits[..]].concat();
    let gzip = compress(body.chunks(500));
    assert!(decompress(&gzip) == body);
    // Three bits each, and noise as it is.
    let expected = (2 * digits.len() + letters.len()) * 3 / 8 + random.len();
    assert!(gzip.len() < expected + expected / 20, "{} {expected}", gzip.len());
}

#[test]
fn what_containers_repeat_is_nearly_free() {
    for containers in [1, 2, 5] {
        let documents: Vec<Vec<u8>> = (0..2_000).map(|number| document(number % containers, number)).collect();
        let body = documents.concat();
        let gzip = compress(documents.iter().map(Vec::as_slice));
        assert!(decompress(&gzip) == body);
        let each = gzip.len() / documents.len();
        assert!(each < 50, "{each} bytes for a document of {containers} containers");
    }
}

#[test]
fn tells_the_length_of_its_input() {
    let mut writer = GzipWriter::new();
    for length in 1..=100 {
        writer.append(|window| window.extend_from_slice(&noise(4_000)));
        assert_eq!(writer.length(), length * 4_000);
    }
}

/// Parts of a body: a fragment again, or bytes.
fn parts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let fragment = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..2_000),
        (1..10_u8).prop_flat_map(|last| proptest::collection::vec(0..=last, 0..2_000)),
        "[a-z\":,]{0,40}".prop_map(|text| text.repeat(30).into_bytes()),
    ];
    proptest::collection::vec(fragment, 1..6).prop_flat_map(|fragments| {
        let part = prop_oneof![
            4 => proptest::sample::select(fragments),
            2 => "[0-9A-Za-z-]{0,30}".prop_map(String::into_bytes),
            1 => proptest::collection::vec(any::<u8>(), 0..50),
            1 => proptest::collection::vec(0..3_u8, 0..50),
            1 => (any::<u8>(), 0..1_000_usize).prop_map(|(byte, count)| vec![byte; count]),
        ];
        proptest::collection::vec(part, 0..250)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn reads_back_any_parts(parts in parts()) {
        let gzip = compress(parts.iter().map(Vec::as_slice));
        prop_assert!(decompress(&gzip) == parts.concat());
    }
}
