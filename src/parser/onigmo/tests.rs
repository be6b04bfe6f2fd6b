use regex::bytes::RegexBuilder;

use super::*;

/// The captures of `pattern` in `text`, or `None` if it does not match.
fn captures(pattern: &str, text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let translated = translate(pattern).unwrap();
    let regex = RegexBuilder::new(translated.for_regex().unwrap()).multi_line(true).unicode(false).build();
    let regex = regex.unwrap_or_else(|error| panic!("{pattern} -> {}: {error}", translated.rewritten));
    assert_eq!(regex.captures_len() - 1, translated.names().count(), "{pattern} -> {}", translated.rewritten);
    let found = regex.captures(text)?;
    Some(found.iter().skip(1).map(|group| group.map_or_else(Vec::new, |group| group.as_bytes().to_vec())).collect())
}

fn first(pattern: &str, text: &str) -> Option<String> {
    captures(pattern, text.as_bytes()).map(|groups| String::from_utf8(groups[0].clone()).unwrap())
}

#[test]
fn matches_as_ruby_does() {
    for (pattern, text, expected) in [
        // Anchors are line anchors; the dot stops at line feeds only.
        ("^(?<a>b.*)$", "a\nbc\nd", Some("bc")),
        (r"\A(?<a>b)", "a\nb", None),
        (r"(?<a>.+)\Z", "one\n", Some("one")),
        (r"(?<a>.+)\z", "one\n", None),
        ("/(?<a>b.*)/m", "b\nc", Some("b\nc")),
        ("(?m:(?<a>b.*))", "b\nc", Some("b\nc")),
        ("/(?<a>B)/i", "b", Some("b")),
        ("/a b # no\n (?<a>[c ]+)/x", "abc c", Some("c c")),
        // A slash with flags that nobody knows is text.
        ("/(?<a>b)/q", "/b/q", Some("b")),
        // Flags in the middle hold to the end of the group, through alternatives.
        ("^(?<a>x(?i)y|z)$", "xZ", Some("xZ")),
        ("^(?<a>(?-i:x)Y)$", "xY", Some("xY")),
        // Classes are ASCII; `\h` is a hexadecimal digit.
        (r"(?<a>\h+)\H", "fFg", Some("fF")),
        (r"^(?<a>\d+)$", "٣", None),
        (r"^(?<a>\w+)", "aé", Some("a")),
        // Angle brackets are not word boundaries.
        (r"^\<(?<a>[0-9]{1,5})\>1", "<34>1", Some("34")),
        // Repetition.
        ("^(?<a>a{,2})", "aaa", Some("aa")),
        ("^(?<a>{a}{,}{x})", "{a}{,}{x}", Some("{a}{,}{x}")),
        ("^(?<a>a{2}+)$", "aaaa", Some("aaaa")),
        ("^(?<a>a{2}?)$", "", Some("")),
        ("^(?<a>(?:ab){1}?)$", "ab", Some("ab")),
        ("^(?<a>a{1,2}?)", "aa", Some("a")),
        // Plain groups do not capture when names are there, and names may be anything.
        ("(x)(?<a-b.c>y)", "xy", Some("y")),
        ("(?'a'y)", "y", Some("y")),
        ("(?#a comment)(?<a>y)", "y", Some("y")),
        // Classes.
        (r"^(?<a>[.-_\w]+)$", "A/9_z", Some("A/9_z")),
        (r"^(?<a>[-.\d\+:T]+)$", "-.9+:T", Some("-.9+:T")),
        (r"^(?<a>[\d-z]+)$", "1-z", Some("1-z")),
        ("^(?<a>[]a]+)$", "]a", Some("]a")),
        ("^(?<a>[a-z&&[^aeiou]]+)", "bcde", Some("bcd")),
        (r"^(?<a>[~\-&|#]+)$", "~-&|#", Some("~-&|#")),
        ("^(?<a>[[:alnum:]_]+)$", "aé9_", Some("aé9_")),
        ("^(?<a>[[:^space:]]+)", "aé b", Some("aé")),
        ("^(?<a>]})", "]}", Some("]}")),
        (r"^(?<a>\e\[0m)\x41\u00e9\101\0", "\x1b[0mAéA\0", Some("\x1b[0m")),
        (r"^(?<a>\p{Greek}+\p{^Greek})", "αβγx", Some("αβγx")),
        (r"(?<a>[äö]+)", "xöäx", Some("öä")),
        (r"(?<a>x\Ry)", "x\r\ny", Some("x\r\ny")),
    ] {
        assert_eq!(first(pattern, text).as_deref(), expected, "{pattern} on {text:?}");
    }
}

#[test]
fn counts_characters_and_takes_any_byte() {
    assert_eq!(first("^(?<a>.{2})", "éàx").as_deref(), Some("éà"));
    assert_eq!(first("^(?<a>[^ ])", "éx").as_deref(), Some("é"));
    assert_eq!(first(r"^(?<a>\D)", "éx").as_deref(), Some("é"));
    assert_eq!(
        captures("^(?<a>[^ ]*) (?<b>.*)$", b"a\xff\xc3 \xe9b"),
        Some(vec![b"a\xff\xc3".to_vec(), b"\xe9b".to_vec()])
    );
    assert_eq!(captures("^(?<a>.)(?<b>.)$", b"\xff\xc3"), Some(vec![b"\xff".to_vec(), b"\xc3".to_vec()]));
}

#[test]
fn names_what_it_cannot_do() {
    for (pattern, construct) in [
        ("(?~a)", "absence operator `(?~`"),
        ("(?(1)a)", "conditional `(?(`"),
        (r"(?<a>b)\k<1>", r"numbered back-reference `\k<1>`"),
        (r"(b)\1", r"numbered back-reference `\1`"),
        (r"\g<a>", r"subexpression call `\g`"),
        (r"\X", r"grapheme `\X`"),
        ("(?a)b", "group option `a`"),
    ] {
        assert_eq!(translate(pattern), Err(Error::Unsupported(construct.to_owned())), "{pattern}");
    }
}

#[test]
fn names_what_the_regex_crate_cannot_do() {
    let around = |negative, behind| Group::Around { negative, behind };
    for (pattern, group, construct) in [
        ("(?=a)", around(false, false), "look-ahead `(?=`"),
        ("(?!a)", around(true, false), "negative look-ahead `(?!`"),
        ("(?<=a)", around(false, true), "look-behind `(?<=`"),
        ("(?<!a)", around(true, true), "negative look-behind `(?<!`"),
        ("(?>a)", Group::Atomic, "atomic group `(?>`"),
        ("a*+", Group::Atomic, "possessive quantifier `*+`"),
        ("a++", Group::Atomic, "possessive quantifier `++`"),
        ("a?+", Group::Atomic, "possessive quantifier `?+`"),
        (r"\k<a>", Group::Reference("a".to_owned()), r"back-reference `\k<a>`"),
    ] {
        let translated = translate(pattern).unwrap();
        assert_eq!(
            (translated.beyond_regex.as_deref(), translated.groups),
            (Some(construct), vec![group]),
            "{pattern}"
        );
    }
    let nested = translate("(?<a>x)(?:(?<b>y)z)++(?<c>.)").unwrap();
    let named = |name: &str| Group::Named(name.to_owned());
    assert_eq!(nested.groups, [named("a"), Group::Atomic, named("b"), named("c")]);
    assert_eq!(nested.rewritten.matches("((?:(y)z)+)").count(), 1, "{}", nested.rewritten);
}

#[test]
fn knows_where_parts_of_a_pattern_end() {
    let text = r"^é(?<a>b|c)+ {2}\[x";
    let translated = translate("^é(?<a>b|c)+ {2}\\[x").unwrap();
    let parts: Vec<_> = translated.ends.iter().map(|end| &text[..*end]).collect();
    assert_eq!(parts, ["", "^", "^é", "^é(?<a>b|c)+", r"^é(?<a>b|c)+ {2}", r"^é(?<a>b|c)+ {2}\["]);
}

#[test]
fn refuses_what_does_not_end() {
    for pattern in
        ["(a", "a)", "[a", "(?<a", "(?<>x)", "\\", r"\x{41", r"\p{L", "[[:nothing:]]", "(?q)", "(?#a", r"\k", r"\k<>"]
    {
        assert!(matches!(translate(pattern), Err(Error::Invalid(_))), "{pattern}");
    }
}

#[test]
fn refuses_what_has_nothing_to_repeat() {
    for pattern in ["é(*+*+)*+", "é(*+)", "é({2}?)", "a(b(+))"] {
        assert!(matches!(translate(pattern), Err(Error::Invalid(_))), "{pattern}");
    }
}

#[test]
fn keeps_names_in_order_and_twice() {
    let translated = translate("(?<time>a)|(?<x>b)(c)|(?<time>d)").unwrap();
    assert_eq!(translated.names().collect::<Vec<_>>(), ["time", "x", "time"]);
}
