//! What is wrong with a configuration though each of its sections is right: records that go
//! nowhere, files that are read twice, secrets in plain text.

use crate::config::{
    Config, Instance, Options, Place, Problem, Problems, Severity, Wildcards, Written, is_secret, overlap,
};

/// Adds what is found to the problems.
pub(super) fn check(written: &Written, config: &Config, problems: &mut Problems) {
    let tags: Vec<Vec<String>> = config.inputs.iter().map(tags).collect();
    // A filter that gives records new tags makes more than the inputs do.
    let is_closed = config.filters.iter().all(|filter| filter.plugin() != "rewrite_tag");
    if is_closed && !config.inputs.is_empty() {
        problems.extend(config.filters.iter().filter_map(|filter| never_applies(filter, "filter", &tags)));
        problems.extend(config.outputs.iter().filter_map(|output| never_applies(output, "output", &tags)));
    }
    if is_closed && !config.outputs.is_empty() {
        problems.extend(config.inputs.iter().zip(&tags).filter_map(|(input, tags)| goes_nowhere(input, tags, config)));
    }
    let tails: Vec<&Instance> = config.inputs.iter().filter(|input| input.plugin() == "tail").collect();
    for (index, tail) in tails.iter().enumerate() {
        problems.extend(tails[..index].iter().filter_map(|other| read_twice(tail, other)));
        problems.extend(has_braces(tail));
    }
    plain_secrets(written, config, problems);
    problems.extend(config.filters.iter().chain(&config.outputs).filter_map(odd_match));
    // The outputs see to themselves.
    problems.extend(config.filters.iter().filter_map(unverified));
}

/// The tags of an input's records, with `*` for what is not known before.
pub(super) fn tags(input: &Instance) -> Vec<String> {
    let tag = input.tag().unwrap_or_default();
    if input.plugin() != "tail" {
        return vec![tag.to_owned()];
    }
    if input.options().is_set("Tag_Regex") {
        return vec![with_groups_open(tag)];
    }
    match tag.split_once('*') {
        None => vec![tag.to_owned()],
        Some((before, behind)) => {
            let paths = input.options().list("Path");
            if paths.is_empty() {
                return vec![tag.to_owned()];
            }
            paths.into_iter().map(|path| format!("{before}{}{behind}", path_in_tag(path))).map(tidy).collect()
        }
    }
}

/// A tag with `*` for each `<group>`.
fn with_groups_open(tag: &str) -> String {
    let mut parts = tag.split('<');
    let mut open = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('>') {
            Some((_, behind)) => open = format!("{open}*{behind}"),
            None => open = format!("{open}<{part}"),
        }
    }
    open
}

/// A file pattern as it stands in a tag.
fn path_in_tag(path: &str) -> String {
    let mut tag = String::with_capacity(path.len());
    let mut letters = path.trim_start_matches(['/', '\\']).chars();
    while let Some(letter) = letters.next() {
        match letter {
            '/' | '\\' | ':' => tag.push('.'),
            '?' => tag.push('*'),
            '[' => {
                tag.push('*');
                letters.by_ref().find(|letter| *letter == ']');
            }
            other => tag.push(other),
        }
    }
    tag
}

/// A tag has no two dots in a row, and none at its end.
fn tidy(mut tag: String) -> String {
    while tag.contains("..") {
        tag = tag.replace("..", ".");
    }
    tag.trim_end_matches('.').to_owned()
}

/// A filter or output that no record gets to, though it has a `Match`.
fn never_applies(instance: &Instance, noun: &str, tags: &[Vec<String>]) -> Option<Problem> {
    let routing = instance.routing();
    let is_reached = tags.iter().flatten().any(|tags| routing.may_match(tags));
    if routing.is_never() || instance.bound().is_some() || is_reached {
        return None;
    }
    let message = format!("{noun} \"{}\" never applies: {routing} fits no tag of an input", instance.name());
    let key = if instance.options().is_set("Match") { "Match" } else { "Match_Regex" };
    Some(instance.options().warning(key, message).with_hint(match_hint(instance, tags)))
}

fn match_hint(instance: &Instance, tags: &[Vec<String>]) -> String {
    let mut all: Vec<&str> = tags.iter().flatten().map(String::as_str).collect();
    all.dedup();
    let pattern = instance.options().text("Match").unwrap_or_default();
    let is_only_case = all.iter().any(|tags| overlap(&tags.to_lowercase(), &pattern.to_lowercase(), Wildcards::Tag));
    let fault = if is_only_case { "case counts; " } else { "" };
    format!("{fault}tags of the inputs: {}", all.join(", "))
}

/// A `Match` that is meant to be more than a pattern.
fn odd_match(instance: &Instance) -> Option<Problem> {
    let options = instance.options();
    let letter = options.text("Match")?.chars().find(|letter| [',', ' ', '?', '{', '|'].contains(letter))?;
    let message = format!("the \"{letter}\" in this Match stands for itself: only * is special");
    Some(options.warning("Match", message).with_hint("use Match_Regex for more than one pattern: ^(kube|host)\\."))
}

/// An input whose records no output takes.
fn goes_nowhere(input: &Instance, tags: &[String], config: &Config) -> Option<Problem> {
    let is_taken = |output: &Instance| tags.iter().any(|tags| output.routing().may_match(tags));
    // One without a Match has a problem of its own.
    if config.outputs.iter().any(|output| output.routing().is_never() || is_taken(output)) {
        return None;
    }
    let routings: Vec<String> = config.outputs.iter().map(|output| output.routing().to_string()).collect();
    let message = format!("no output takes the records of input \"{}\": tag {}", input.name(), tags.join(", "));
    let hint = format!("outputs have: {}", routings.join(", "));
    Some(input.options().warning("Tag", message).with_hint(hint))
}

/// Two tails whose patterns have a file in common.
fn read_twice(tail: &Instance, other: &Instance) -> Option<Problem> {
    let (options, others) = (tail.options(), other.options());
    let excludes = |options: &Options<'_>, path: &str| {
        // What a pattern leaves out it also leaves out of a pattern with the same text in it.
        options.list("Exclude_Path").iter().any(|exclude| overlap_as_text(exclude, path))
    };
    for path in options.list("Path") {
        for other_path in others.list("Path") {
            let is_shared = overlap(path, other_path, Wildcards::Path);
            if is_shared && !excludes(&options, other_path) && !excludes(&others, path) {
                let message = format!("files of {path} are read twice: input \"{}\" reads {other_path}", other.name());
                let hint = format!("see {}; leave the files out of one with Exclude_Path", other.place());
                return Some(options.warning("Path", message).with_hint(hint));
            }
        }
    }
    None
}

/// Whether a pattern covers another one, its wildcards taken as letters.
fn overlap_as_text(pattern: &str, path: &str) -> bool {
    let path: String = path.chars().map(|letter| if letter == '*' { 'x' } else { letter }).collect();
    overlap(pattern, &path, Wildcards::Tag)
}

fn has_braces(tail: &Instance) -> Option<Problem> {
    let options = tail.options();
    options.list("Path").into_iter().find(|path| path.contains(['{', '}']))?;
    let message = "braces in a Path stand for themselves: they are no alternatives";
    Some(options.warning("Path", message).with_hint("write two patterns with a comma between them"))
}

fn plain_secrets(written: &Written, config: &Config, problems: &mut Problems) {
    let mut found = |key: &str, place: &Place| {
        let message = format!("{key} stands here in plain text");
        let hint = "take it from a variable: ${NAME}, set from a Kubernetes secret or by file://";
        problems.push(Problem::new(Severity::Warning, place, message).with_hint(hint));
    };
    for instance in config.inputs.iter().chain(&config.filters).chain(&config.outputs) {
        instance.plain_secrets().for_each(|(key, place)| found(key, place));
    }
    for variable in &written.variables {
        let is_plain = !variable.value.starts_with("file://") && !variable.value.contains("${");
        // Variables are called ES_PASS where keys are called HTTP_Passwd.
        if is_plain && (is_secret(&variable.key) || variable.key.to_ascii_lowercase().ends_with("pass")) {
            found(&variable.key, &variable.value_place);
        }
    }
}

/// A server that may be anybody.
fn unverified(instance: &Instance) -> Option<Problem> {
    const KEY: &str = "tls.verify";
    let options = instance.options();
    let has_key = options.knows(KEY) && (!options.knows("tls") || options.boolean("tls"));
    (has_key && !options.boolean(KEY)).then(|| {
        let message = format!("{KEY} is off: \"{}\" talks to whoever answers", instance.name());
        options.warning(KEY, message).with_hint("name the server's authority with tls.ca_file instead")
    })
}
