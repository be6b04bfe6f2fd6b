//! How the lines of an input become records: what its options and the filters behind it ask for.

use std::sync::Arc;

use super::cutting::Cutter;
use super::grouped::Grouped;
use super::multiline::{FilterJoin, Joining, by_first_line};
use super::rate::RateSettings;
use crate::config::{Config, Instance, Options, Problems};
use crate::decode::encoding::Encoding;
use crate::decode::multiline::Chain;
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
    /// The parsers of lines that `Parser_Firstline` groups, in place of that.
    pub grouped: Option<Grouped>,
    /// What cuts lines before they are joined, by number.
    pub cutters: Vec<Arc<Cutter>>,
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
    /// What each container may log.
    pub rate: Option<RateSettings>,
}

impl Reading {
    /// Texts that its parsers and multi-line rules gave up because the search took too long, since
    /// the last call.
    #[must_use]
    pub fn take_cut_off(&self) -> u64 {
        let parsers = self.parser.as_ref().map_or(0, Parser::take_cut_off);
        let grouped = self.grouped.as_ref().map_or(0, Grouped::take_cut_off);
        let joins = self.joins.iter().map(|join| &join.chain).chain([&self.decode.multiline]);
        let cutters = self.cutters.iter().map(|cutter| cutter.take_cut_off()).sum::<u64>();
        parsers + grouped + cutters + joins.map(Chain::take_cut_off).sum::<u64>()
    }
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
        grouped: None,
        cutters: joining.cutters.clone(),
        text_key: b"log".to_vec(),
        layout: Layout::Bare,
        path_key: None,
        offset_key: None,
        order: flyte,
        held_limit: instance.options().size("Mem_Buf_Limit").filter(|limit| *limit > 0),
        rate: None,
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
    let is_grouped = is_grouped(&options, problems);
    let parser = options.text("Parser").filter(|_| !is_grouped);
    let chosen = joining.definitions.named_by(&options, "multiline.parser", problems);
    let is_runtime = |name: &str| name == "docker" || name == "cri";
    reading.decode.container = parser.is_some_and(is_runtime) || chosen.container || options.boolean("Docker_Mode");
    reading.decode.multiline = chosen.chain;
    if is_grouped {
        group(reading, &options, parsers, problems);
    } else if flyte {
        reading.decode.multiline = reading.decode.multiline.with_python_first();
    }
    if let Some(chain) = docker_lines(&options, parsers, problems) {
        reading.decode.multiline = reading.decode.multiline.followed_by(&chain);
    }
    reading.containers_by_path = flyte && parser.is_none() && !is_grouped;
    if parser.is_some_and(|name| !is_runtime(name)) {
        reading.parser = parsers.named_by(&options, "Parser", problems);
    }
    reading.encoding = encoding(&options, problems);
    reading.longest_line = tail::longest_line(&options);
    reading.rate = Some(RateSettings::new(&options, problems));
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

/// Whether lines are grouped by `Parser_Firstline`. With contradictions that is told, and what Fluent
/// Bit does is done.
fn is_grouped(options: &Options<'_>, problems: &mut Problems) -> bool {
    const KEY: &str = "Multiline";
    if !options.boolean(KEY) {
        return false;
    }
    if options.is_set("multiline.parser") {
        let problem = options.warning(KEY, "Multiline has no effect beside multiline.parser");
        problems.push(problem.with_hint("keep multiline.parser alone"));
        return false;
    }
    if options.boolean("Docker_Mode") {
        let problem = options.problem(KEY, "Multiline and Docker_Mode exclude each other");
        problems.push(problem.with_hint("keep Docker_Mode, and name the Parser_Firstline as Docker_Mode_Parser"));
        return false;
    }
    if options.text("Parser").is_some() {
        problems.push(options.warning("Parser", "Parser is not asked where Multiline is on").with_hint("take it out"));
    }
    true
}

/// Has lines grouped by `Parser_Firstline`, each group cut into members.
fn group(reading: &mut Reading, options: &Options<'_>, parsers: &Parsers, problems: &mut Problems) {
    const KEY: &str = "Parser_Firstline";
    if !options.is_set(KEY) {
        let problem = options.problem("Multiline", "Multiline On needs a Parser_Firstline");
        problems.push(problem.with_hint("name the parser of your parsers files whose lines begin a record"));
    }
    let Some(first) = parsers.named_by(options, KEY, problems) else { return };
    let gap = options.duration("Multiline_Flush").unwrap_or_default();
    reading.decode.multiline = by_first_line(KEY, first.clone(), gap);
    reading.grouped = Some(Grouped { first, others: parsers.all_named_by(options, "Parser_N", problems) });
}

/// How `Docker_Mode_Parser` joins the lines of containers.
fn docker_lines(options: &Options<'_>, parsers: &Parsers, problems: &mut Problems) -> Option<Chain> {
    const KEY: &str = "Docker_Mode_Parser";
    let parser = parsers.named_by(options, KEY, problems)?;
    if !options.boolean("Docker_Mode") {
        problems.push(options.warning(KEY, "Docker_Mode_Parser has no effect without Docker_Mode On"));
        return None;
    }
    Some(by_first_line(KEY, parser, options.duration("Docker_Mode_Flush").unwrap_or_default()))
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
    use std::path::Path;

    use bumpalo::Bump;

    use super::*;
    use crate::config::{Environment, Kind, load_text};
    use crate::decode::Decoder;
    use crate::record::{Checkpoint, Position, Timestamp};

    #[test]
    fn what_the_parser_of_an_input_gives_up_is_counted() {
        let parsers = "parsers:\n  - {name: slow, format: regex, regex: '^(?<a>(?:x|xx)+)(?!y)$'}\n";
        let rules = "multiline_parsers:\n  - name: m\n    type: regex\n    rules:\n      \
                     - {state: start_state, regex: '^(?:x|xx)+(?!y)$', next_state: m}\n      \
                     - {state: m, regex: '^ ', next_state: m}\n";
        let text = format!(
            "{parsers}{rules}pipeline:\n  inputs:\n    - {{name: tail, path: /x, parser: slow, multiline.parser: m}}\n  \
             outputs:\n    - {{name: stdout, match: '*'}}\n"
        );
        let registry = crate::pipeline::Plugins::all();
        let (config, mut problems) =
            load_text(Path::new("a.yaml"), &text, &registry.registry(), &Environment::default());
        let parsers = Parsers::new(&config.parsers, &mut problems);
        let joining = Joining::new(&config, &parsers, &mut problems);
        let means = Means { parsers: &parsers, joining: &joining, flyte: false };
        let reading = of_input(&config.inputs[0], &config, means, &mut problems);
        let hostile = format!("{}!", "x".repeat(5_000));
        let (arena, mut members) = (Bump::new(), Vec::new());
        let parser = reading.parser.as_ref().unwrap_or_else(|| panic!("{problems}"));
        parser.parse(hostile.as_bytes(), &arena, Timestamp(0), &mut members);
        assert_eq!((reading.take_cut_off(), reading.take_cut_off()), (1, 0));
        let mut decoder = Decoder::new(reading.decode.clone(), Checkpoint::at(0, Timestamp(0)));
        let position = Position { start: 0, end: 5_002 };
        decoder.push(hostile.as_bytes(), position, false, Timestamp(0), &arena, &mut |_| {});
        assert_eq!(reading.take_cut_off(), 1);
    }

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
