use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::parser::onigmo::translate;

fn engine(pattern: &str) -> Engine {
    let translated = translate(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    Engine::new(&translated).unwrap_or_else(|error| panic!("{pattern} -> {}: {error}", translated.rewritten))
}

/// The texts of so many groups, empty for those that took no part; `None` without a match.
fn captures(engine: &Engine, groups: usize, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut scratch = Scratch::default();
    match engine.search(text, &mut scratch) {
        Found::Matched(_) => {}
        Found::Unmatched => return None,
        Found::CutOff => panic!("cut off"),
    }
    Some(
        (0..groups)
            .map(|group| scratch.group(group).map(|(start, end)| text[start..end].to_vec()).unwrap_or_default())
            .collect(),
    )
}

fn shown(pattern: &str, text: &str) -> String {
    let engine = engine(pattern);
    assert_eq!(engine.kind(), EngineKind::Backtracking, "{pattern}");
    let count = translate(pattern).unwrap().names().count();
    let groups = captures(&engine, count, text.as_bytes());
    groups.map_or("-".to_owned(), |groups| {
        groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join("|")
    })
}

#[test]
fn looks_around_and_refers_back() {
    for (pattern, text, expected) in [
        // Look-ahead.
        (r"^(?<a>\w+)(?=;)", "ab;", "ab"),
        (r"^(?<a>\w+)(?=;)", "ab", "-"),
        (r"^(?<a>(?!x)\w+)", "xa", "-"),
        (r"(?<a>(?!x)\w+)", "xa", "a"),
        (r"^(?=(?<b>..))(?<a>.)", "xyz", "xy|x"),
        // What a negative look-ahead has tried leaves no trace.
        (r"^(?!(?<b>x)y)(?<a>x)", "xz", "|x"),
        (r"^(?<a>(?:(?!END).)*)END(?<b>.*)", "one END two END", "one | two END"),
        (r"^(?!^x)(?<a>.)", "yx", "y"),
        ("(?!^)(?<a>x)", "xx", "x"),
        // Look-behind.
        (r"(?<=\[)(?<a>[^\]]+)(?=\])", "x [y] z", "y"),
        (r"(?<=é|ab)(?<a>.)", "xabz", "z"),
        (r"(?<=é)(?<a>.)", "xéz", "z"),
        (r"(?<!\\)(?<a>;)(?<b>.)", r"\;a;b", ";|b"),
        (r"(?<=^x)(?<a>y)", "xy", "y"),
        // Back-references.
        (r#"^(?<q>["'])(?<a>.*?)\k<q>$"#, r#"'it "is" so'"#, r#"'|it "is" so"#),
        (r#"^(?<q>["'])(?<a>[^"']*)\k<q>$"#, r#"'x""#, "-"),
        (r"(?i)^(?<a>ab)-\k<a>$", "Ab-aB", "Ab"),
        (r"^(?<a>ab)-\k<a>$", "ab-aB", "-"),
        (r"^(?:(?<a>x)|(?<a>y))\k'a'(?<b>.)", "yyz", "|y|z"),
        (r"^(?<a>x)?(?<b>y)\k<a>", "y", "-"),
        (r"^(?<a>ab)\k<a>*(?<b>.*)", "abababc", "ab|c"),
        // Nothing is given back.
        (r"^(?<a>(?>a+))b", "aab", "aa"),
        (r"^(?<a>(?>a+))ab", "aab", "-"),
        (r"^(?<a>a++)ab", "aab", "-"),
        (r"^(?<a>[^;]*+);(?<b>x?+)(?<c>.)", "ab;xy", "ab|x|y"),
        (r"^(?<a>(?:ab|a)*+)(?<b>.)", "abac", "aba|c"),
        (r"^(?<a>(?>a|ab))(?<b>c)", "abc", "-"),
        // Groups inside of what gives nothing back count, whatever stands before.
        (r"^(?<a>x)(?:(?<b>y)z)++(?<c>.)", "xyzyzw", "x|y|w"),
        // Nothing, many times.
        (r"^(?<a>(?:x*)*)(?=;)", "xx;", "xx"),
        (r"^(?:(?<a>)|y)*(?=;)", "yy;", ""),
        // Characters beyond ASCII.
        (r"^(?<a>[äö]{2})(?=x)", "äöx", "äö"),
        (r"^(?<a>\p{Greek}+)(?!x)", "αβx", "α"),
        (r"\b(?<a>é\w*)\b(?=!)", "x é!", "é"),
        (r"^(?<a>a)\K(?<b>b)(?!x)", "ab", "a|b"),
    ] {
        assert_eq!(shown(pattern, text), expected, "{pattern} on {text}");
    }
}

#[test]
fn tells_which_engine_a_pattern_gets_and_why() {
    for (pattern, kind, reason) in [
        (r"^(?<a>[^ ]*) (?<b>.*)$", EngineKind::Direct, "plain groups"),
        (r"^(?<a>(?:x*)*)$", EngineKind::Regex, "may be empty is repeated"),
        (r"^(?<a>(?:ab){1000}(?:cd){1000}(?:ef){99}){20}", EngineKind::Regex, "too large"),
        (r"^(?<a>x)(?!y)", EngineKind::Backtracking, "negative look-ahead `(?!`"),
        (r"^(?<a>x++)", EngineKind::Backtracking, "possessive quantifier `++`"),
        (r"^(?<a>x)\k<a>", EngineKind::Backtracking, r"back-reference `\k<a>`"),
    ] {
        let engine = engine(pattern);
        assert_eq!(engine.kind(), kind, "{pattern}: {}", engine.reason());
        assert!(engine.reason().contains(reason), "{pattern}: {}", engine.reason());
    }
    let unlimited = Engine::new(&translate("(?<=a*)(?<b>x)").unwrap()).unwrap_err();
    assert_eq!(unlimited, Error::Invalid("a look-behind must have a limited length".to_owned()));
    let nobody = Engine::new(&translate(r"(?<b>x)\k<c>").unwrap()).unwrap_err();
    assert_eq!(nobody, Error::Invalid(r"`\k<c>` names no group".to_owned()));
}

#[test]
fn no_text_stalls_an_expression() {
    const MEBIBYTE: usize = 1 << 20;
    let hostile = |unit: &str, end: &str| [unit.repeat(MEBIBYTE / unit.len()).as_bytes(), end.as_bytes()].concat();
    for (pattern, text, expected) in [
        // Exponential and worse for an engine that tries one way after the other.
        (r"^(?<a>(?:x+x+)+y)(?!z)", hostile("x", ""), Found::CutOff),
        (r"^(?<a>(?:x|x)*)(?=y)", hostile("x", ""), Found::CutOff),
        (r"^(?<a>(?:x|xx)+)\k<a>$", hostile("x", "y"), Found::CutOff),
        (r"(?<a>.*)(?<b>.*)(?<c>.*)(?<=y)z", hostile("x", ""), Found::CutOff),
        (r"(?<a>(?:(?=.*y)x)+)z", hostile("x", ""), Found::CutOff),
        (r"(?<a>x{1,1000})(?<!x)", hostile("x", ""), Found::CutOff),
        (r"(?<=(?<b>x{0,900})z)(?<a>x)", hostile("x", ""), Found::CutOff),
        // Linear for `regex`, whatever they look like.
        (r"^(?<a>(?:x+x+)+)y", hostile("x", ""), Found::Unmatched),
        (r"(?<a>x+)(?<b>x+)(?<c>x+)y", hostile("x", ""), Found::Unmatched),
        (r"^(?<a>(?:[a-z]+\s?)+)$", hostile("ab ", "1"), Found::Unmatched),
        (r"(?<a>.*)=(?<b>.*)=(?<c>.*);", hostile("=", ""), Found::Unmatched),
        (r"^(?:(?<a>x)|(?<b>xx))*y", hostile("x", "y"), Found::CutOff),
        (r"^(?:(?<a>x)|(?<b>xx))*y", "x".repeat(60_000).into_bytes(), Found::Unmatched),
        (r"^(?:(?<a>x)|(?<b>xx))*y", ["x".repeat(60_000).as_bytes(), b"y"].concat(), Found::Matched(60_001)),
        (r"^(?<a>[^ ]*) (?<b>.*)y$", hostile("x ", "y"), Found::Matched(MEBIBYTE + 1)),
    ] {
        let (engine, mut scratch) = (engine(pattern), Scratch::default());
        // The first search grows what is kept.
        assert_eq!(engine.search(&text, &mut scratch), expected, "{pattern}");
        let took = (0..3).map(|_| timed(&engine, &text, &mut scratch)).min().unwrap();
        assert!(took < Duration::from_millis(50), "{pattern} took {took:?}");
    }
}

/// The processor's time for a search, which other work on the machine does not lengthen.
fn timed(engine: &Engine, text: &[u8], scratch: &mut Scratch) -> Duration {
    let before = processor_time();
    engine.search(text, scratch);
    processor_time() - before
}

/// How long this thread has run.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = statistics.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap())
}

/// Patterns of groups, classes and repetitions, as `regex` knows them too.
fn patterns() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "ab",
        "[ab]",
        "[^a]",
        "[^ab]",
        r"\w",
        r"\s",
        ".",
        "[^ ]",
        "(?<n>a)",
        "(?<n>[^c]*)",
        "^",
        "$",
        "é",
        r"\b",
        "(?i:A)",
    ]);
    let leaf = (atom, prop::sample::select(vec!["", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?"]))
        .prop_map(
            |(atom, times)| {
                if matches!(atom, "^" | "$" | r"\b") { atom.to_owned() } else { format!("(?:{atom}){times}") }
            },
        );
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(?:{one}|{other})")),
            inner.clone().prop_map(|inside| format!("(?<g>{inside})")),
            (inner, prop::sample::select(vec!["*", "+", "?", "+?", "{2,3}"]))
                .prop_map(|(inside, times)| format!("(?:{inside}){times}")),
        ]
    })
}

/// Anything that a pattern may be made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", ".", "[^a]", "(", "(?:", "(?<g>", "(?=", "(?!", "(?<=", "(?<!", "(?>", ")", ")", ")", "|", "*", "+",
        "?", "*+", "++", "{0,2}", "{2}+", r"\k<g>", "^", "$", r"\b", r"\R", "(?i)", "(?i:", r"\p{L}", "é", r"\K",
        r"\h",
    ]);
    prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pattern_and_no_text_panics(pattern in pieces(), text in prop::collection::vec(
        prop::sample::select(b"ab \n\r\xc3\xa9\xff".to_vec()), 0..16)
    ) {
        let Ok(translated) = translate(&pattern) else { return Ok(()) };
        let Ok(engine) = Engine::new(&translated) else { return Ok(()) };
        let mut scratch = Scratch::default();
        if let Found::Matched(end) = engine.search(&text, &mut scratch) {
            prop_assert!(end <= text.len());
            for group in 0..translated.names().count() {
                prop_assert!(scratch.group(group).is_none_or(|(_, end)| end <= text.len()), "{}", pattern);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn direct_finds_what_regex_finds(
        patterns in prop::collection::vec(patterns(), 1..4),
        texts in prop::collection::vec("[abc \néA]{0,12}", 1..4),
    ) {
        let pattern = format!("{}(?<last>b?)", patterns.concat());
        let both = engine(&pattern);
        if both.kind() == EngineKind::Direct {
            let count = translate(&pattern).unwrap().names().count();
            let regex = Engine { kind: EngineKind::Regex, program: None, ..both.clone() };
            for text in &texts {
                let [left, right] = [&both, &regex].map(|engine| captures(engine, count, text.as_bytes()));
                prop_assert_eq!(left, right, "{} on {:?}", pattern, text);
            }
        }
    }
}
