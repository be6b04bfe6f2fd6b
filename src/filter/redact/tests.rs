//! Members through the filter.

use super::*;
use crate::config::{Class, Environment, instance};
use crate::record::{DocumentId, Timestamp};

fn built(pairs: &[(&str, &str)]) -> (Option<Box<dyn Filter>>, Problems) {
    let pairs: Vec<_> = [("Match", "*")].iter().chain(pairs).copied().collect();
    let (definition, mut problems) = instance(Class::Filter, &PLUGIN, &pairs, &Environment::default());
    let filter = build(&definition.options(), &mut problems);
    (filter, problems)
}

/// The members behind the filter, and how many secrets it counted.
fn filtered(pairs: &[(&str, &str)], members: &[Member<'_>]) -> (Vec<String>, u64) {
    let (filter, problems) = built(pairs);
    let filter = filter.unwrap_or_else(|| panic!("{problems}"));
    let arena = Bump::new();
    let source =
        Source { id: 1, input: 0, tag: "t".to_owned(), path: None, container: None, pod: None, log: None, began: None };
    let turn = Turn { arena: &arena, source: &source, now: Timestamp(0) };
    let id = DocumentId::random(Timestamp(0));
    let mut record = Record { time: Timestamp(7), members: members.to_vec(), id, truncated: false, unique: true };
    assert_eq!(filter.apply(&mut record, &turn), Action::Keep);
    let shown = |member: &Member<'_>| {
        let (Value::Json(bytes) | Value::Text(bytes) | Value::Members(bytes)) = member.value;
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    (record.members.iter().map(shown).collect(), filter.counters()[0].value)
}

#[test]
fn texts_and_strings_inside_of_json_lose_their_secrets() {
    let members = [
        Member::text(b"log", b"call with Bearer abcdefgh12345", Origin::Runtime),
        Member::json(
            b"request",
            br#"{"auth":"Bearer abcdefgh","deep":["AKIAIOSFODNN7EXAMPLE",1]}"#,
            Origin::Application,
        ),
        Member::json(b"url", br#""http:\/\/me:pass@host\/\n""#, Origin::Application),
        Member::members(br#""a":"Bearer abcdefgh","b":2"#, Origin::Application),
        Member::json(b"kubernetes", br#"{"annotations":{"a":"Bearer abcdefgh"}}"#, Origin::Filter),
        Member::json(b"plain", br#"{"a":"b\n"}"#, Origin::Application),
        // As the Flyte filter leaves it.
        Member::text(b"message", b"call with Bearer abcdefgh12345", Origin::Filter),
        // What only the key tells.
        Member::json(
            b"headers",
            br#"{"Authorization": "Basic dXNlcjpwYXNz","Accept":"Basic dXNlcjpwYXNz"}"#,
            Origin::Application,
        ),
        Member::json(b"Authorization", br#""Basic dXNlcjpwYXNz""#, Origin::Application),
        Member::text(b"authorization", b"Basic dXNlcjpwYXNz", Origin::Application),
    ];
    let (shown, secrets) = filtered(&[], &members);
    let expected = [
        "call with Bearer [REDACTED]",
        r#"{"auth":"Bearer [REDACTED]","deep":["[REDACTED]",1]}"#,
        r#""http://me:[REDACTED]@host/\n""#,
        r#""a":"Bearer [REDACTED]","b":2"#,
        r#"{"annotations":{"a":"Bearer abcdefgh"}}"#,
        r#"{"a":"b\n"}"#,
        "call with Bearer [REDACTED]",
        r#"{"Authorization": "Basic [REDACTED]","Accept":"Basic dXNlcjpwYXNz"}"#,
        r#""Basic [REDACTED]""#,
        "Basic [REDACTED]",
    ];
    assert_eq!((shown, secrets), (expected.map(str::to_owned).to_vec(), 9));
}

#[test]
fn an_own_rule_cannot_break_json() {
    let member = Member::json(b"m", br#"{"a":"x secret=a\"b\\","c":"d"}"#, Origin::Application);
    let pairs = [("Rules", "none"), ("Regex", "secret=.*"), ("Replacement", "\"gone\"")];
    let (shown, secrets) = filtered(&pairs, &[member]);
    assert_eq!((shown, secrets), (vec![r#"{"a":"x \"gone\"","c":"d"}"#.to_owned()], 1));
}

#[test]
fn anchors_of_an_own_rule_are_the_ends_of_a_value() {
    let members = [
        Member::text(b"log", b"tok_a", Origin::Runtime),
        Member::text(b"log", b"see tok_a", Origin::Runtime),
        Member::json(b"request", br#"{"a":"tok_b","n":{"b":"tok\u005fc"},"c":"x tok_d"}"#, Origin::Application),
        Member::json(b"token", br#""tok_f""#, Origin::Application),
        Member::members(br#""a":"tok_g","b":2"#, Origin::Application),
        // JSON that nobody split.
        Member::text(b"log", br#"{"a":"tok_h","b":["tok_i"],"c":"x tok_j"}"#, Origin::Runtime),
        Member::text(b"log", br#"{"a":"tok_h""#, Origin::Runtime),
    ];
    let (shown, secrets) = filtered(&[("Rules", "none"), ("Regex", r"^tok_\w+$"), ("Replacement", "#")], &members);
    let expected = [
        "#",
        "see tok_a",
        r##"{"a":"#","n":{"b":"#"},"c":"x tok_d"}"##,
        r##""#""##,
        r##""a":"#","b":2"##,
        r##"{"a":"#","b":["#"],"c":"x tok_j"}"##,
        r#"{"a":"tok_h""#,
    ];
    assert_eq!((shown, secrets), (expected.map(str::to_owned).to_vec(), 7));
}

#[test]
fn an_own_rule_may_name_the_key() {
    let member = Member::json(b"m", br#"{"pin":"1234","tin":"1234"}"#, Origin::Application);
    let pairs = [("Rules", "none"), ("Regex", r#""pin":"(\d+)""#), ("Replacement", "#")];
    let (shown, secrets) = filtered(&pairs, &[member]);
    assert_eq!((shown, secrets), (vec![r##"{"pin":"#","tin":"1234"}"##.to_owned()], 1));
}

#[test]
fn a_rule_that_names_the_key_finds_its_text_whatever_other_rules_found_in_it() {
    let members = [
        Member::text(b"password", b"tok_abc hunter2", Origin::Application),
        Member::json(b"m", br#"{"password":"tok_abc hunter2","other":"tok_abc hunter2"}"#, Origin::Application),
        // What stands before a secret may be another rule's context.
        Member::text(b"m", b"user=amy Bearer abcdefgh", Origin::Application),
    ];
    let own = [("Regex", r"tok_\w+"), ("Regex", r#"password":"(.+)"#), ("Regex", r"user=(\w+).*")];
    let expected = ["[REDACTED]", r#"{"password":"[REDACTED]","other":"[REDACTED] hunter2"}"#];
    for (rules, last) in [("none", "user=[REDACTED] Bearer abcdefgh"), ("bearer", "user=[REDACTED] Bearer [REDACTED]")]
    {
        let (shown, _) = filtered(&[&[("Rules", rules)], &own[..]].concat(), &members);
        assert_eq!(shown, [expected[0], expected[1], last], "{rules}");
    }
}

#[test]
fn json_that_nothing_split_loses_what_its_escapes_and_blanks_hide() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc";
    for (text, expected) in [
        (format!(r#"{{"msg":"token:\n{token}"}}"#), r##"{"msg":"token:\n#"}"##),
        (format!(r#" ["token:\t{token}"]"#), r##" ["token:\t#"]"##),
        (r#"{"msg":"key\nAKIAIOSFODNN7EXAMPLE"}"#.to_owned(), r##"{"msg":"key\n#"}"##),
        (r#"{"url":"https:\/\/u:p@h"}"#.to_owned(), r##"{"url":"https://u:#@h"}"##),
        (r#"{"Authorization":["Basic dXNlcjpwYXNz"]}"#.to_owned(), r##"{"Authorization":["Basic #"]}"##),
        // Not JSON after all.
        (r#"{"url":"https://u:p@h""#.to_owned(), r##"{"url":"https://u:#@h""##),
    ] {
        let member = Member::text(b"log", text.as_bytes(), Origin::Runtime);
        let (shown, secrets) = filtered(&[("Replacement", "#")], &[member]);
        assert_eq!((shown[0].as_str(), secrets), (expected, 1));
    }
}

#[test]
fn an_own_rule_finds_the_keys_of_json_whatever_blanks_it_has_and_leaves_it_json() {
    let long = "x".repeat(2 * LONGEST_NAMED);
    let own = [("Rules", "none"), ("Regex", r#""pin":"(\d+)""#), ("Regex", r"token=(\S+)"), ("Regex", r"4\d{15}")];
    for (text, expected) in [
        (r#"{"pin": "1234", "tin": "1234"}"#.to_owned(), r##"{"pin": "#", "tin": "1234"}"##.to_owned()),
        (format!(r#"{{"a": "{long}", "pin" : "1234"}}"#), format!(r##"{{"a": "{long}", "pin" : "#"}}"##)),
        (format!(r#"{{"a":"{long}","pin":["1234"]}}"#), format!(r##"{{"a":"{long}","pin":["#"]}}"##)),
        (
            r#"{"m": "token=abc", "card": 4111111111111111, "n": 5}"#.to_owned(),
            r##"{"m": "token=#", "card": "#", "n": 5}"##.to_owned(),
        ),
    ] {
        let members = [
            Member::text(b"log", text.as_bytes(), Origin::Runtime),
            Member::json(b"nested", text.as_bytes(), Origin::Application),
        ];
        let pairs = [&own[..], &[("Replacement", "#")]].concat();
        let (shown, _) = filtered(&pairs, &members);
        for shown in shown {
            assert_eq!(shown, expected);
            assert!(serde_json::from_str::<serde_json::Value>(&shown).is_ok(), "{shown}");
        }
    }
}

#[test]
fn what_is_wrong_with_the_rules_is_said() {
    for (pairs, expected) in [
        (&[("Rules", "jwt, jvt")][..], "there is no rule `jvt`"),
        (&[("Rules", "none")], "neither Rules nor a Regex"),
        (&[("Regex", "a(")], "no regular expression"),
        (&[("Regex", "x*")], "matches the empty text"),
    ] {
        let (filter, problems) = built(pairs);
        assert!(filter.is_none() && problems.to_string().contains(expected), "{problems}");
    }
}
