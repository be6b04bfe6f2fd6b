//! Random texts against serde_json: the same are refused, and the others mean the same.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value as Json};

use super::tests::agrees_with_serde;

/// Pieces of JSON, sound and otherwise, to be put together in any order.
const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    " ",
    "\t",
    "\n",
    "\r",
    "\"a\"",
    "\"b\":",
    "\"a\":1",
    "\"\"",
    "\".\"",
    "\\",
    "\\u0061",
    "\\ud800",
    "\\udc00",
    "\\ud83d\\ude00",
    "\\n",
    "\\x",
    "\u{0}",
    "\u{7f}",
    "é",
    "😀",
    "-",
    "0",
    "01",
    "1",
    "1.5",
    "1e5",
    "1e999",
    "-0",
    ".5",
    "E+",
    "true",
    "false",
    "null",
    "nul",
    "NaN",
    "//",
    "{}",
    "[]",
    "{\"a\":[{",
];

fn value() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        // Floats that need all their digits may differ in the last one, which is not the question.
        any::<i32>().prop_map(|number| Json::from(f64::from(number) / 8.0)),
        ".{0,12}".prop_map(Json::from),
    ];
    scalar.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![vec(inner.clone(), 0..6).prop_map(Json::from), object(inner).prop_map(Json::from)]
    })
}

fn object(value: impl Strategy<Value = Json>) -> impl Strategy<Value = Map<String, Json>> {
    let key = prop_oneof![8 => "[a-z_@]{1,12}", 1 => "[a-c.]{1,4}", 1 => ".{0,6}"];
    vec((key, value), 0..8).prop_map(|members| members.into_iter().collect())
}

/// The text of an object, with blanks between its tokens or without.
fn text() -> impl Strategy<Value = String> {
    (object(value()), any::<bool>()).prop_map(|(object, pretty)| {
        let text = if pretty { serde_json::to_string_pretty(&object) } else { serde_json::to_string(&object) };
        text.unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn objects_are_taken(text in text()) {
        prop_assert!(agrees_with_serde(text.as_bytes()), "{}", text);
    }

    #[test]
    fn objects_with_one_change_are_judged_alike(text in text(), at in any::<Index>(), byte in any::<u8>(), kind in 0..3) {
        let mut text = text.into_bytes();
        let at = at.index(text.len());
        match kind {
            0 => text[at] = byte,
            1 => text.insert(at, byte),
            _ => drop(text.remove(at)),
        }
        agrees_with_serde(&text);
    }

    #[test]
    fn heaps_of_pieces_are_judged_alike(pieces in vec(select(PIECES), 0..30), wrap in any::<bool>()) {
        let text = pieces.concat();
        let text = if wrap { format!("{{\"k\":{text}}}") } else { text };
        agrees_with_serde(text.as_bytes());
    }
}
