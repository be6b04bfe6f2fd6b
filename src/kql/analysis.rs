//! The words of a text, as the servers' standard analyzer finds them: Unicode's word boundaries
//! (<https://www.unicode.org/reports/tr29/#Word_Boundaries>), in lower case.
//! Emoji, which are words there, are none here.

/// Longer words are cut into pieces of this many characters.
const LONGEST: usize = 255;

/// The words of a text, in order.
pub(super) fn words(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        if !is_of_word(character) {
            at += 1;
            continue;
        }
        let end = end_of_word(&characters, at);
        for piece in characters[at..end].chunks(LONGEST) {
            // A low line joins, but is no word by itself.
            if piece.iter().any(|&character| is_letter(character) || character.is_numeric()) {
                words.push(lower(piece));
            }
        }
        at = end;
    }
    words
}

/// Text in lower case, character for character.
pub(super) fn lower(characters: &[char]) -> String {
    characters.iter().flat_map(|character| character.to_lowercase()).collect()
}

fn end_of_word(characters: &[char], start: usize) -> usize {
    if is_ideograph(characters[start]) {
        return start + 1;
    }
    let mut end = start + 1;
    while let Some(&next) = characters.get(end) {
        if (is_of_word(next) || is_mark(next)) && !is_ideograph(next) {
            end += 1;
        } else if characters.get(end + 1).is_some_and(|&after| joins(characters[end - 1], next, after)) {
            end += 2;
        } else {
            break;
        }
    }
    end
}

fn is_of_word(character: char) -> bool {
    is_letter(character) || character.is_numeric() || character == '_'
}

fn is_letter(character: char) -> bool {
    character.is_alphabetic()
}

/// Belongs to the character before it.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{ad}')
}

/// Each of them is a word.
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{309f}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// A sign that is part of a word between two letters, or of a number between two digits.
fn joins(before: char, sign: char, after: char) -> bool {
    let letters = is_letter(before) && is_letter(after) && !is_ideograph(before) && !is_ideograph(after);
    let digits = before.is_ascii_digit() && after.is_ascii_digit();
    match sign {
        '.' | '\'' | '\u{2019}' => letters || digits,
        ':' | '\u{b7}' => letters,
        ',' | ';' => digits,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_words_that_servers_find() {
        for (text, expected) in [
            ("Task failed: exit-code=137", &["task", "failed", "exit", "code", "137"][..]),
            (
                "user_id can't k8s.io:x 10.5ms 1,000 1.2.3.4",
                &["user_id", "can't", "k8s.io:x", "10.5ms", "1,000", "1.2.3.4"],
            ),
            ("a..b _ __x /path/to_file.go:12", &["a", "b", "__x", "path", "to_file.go", "12"]),
            ("ÜBER naïve 日本 한국", &["über", "naïve", "日", "本", "한국"]),
            ("1:2 1;2 a1.b2 e\u{301}t", &["1", "2", "1;2", "a1", "b2", "e\u{301}t"]),
            ("", &[]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        let lengths: Vec<_> = words(&"x".repeat(600)).iter().map(String::len).collect();
        assert_eq!(lengths, [255, 255, 90]);
    }
}
