use bumpalo::Bump;
use fastrand::Rng;
use serde_json::{Value as Json, json};

use super::*;
use crate::record::Value;

/// The text of the object that the members of `text` make, checked not to hold a key twice nor a
/// line break.
fn rebuilt(text: &[u8]) -> Result<(Vec<u8>, Json), Malformed> {
    let (arena, mut members) = (Bump::new(), Vec::new());
    split(text, &arena, &mut members, Origin::Application)?;
    let mut out = b"{".to_vec();
    for (ordinal, member) in members.iter().enumerate() {
        let Value::Json(value) = member.value else { panic!("{member:?}") };
        out.extend_from_slice(if ordinal > 0 { b",\"" } else { b"\"" });
        out.extend_from_slice(member.key);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value);
    }
    out.push(b'}');
    assert!(!out.contains(&b'\n') && !out.contains(&b'\r'), "{}", String::from_utf8_lossy(&out));
    let value = strict::parse(&out).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&out)));
    Ok((out, value))
}

fn repaired(text: &str) -> Json {
    let (first, value) = rebuilt(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let (second, _) = rebuilt(&first).unwrap();
    assert_eq!(first, second, "a repaired text needs no repair");
    value
}

/// Compares with serde_json: the same texts are refused, and the others mean the same.
pub(super) fn agrees_with_serde(text: &[u8]) -> bool {
    let shown = String::from_utf8_lossy(text);
    match (rebuilt(text), serde_json::from_slice::<Json>(text)) {
        (Ok(_), Ok(theirs)) if has_unsound_key(&theirs) => {}
        (Ok((_, ours)), Ok(theirs)) => assert_eq!(ours, theirs, "{shown}"),
        (Ok(_), Err(error)) => {
            let error = error.to_string();
            let mended = ["surrogate", "hex escape", "number out of range"];
            assert!(mended.iter().any(|reason| error.contains(reason)), "{error}: {shown}");
        }
        (Err(error), Ok(theirs)) => assert!(!theirs.is_object(), "{error}: {shown}"),
        (Err(_), Err(_)) => return false,
    }
    true
}

/// Keys that are renamed, so that the values cannot be compared as they are.
fn has_unsound_key(value: &Json) -> bool {
    let unsound = |key: &str| key.contains(char::is_control) || key.split('.').any(|part| part.trim().is_empty());
    match value {
        Json::Object(object) => object.iter().any(|(key, value)| unsound(key) || has_unsound_key(value)),
        Json::Array(elements) => elements.iter().any(has_unsound_key),
        _ => false,
    }
}

const ACCEPTED: &[&[u8]] = &[
    br#"{}"#,
    b" \t\r\n{ } \n",
    br#"{"a":1}"#,
    b"{\"a\" : [ 1 ,\t2 ] , \"b\":{ }}",
    br#"{"a":-0}"#,
    br#"{"a":0.5e-3}"#,
    br#"{"a":1E+2,"b":[true,false,null]}"#,
    r#"{"ключ":"зн\u0430чение","😀":"😀"}"#.as_bytes(),
    br#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#,
    br#"{"a":[[],{},[{}],{"b":[]}]}"#,
    br#"{"a":1,"a":2}"#,
    br#"{"a":{"b":1,"b":{"c":1,"c":[]}},"a":{"b":1,"b":3}}"#,
    b"{\"a\":\"\x7f\"}",
    br#"{"a":18446744073709551616}"#,
    br#"{"\u0061":1,"a":2}"#,
    br#"{"l\u0065vel":"x","a b":1,"a\/b":2,"\"":3}"#,
    br#"{"aaaaaaaa1bbbbbbbb":1,"aaaaaaaa2bbbbbbbb":2}"#,
];

const REFUSED: &[&[u8]] = &[
    b"",
    b" ",
    b"{",
    b"}",
    b"{]",
    b"[1}",
    b"null",
    b"1",
    b"\"a\"",
    b"[]",
    br#"{"a"}"#,
    br#"{"a":}"#,
    br#"{"a":1,}"#,
    br#"{,"a":1}"#,
    br#"{"a":1}}"#,
    br#"{"a":1} x"#,
    br#"{"a":1}{"#,
    br#"{"a":01}"#,
    br#"{"a":+1}"#,
    br#"{"a":.5}"#,
    br#"{"a":1.}"#,
    br#"{"a":1e}"#,
    br#"{"a":1e+}"#,
    br#"{"a":-}"#,
    br#"{"a":NaN}"#,
    br#"{"a":tru}"#,
    br#"{"a":truex}"#,
    br#"{"a":"b}"#,
    b"{\"a\":\"\n\"}",
    b"{\"a\":\"\x00\"}",
    b"{\"a\x1f\":1}",
    br#"{"a":"\x41"}"#,
    br#"{"a":"\u12"}"#,
    br#"{"a":"\u12g4"}"#,
    br#"{a:1}"#,
    br#"{'a':1}"#,
    br#"{"a":[1,]}"#,
    br#"{"a":[,1]}"#,
    br#"{"a":[1 2]}"#,
    br#"{"a":{"b":1]}"#,
    br#"{"a":[1}}"#,
    b"{\"a\":\"\xff\"}",
    b"{\"\xc3\":1}",
    b"{\"a\":\"\xed\xa0\x80\"}",
    b"\xef\xbb\xbf{}",
    b"{\"a\":1\x0c}",
    br#"{"a":1 "b":2}"#,
    br#"{"a" 1}"#,
    br#"{1:2}"#,
    b"{\"a\":\"b\\",
    b"{\"a\":1\0",
];

#[test]
fn takes_and_refuses_what_serde_json_does() {
    for text in ACCEPTED {
        assert!(agrees_with_serde(text), "{}", String::from_utf8_lossy(text));
    }
    for text in REFUSED {
        assert!(rebuilt(text).is_err(), "{}", String::from_utf8_lossy(text));
        agrees_with_serde(text);
    }
}

#[test]
fn says_where_it_stopped_and_leaves_the_members_alone() {
    let arena = Bump::new();
    let mut members = vec![Member::text(b"log", b"x", Origin::Runtime)];
    let error = split(br#"{"a":1,"b":oops}"#, &arena, &mut members, Origin::Application);
    assert_eq!(error, Err(Malformed { at: 11 }));
    assert_eq!(split(b"{\"a\":\"\xff\"}", &arena, &mut members, Origin::Application), Err(Malformed { at: 6 }));
    assert_eq!(split(br#"{"a":"#, &arena, &mut members, Origin::Application), Err(Malformed { at: 5 }));
    assert_eq!(members.len(), 1);
}

#[test]
fn borrows_from_healthy_text() {
    let text = br#"{"json":{"exec_id":"a","error.type":{"x":[1]}},"level":"info","msg":"a\nb","log.level":"x"}"#;
    let (arena, mut members) = (Bump::new(), Vec::new());
    split(text, &arena, &mut members, Origin::Application).unwrap();
    assert_eq!(members.len(), 4);
    assert_eq!(arena.allocated_bytes(), 0);
}

#[test]
fn nesting_ends_where_serde_json_ends_it() {
    for (open, close) in [("[", "]"), (r#"{"k":"#, "}")] {
        for levels in [1, 15, 16, 17, 100, 126, 127, 128, 100_000] {
            let inner = if open == "[" { "" } else { "1" };
            let text = format!(r#"{{"a":{}{inner}{}}}"#, open.repeat(levels - 1), close.repeat(levels - 1));
            let text = if levels == 1 { "{}".to_owned() } else { text };
            assert_eq!(rebuilt(text.as_bytes()).is_ok(), levels <= MAX_NESTING, "{levels} of {open}");
            assert_eq!(serde_json::from_str::<Json>(&text).is_ok(), levels <= MAX_NESTING, "{levels} of {open}");
        }
    }
}

#[test]
fn what_is_too_deep_becomes_its_text() {
    let text = format!(r#"{{"a":{}"x" {}}}"#, r#"{"k": "#.repeat(20), "}".repeat(20));
    let mut value = &repaired(&text)["a"];
    for _ in 2..MAX_LEVELS {
        value = &value["k"];
    }
    let deep = value["k"].as_str().unwrap();
    assert_eq!(deep, format!(r#"{}"x" {}"#, r#"{"k": "#.repeat(5), "}".repeat(5)));
    let fits = format!(r#"{{"a":{}1{}}}"#, "[".repeat(15), "]".repeat(15));
    assert_eq!(repaired(&fits), serde_json::from_str::<Json>(&fits).unwrap());
}

#[test]
fn repairs_keys() {
    let long = "x".repeat(300);
    let table = [
        (r#"{"":1}"#, json!({"_": 1})),
        (r#"{"a\u0000b":1,"\n":2}"#, json!({"a_b": 1, "_": 2})),
        (
            r#"{".":1,"..":2,"a.":3,".b":4,"a..b":5,"...":6}"#,
            json!({"_": 1, "__": 2, "a_": 3, "_b": 4, "a._b": 5, "_._": 6}),
        ),
        (
            r#"{" ":1,"a. .b":2,"\u2003\u2003":3,"a b":4," c":5}"#,
            json!({"_": 1, "a._.b": 2, "__": 3, "a b": 4, " c": 5}),
        ),
        (r#"{"a.b":{"c..d":1,".":[{"":1}]}}"#, json!({"a.b": {"c._d": 1, "_": [{"_": 1}]}})),
        (r#"{"a\ud800":1}"#, json!({"a\u{FFFD}": 1})),
        (r#"{"\"\\":1,"\u0022\\":2}"#, json!({"\"\\": 2})),
    ];
    for (text, expected) in table {
        assert_eq!(repaired(text), expected, "{text}");
    }
    let two = repaired(&format!(r#"{{"{long}1":1,"{long}2":2,"ok":3}}"#));
    assert_eq!(two.as_object().unwrap().len(), 3, "long keys do not run into each other");
    assert!(two.as_object().unwrap().keys().all(|key| key.len() <= MAX_KEY));
    assert_eq!(repaired(&format!(r#"{{"{}":1}}"#, "é".repeat(128)))["é".repeat(128)], 1);
    assert!(
        repaired(&format!(r#"{{"{}":1}}"#, "é".repeat(129))).as_object().unwrap().keys().all(|key| key.len() <= 256)
    );
}

#[test]
fn repairs_values() {
    let digits = "1".repeat(65);
    let table = [
        (
            r#"{"a":"x\ud800y","b":["\udc00\ud83d\ude00\ufffd"]}"#.to_owned(),
            json!({"a": "x\u{FFFD}y", "b": ["\u{FFFD}😀\u{FFFD}"]}),
        ),
        (r#"{"a":"\ud800\ud800\udc00\n"}"#.to_owned(), json!({"a": "\u{FFFD}\u{10000}\n"})),
        (format!(r#"{{"a":{digits},"b":[-{digits}.5e3]}}"#), json!({"a": digits, "b": [format!("-{digits}.5e3")]})),
        (
            r#"{"a":1e999,"b":-1E+400,"c":1e300,"d":1e-999}"#.to_owned(),
            json!({"a": "1e999", "b": "-1E+400", "c": 1e300, "d": 0.0}),
        ),
        ("{\n \"a\": {\n\t\"b\":\r\n [ 1, { } ] } }\n".to_owned(), json!({"a": {"b": [1, {}]}})),
    ];
    for (text, expected) in table {
        assert_eq!(repaired(&text), expected, "{text}");
    }
}

#[test]
fn folds_what_is_too_many() {
    let object = |from: usize, to: usize| -> String {
        (from..to).map(|number| format!(r#""k{number}":{number}"#)).collect::<Vec<_>>().join(",")
    };
    let fits = repaired(&format!("{{{}}}", object(0, MAX_MEMBERS)));
    assert_eq!(fits.as_object().unwrap().len(), MAX_MEMBERS);
    assert!(fits.get(SURPLUS_KEY).is_none());

    let folded = repaired(&format!(r#"{{"_surplus":"mine",{}}}"#, object(0, MAX_MEMBERS)));
    assert_eq!(folded.as_object().unwrap().len(), MAX_MEMBERS);
    let surplus: Json = serde_json::from_str(folded[SURPLUS_KEY].as_str().unwrap()).unwrap();
    assert_eq!(surplus, json!({"_surplus": "mine", "k255": 255}));

    let nested = format!(r#"{{"a":{{{0}}},"b":{{{0}}},"c":{{{0}}},"d":1}}"#, object(0, 400));
    let folded = repaired(&nested);
    assert_eq!(folded["a"]["k399"], 399);
    assert!(folded["b"].is_string() && folded["c"].is_string() && folded["d"] == 1);
    let nested = format!(r#"{{"a":[{{{0}}},{{{0}}}],"d":1}}"#, object(0, 400));
    assert!(repaired(&nested)["a"].is_array(), "up to the limit everything stays");
}

#[test]
fn agrees_with_serde_json_on_random_texts() {
    let mut random = Rng::with_seed(20_261_122);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..30_000 {
        let mut text = Vec::new();
        generate_object(&mut random, &mut text, 0);
        assert!(agrees_with_serde(&text), "{}", String::from_utf8_lossy(&text));
        for _ in 0..random.usize(0..3) {
            mutate(&mut random, &mut text);
        }
        *(if agrees_with_serde(&text) { &mut accepted } else { &mut refused }) += 1;
    }
    assert!(accepted > 5_000 && refused > 5_000, "{accepted} accepted, {refused} refused");
}

fn generate_object(random: &mut Rng, out: &mut Vec<u8>, depth: usize) {
    const KEYS: &[&str] = &[
        "a",
        "b",
        "msg",
        "level",
        "l\\u0065vel",
        "a.b",
        "long_key_1_of_the_same",
        "long_key_2_of_the_same",
        "é",
        "\\\"",
    ];
    out.push(b'{');
    for ordinal in 0..random.usize(0..6) {
        let separator = if ordinal == 0 { "" } else { random.choice([",", " ,", ", "]).unwrap() };
        out.extend_from_slice(separator.as_bytes());
        out.extend_from_slice(format!("\"{}\"", random.choice(KEYS).unwrap()).as_bytes());
        out.extend_from_slice(random.choice([":", ": ", " :\n", ":\t"]).unwrap().as_bytes());
        generate_value(random, out, depth + 1);
    }
    out.push(b'}');
}

fn generate_value(random: &mut Rng, out: &mut Vec<u8>, depth: usize) {
    const SCALARS: &[&str] = &[
        "0",
        "-1",
        "12.5",
        "1e5",
        "2E-7",
        "1e-320",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        "\"\"",
        "\"x\"",
        "\"a longer text, \\\"quoted\\\" here\"",
        "\"\\ud83d\\ude00\"",
        "\"日本語のテキスト\"",
        "\"tab\\there\"",
    ];
    match random.u8(0..10) {
        0..=1 if depth < 8 => generate_object(random, out, depth),
        2 if depth < 8 => {
            out.push(b'[');
            for ordinal in 0..random.usize(0..4) {
                out.extend_from_slice(if ordinal > 0 { b", " } else { b"" });
                generate_value(random, out, depth + 1);
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(random.choice(SCALARS).unwrap().as_bytes()),
    }
}

fn mutate(random: &mut Rng, text: &mut Vec<u8>) {
    let at = random.usize(0..=text.len().saturating_sub(1));
    let byte = *random.choice(b"{}[]\",:\\ \n0e-.utn\x01\x80\xffd8").unwrap();
    match random.u8(0..5) {
        0 => text.truncate(at),
        1 if !text.is_empty() => text[at] = byte,
        2 if !text.is_empty() => drop(text.remove(at)),
        3 if !text.is_empty() => text.swap(at, at / 2),
        _ => text.insert(at.min(text.len()), byte),
    }
}

#[test]
fn unescapes() {
    let arena = Bump::new();
    for text in ["", "plain", r"a\nb", r#"\"\\\/\b\f\n\r\t"#, r"\u00e9\u20ac\ud83d\ude00é", r"\ufffd"] {
        let expected: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        assert_eq!(unescape(text.as_bytes(), &arena), expected.as_bytes(), "{text}");
    }
    assert_eq!(unescape(br"\ud800x\udc00\ud800\u0041", &arena), "\u{FFFD}x\u{FFFD}\u{FFFD}A".as_bytes());
    let plain = b"no escapes";
    assert_eq!(unescape(plain, &arena).as_ptr(), plain.as_ptr());
}

#[test]
fn walks_through_members() {
    let found: Vec<_> = members_of(br#" { "a" : 1 ,"b":{"x":"}\""}, "c":[ {"y":2} ,"],"], "d":null} "#).collect();
    let expected: [(&[u8], &[u8]); 4] =
        [(b"a", b"1"), (b"b", br#"{"x":"}\""}"#), (b"c", br#"[ {"y":2} ,"],"]"#), (b"d", b"null")];
    assert_eq!(found, expected);
    for other in ["", "[]", "{}", "1", "\"x\"", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":\"\\"] {
        assert_eq!(members_of(other.as_bytes()).count(), 0, "{other}");
    }
}

#[test]
fn makes_keys_of_any_name() {
    let arena = Bump::new();
    let table: [(&[u8], &str); 8] = [
        (b"plain.key", "plain.key"),
        (b"", "_"),
        (b"a\"b\\", r#"a\"b\\"#),
        (b"a\x00", "a_"),
        (b".x.", "_x_"),
        ("é".as_bytes(), "é"),
        (b"\xff", "\u{FFFD}"),
        (b"a\tb", "a_b"),
    ];
    for (name, expected) in table {
        assert_eq!(String::from_utf8_lossy(sound_key(name, &arena)), expected);
    }
}
