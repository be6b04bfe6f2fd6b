//! Levels: the six words of the index, and how programs spell them.

/// How bad a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Finer than debugging.
    Trace,
    /// For debugging.
    Debug,
    /// What happens normally.
    Info,
    /// What may need attention.
    Warn,
    /// Something failed.
    Error,
    /// The program cannot go on.
    Fatal,
}

/// Longest word that [`Level::of_word`] knows, in bytes.
const LONGEST_WORD: usize = "information".len();

impl Level {
    /// The level that a logger means by a word, in any case. `None` for every other text.
    #[must_use]
    pub fn of_word(word: &[u8]) -> Option<Self> {
        let mut lower = [0; LONGEST_WORD];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        match &*lower {
            b"trace" => Some(Self::Trace),
            b"debug" => Some(Self::Debug),
            b"info" | b"information" | b"notice" => Some(Self::Info),
            b"warn" | b"warning" => Some(Self::Warn),
            b"error" | b"err" | b"severe" => Some(Self::Error),
            b"fatal" | b"panic" | b"dpanic" | b"critical" | b"crit" | b"alert" | b"emerg" | b"emergency" => {
                Some(Self::Fatal)
            }
            _ => None,
        }
    }

    /// The level that Bunyan and Pino mean by a number.
    #[must_use]
    pub fn of_pino_number(number: &[u8]) -> Option<Self> {
        match number {
            b"10" => Some(Self::Trace),
            b"20" => Some(Self::Debug),
            b"30" => Some(Self::Info),
            b"40" => Some(Self::Warn),
            b"50" => Some(Self::Error),
            b"60" => Some(Self::Fatal),
            _ => None,
        }
    }

    /// The level that Python's `logging` means by a number.
    #[must_use]
    pub fn of_python_number(number: &[u8]) -> Option<Self> {
        match number {
            b"10" => Some(Self::Debug),
            b"20" => Some(Self::Info),
            b"30" => Some(Self::Warn),
            b"40" => Some(Self::Error),
            b"50" => Some(Self::Fatal),
            _ => None,
        }
    }

    /// The word in the index, as a JSON string.
    #[must_use]
    pub fn json(self) -> &'static [u8] {
        match self {
            Self::Trace => br#""TRACE""#,
            Self::Debug => br#""DEBUG""#,
            Self::Info => br#""INFO""#,
            Self::Warn => br#""WARN""#,
            Self::Error => br#""ERROR""#,
            Self::Fatal => br#""FATAL""#,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_words_of_all_loggers() {
        let table = [
            ("trace TRACE", Level::Trace),
            ("debug Debug", Level::Debug),
            ("info INFO Information notice", Level::Info),
            ("warn WARNING Warn", Level::Warn),
            ("error err SEVERE Error", Level::Error),
            ("fatal panic dpanic CRITICAL crit alert emerg Emergency", Level::Fatal),
        ];
        for (words, level) in table {
            for word in words.split(' ') {
                assert_eq!(Level::of_word(word.as_bytes()), Some(level), "{word}");
            }
        }
        for word in ["", "audit", "infos", "inf", " info", "informational level", "errors", "30", "err\0"] {
            assert_eq!(Level::of_word(word.as_bytes()), None, "{word}");
        }
    }

    #[test]
    fn knows_the_numbers() {
        let pino: Vec<_> = (0..=70).filter_map(|number| Level::of_pino_number(number.to_string().as_bytes())).collect();
        assert_eq!(pino, [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal]);
        let python: Vec<_> =
            (0..=70).filter_map(|number| Level::of_python_number(number.to_string().as_bytes())).collect();
        assert_eq!(python, [Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal]);
    }

    #[test]
    fn are_words_of_the_index() {
        for level in [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal] {
            let word: String = serde_json::from_slice(level.json()).unwrap();
            assert_eq!(Level::of_word(word.as_bytes()), Some(level));
        }
    }
}
