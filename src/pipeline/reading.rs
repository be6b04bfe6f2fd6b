//! How the lines of an input become records: what its options and the filters behind it ask for.

use super::multiline::{FilterJoin, Joining};
use crate::config::{Config, Instance, Options, Problems};
use crate::decode::encoding::Encoding;
use crate::decode::{self, multiline};
use crate::input::tail;
use crate::parser::{Parser, Parsers};

/// How the lines of one input become records.
#[derive(Debug)]
pub struct Reading {
    /// How they are decoded.
    pub decode: decode::Settings,
    /// How its files are encoded, if not in UTF-8.
    pub encoding: Option<Encoding>,
    /// Filters that join what was decoded, for the tags that they take.
    pub joins: Vec<FilterJoin>,
    /// Decode container logs that are known by their path, though no parser says so.
    pub containers_by_path: bool,
    /// The longest physical line, in bytes: what exceeds it is cut or skipped.
    pub longest_line: usize,
    /// Skip lines that are too long instead of cutting them.
    pub skip_long_lines: bool,
    /// Make no records of empty lines.
    pub skip_empty_lines: bool,
    /// A parser for each line.
    pub parser: Option<Parser>,
    /// Key of a line that no parser split.
    pub text_key: Vec<u8>,
    /// Give the runtime's time and tag as members, as Fluent Bit's parser of this name does.
    pub layout: Layout,
    /// Key under which the file's path is added.
    pub path_key: Option<Vec<u8>>,
    /// Key under which the line's offset is added.
    pub offset_key: Option<Vec<u8>>,
    /// Add a number by which the lines of a container's stream can be sorted.
    pub order: bool,
    /// Bytes that may be in unsettled batches before reading pauses (`Mem_Buf_Limit`).
    pub held_limit: Option<u64>,
}

/// Which members a container runtime's line gives, besides its text and stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// None: the Flyte filter has no use for them.
    Bare,
    /// As Fluent Bit's `docker` parser: text, stream, time.
    Docker,
    /// As Fluent Bit's `cri` parser: time, stream, logtag, text.
    Cri,
}

/// What the reading of every input is made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means<'m> {
    pub(super) parsers: &'m Parsers,
    pub(super) joining: &'m Joining,
    /// The Flyte filter is there.
    pub(super) flyte: bool,
}

pub(super) fn of_input(instance: &Instance, config: &Config, means: Means<'_>, problems: &mut Problems) -> Reading {
    let Means { parsers, joining, flyte } = means;
    let mut reading = Reading {
        decode: decode::Settings {
            container: false,
            multiline: multiline::Chain::default(),
            limits: multiline::Limits {
                bytes: unless_zero(config.service.multiline_buffer_limit),
                lines: unless_zero(config.service.multiline_line_limit),
            },
        },
        encoding: None,
        joins: Vec::new(),
        containers_by_path: false,
        longest_line: tail::BLOCK_SIZE,
        skip_long_lines: false,
        skip_empty_lines: false,
        parser: None,
        text_key: b"log".to_vec(),
        layout: Layout::Bare,
        path_key: None,
        offset_key: None,
        order: flyte,
        held_limit: instance.options().size("Mem_Buf_Limit").filter(|limit| *limit > 0),
    };
    match instance.plugin() {
        "tail" => read_tail(&mut reading, instance, means, problems),
        "stdin" => {
            let parser = parsers.named_by(&instance.options(), "Parser", problems);
            reading.parser = parser.or_else(|| parsers.find("json").cloned());
            reading.text_key = instance.options().text("Key").unwrap_or("log").as_bytes().to_vec();
        }
        _ => reading.parser = parsers.find("json").cloned(),
    }
    reading.joins = joining.of_input(instance, &reading, problems);
    reading
}

/// A limit, which 0 switches off.
fn unless_zero(limit: u64) -> usize {
    usize::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX)
}

fn read_tail(reading: &mut Reading, instance: &Instance, means: Means<'_>, problems: &mut Problems) {
    let Means { parsers, joining, flyte } = means;
    let options = instance.options();
    let parser = options.text("Parser");
    let chosen = joining.definitions.named_by(&options, "multiline.parser", problems);
    let is_runtime = |name: &str| name == "docker" || name == "cri";
    reading.decode.container = parser.is_some_and(is_runtime) || chosen.container || options.boolean("Docker_Mode");
    reading.decode.multiline = chosen.chain;
    if flyte {
        reading.decode.multiline = reading.decode.multiline.with_python_first();
    }
    reading.containers_by_path = flyte && parser.is_none();
    if parser.is_some_and(|name| !is_runtime(name)) {
        reading.parser = parsers.named_by(&options, "Parser", problems);
    }
    reading.encoding = encoding(&options, problems);
    reading.longest_line = tail::longest_line(&options);
    reading.skip_long_lines = options.boolean("Skip_Long_Lines");
    reading.skip_empty_lines = options.boolean("Skip_Empty_Lines");
    let key = |name: &str| options.text(name).map(|key| key.as_bytes().to_vec());
    (reading.path_key, reading.offset_key) = (key("Path_Key"), key("Offset_Key"));
    if flyte {
        return;
    }
    // Without the Flyte filter the members are those of Fluent Bit's parsers.
    (reading.layout, reading.text_key) = match parser {
        Some("cri") => (Layout::Cri, b"message".to_vec()),
        _ if reading.decode.container => (Layout::Docker, b"log".to_vec()),
        _ => (Layout::Bare, chosen.text_key.or_else(|| key("Key")).unwrap_or_else(|| b"log".to_vec())),
    };
}

/// How the files of a tail are encoded.
fn encoding(options: &Options<'_>, problems: &mut Problems) -> Option<Encoding> {
    const UNICODE: &str = "Unicode.Encoding";
    let (unicode, generic) = (options.text(UNICODE), options.text("Generic.Encoding"));
    if unicode.is_some() && generic.is_some() {
        let problem = options.problem(UNICODE, "Unicode.Encoding and Generic.Encoding exclude each other");
        problems.push(problem.with_hint("keep the one that the files are in"));
    }
    Encoding::named(unicode.or(generic)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Kind;

    #[test]
    fn every_encoding_that_can_be_chosen_is_known() {
        for key in ["Unicode.Encoding", "Generic.Encoding"] {
            let spec = tail::PLUGIN.options.iter().find(|spec| spec.name == key).unwrap();
            let Kind::Choice(names) = spec.kind else { panic!("{key} is no choice") };
            assert!(names.iter().all(|name| Encoding::named(name).is_some()), "{key}");
        }
        assert!(Encoding::named("Win9").is_none());
    }
}
