//! Text in which asterisks may stand for any text.

/// The texts between the asterisks: there is one asterisk less than there are texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    /// This very text, asterisks and all.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![text.to_owned()] }
    }

    /// Whether it has an asterisk that stands for other text.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        self.parts.len() > 1
    }

    /// Whether it is an asterisk alone.
    #[must_use]
    pub fn is_anything(&self) -> bool {
        self.parts.len() == 2 && self.parts.iter().all(String::is_empty)
    }

    /// The text, with an asterisk for each asterisk.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.join("*")
    }

    /// The texts between the asterisks.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether a whole text is like this.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let Some((first, others)) = self.parts.split_first() else { return false };
        let Some((last, middle)) = others.split_last() else { return first == text };
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        // The earliest place is as good as any: an asterisk takes whatever is between.
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }

    /// Each text between the asterisks changed.
    pub(super) fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self { parts: self.parts.iter().map(|part| change(part)).collect() }
    }

    /// The pattern cut at blanks, which are left out.
    pub(super) fn words(&self) -> Vec<Self> {
        let mut words = vec![Self::literal("")];
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 {
                words.last_mut().into_iter().for_each(Self::push_asterisk);
            }
            for character in part.chars() {
                if character.is_whitespace() {
                    words.push(Self::literal(""));
                } else if let Some(word) = words.last_mut() {
                    word.push(character);
                }
            }
        }
        words.retain(|word| word.parts.iter().any(|part| !part.is_empty()) || word.is_wildcard());
        words
    }

    pub(super) fn push(&mut self, character: char) {
        if let Some(last) = self.parts.last_mut() {
            last.push(character);
        }
    }

    pub(super) fn push_text(&mut self, text: &str) {
        if let Some(last) = self.parts.last_mut() {
            last.push_str(text);
        }
    }

    pub(super) fn push_asterisk(&mut self) {
        self.parts.push(String::new());
    }

    /// Appends another one.
    pub(super) fn append(&mut self, other: &Self) {
        for (index, part) in other.parts.iter().enumerate() {
            if index > 0 {
                self.push_asterisk();
            }
            self.push_text(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern { parts: text.split('*').map(str::to_owned).collect() }
    }

    #[test]
    fn asterisks_stand_for_any_text() {
        for (like, texts, others) in [
            ("a", &["a"][..], &["", "aa", "A"][..]),
            ("*", &["", "a"], &[]),
            ("a*", &["a", "ab"], &["ba", ""]),
            ("*a", &["a", "ba"], &["ab"]),
            ("a*a", &["aa", "aba"], &["a"]),
            ("*ab*b*", &["abb", "xabxbx"], &["ab", "bab"]),
            ("a**b", &["ab", "axb"], &["a"]),
        ] {
            texts.iter().for_each(|text| assert!(pattern(like).matches(text), "{like} {text}"));
            others.iter().for_each(|text| assert!(!pattern(like).matches(text), "{like} {text}"));
        }
    }

    #[test]
    fn is_cut_at_blanks() {
        assert_eq!(pattern(" a*  b c* *").words(), ["a*", "b", "c*", "*"].map(pattern));
        assert_eq!(pattern("  ").words(), []);
    }
}
