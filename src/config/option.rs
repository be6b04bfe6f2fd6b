//! What an option is: its name, kind, default and documentation, in one row of a plugin's table.

use super::units;

/// A plugin as configurations see it.
#[derive(Debug, Clone, Copy)]
pub struct Plugin {
    /// The name after `Name`, in lower case.
    pub name: &'static str,
    /// What it does, in a sentence or two of Markdown.
    pub doc: &'static str,
    /// Its own options. They may repeat one that all plugins of its class have, to give it
    /// another kind, default or meaning.
    pub options: &'static [OptionSpec],
}

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The name as it is documented, for instance `Read_from_Head`; case does not matter in files.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// The value when none is given; empty if there is none.
    pub default: &'static str,
    /// What it does, in a sentence or two of Markdown.
    pub doc: &'static str,
    /// Whether it may be given several times.
    pub repeatable: bool,
}

impl OptionSpec {
    /// An option that may be given once.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self { name, kind, default, doc, repeatable: false }
    }

    /// The same option, which may be given several times.
    #[must_use]
    pub const fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// An option that is accepted because Fluent Bit has it; `why` says why it does nothing here.
    #[must_use]
    pub const fn ignored(name: &'static str, why: &'static str) -> Self {
        Self { name, kind: Kind::Ignored, default: "", doc: why, repeatable: true }
    }

    /// Whether a key is this option's. A name that ends with `_N` is that of a family: `Parser_N` is
    /// `Parser_1`, `Parser_2` and so on.
    pub(super) fn is_named(&self, key: &str) -> bool {
        let is_member = |family: &str| {
            let number = key.get(family.len()..).and_then(|rest| rest.strip_prefix('_'));
            let has_number =
                number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()));
            has_number && key.as_bytes()[..family.len()].eq_ignore_ascii_case(family.as_bytes())
        };
        self.name.eq_ignore_ascii_case(key) || self.name.strip_suffix("_N").is_some_and(is_member)
    }
}

/// What the values of an option are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `On`, `Off`, `true`, `false`, `yes`, `no`.
    Boolean,
    /// Bytes, in decimal units (`50MB` is 50,000,000); `false` is 0.
    Size,
    /// Bytes, in binary units (`2MB` is 2 MiB); `false` is 0.
    BinarySize,
    /// A time: seconds, or a number with `d`, `h`, `m` or `s`.
    Time,
    /// A time, or `-1` for no end.
    TimeOrForever,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// A TCP port.
    Port,
    /// How often to try again: a number, `no_limits`, `False` or `Off` (for ever), `no_retries`.
    Retries,
    /// A comma-separated list.
    List,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// Accepted, without meaning here: a notice tells.
    Ignored,
}

impl Kind {
    /// Checks a value; the error says what was expected instead.
    pub(super) fn check(self, value: &str) -> Result<(), String> {
        let fits = match self {
            Self::Text | Self::List | Self::Ignored => true,
            Self::Boolean => units::boolean(value).is_some(),
            Self::Size => units::size(value).is_some(),
            Self::BinarySize => units::binary_size(value).is_some(),
            Self::Time => units::time(value).is_some(),
            Self::TimeOrForever => units::time_or_forever(value).is_some(),
            Self::Integer => units::integer(value).is_some(),
            Self::Float => units::float(value).is_some(),
            Self::Port => units::port(value).is_some(),
            Self::Retries => units::retries(value).is_some(),
            Self::Choice(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
        };
        if fits { Ok(()) } else { Err(self.expectation()) }
    }

    /// What a value has to be, as the end of "… is not".
    fn expectation(self) -> String {
        match self {
            Self::Text | Self::Ignored => "text".to_owned(),
            Self::Boolean => "On or Off".to_owned(),
            Self::Size | Self::BinarySize => "a size (a number, then nothing, K, M or G: 50M)".to_owned(),
            Self::Time => "a time (a number, then nothing for seconds, s, m, h or d: 30s)".to_owned(),
            Self::TimeOrForever => "a time (a number, then nothing for seconds, s, m, h or d: 30s; or -1)".to_owned(),
            Self::Integer => "a whole number".to_owned(),
            Self::Float => "a number".to_owned(),
            Self::Port => "a port (1 to 65535)".to_owned(),
            Self::Retries => "a number above 0, no_limits or no_retries".to_owned(),
            Self::List => "a list".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    /// The kind in the option reference.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Boolean => "on/off".to_owned(),
            Self::Size => "size (1000-based)".to_owned(),
            Self::BinarySize => "size (1024-based)".to_owned(),
            Self::Time => "time".to_owned(),
            Self::TimeOrForever => "time or -1".to_owned(),
            Self::Integer => "whole number".to_owned(),
            Self::Float => "number".to_owned(),
            Self::Port => "port".to_owned(),
            Self::Retries => "retries".to_owned(),
            Self::List => "list".to_owned(),
            Self::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Ignored => "ignored".to_owned(),
        }
    }
}

/// Everything that a configuration can name.
#[derive(Debug, Clone, Copy)]
pub struct Registry<'a> {
    /// The inputs.
    pub inputs: &'a [Plugin],
    /// The filters.
    pub filters: &'a [Plugin],
    /// The outputs.
    pub outputs: &'a [Plugin],
    /// The keys of a `[PARSER]` section.
    pub parser: &'a Plugin,
    /// The keys of a `[MULTILINE_PARSER]` section.
    pub multiline_parser: &'a Plugin,
}

/// The kinds of sections that this program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// `[SERVICE]`: the process as a whole.
    Service,
    /// `[INPUT]`.
    Input,
    /// `[FILTER]`.
    Filter,
    /// `[OUTPUT]`.
    Output,
    /// `[PARSER]`, in parsers files.
    Parser,
    /// `[MULTILINE_PARSER]`, in parsers files.
    MultilineParser,
}

impl Class {
    /// Its sections stand in parsers files, and their names are those of what they define.
    #[must_use]
    pub fn is_definition(self) -> bool {
        matches!(self, Self::Parser | Self::MultilineParser)
    }

    /// The class as messages call it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Input => "input",
            Self::Filter => "filter",
            Self::Output => "output",
            Self::Parser => "parser",
            Self::MultilineParser => "multiline parser",
        }
    }
}

/// Whether the values of a key are secrets, which no message and no debug output may show.
#[must_use]
pub fn is_secret(key: &str) -> bool {
    const ENDINGS: [&str; 6] = ["passwd", "password", "api_key", "secret", "shared_key", "token"];
    let key = key.to_ascii_lowercase();
    key == "cloud_auth" || ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// Looks a key up in a plugin's own options, then in those of its class.
pub(super) fn find(
    own: &'static [OptionSpec],
    common: &'static [OptionSpec],
    key: &str,
) -> Option<&'static OptionSpec> {
    own.iter().chain(common).find(|spec| spec.is_named(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_does_not_fit_says_what_would() {
        assert_eq!(Kind::Size.check("50M"), Ok(()));
        assert_eq!(Kind::Boolean.check("1"), Err("On or Off".to_owned()));
        assert_eq!(Kind::Choice(&["gzip", "off"]).check("GZIP"), Ok(()));
        assert_eq!(Kind::Choice(&["gzip", "off"]).check("zstd"), Err("one of gzip, off".to_owned()));
        assert_eq!(Kind::Port.check("0"), Err("a port (1 to 65535)".to_owned()));
    }

    #[test]
    fn secrets_are_known_by_their_keys() {
        for key in ["HTTP_Passwd", "http_api_key", "Cloud_Auth", "tls.key_passwd", "Password", "shared_key"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["HTTP_User", "Path", "tls.key_file", "Kube_Token_File", "AWS_Auth"] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn a_family_is_named_by_its_numbers() {
        let spec = OptionSpec::new("Parser_N", Kind::Text, "", "");
        for key in ["Parser_N", "parser_1", "PARSER_23"] {
            assert!(spec.is_named(key), "{key}");
        }
        for key in ["Parser", "Parser_Firstline", "Parser_", "Parsers_1", "Parser_1a", "x", "Pärser_1"] {
            assert!(!spec.is_named(key), "{key}");
        }
    }

    #[test]
    fn a_plugin_may_override_an_option_of_its_class() {
        const OWN: &[OptionSpec] = &[OptionSpec::new("Port", Kind::Port, "9200", "own")];
        const COMMON: &[OptionSpec] = &[OptionSpec::new("Port", Kind::Port, "", "common")];
        assert_eq!(find(OWN, COMMON, "PORT").map(|spec| spec.doc), Some("own"));
        assert!(find(OWN, COMMON, "Host").is_none());
    }
}
