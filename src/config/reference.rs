//! The option reference in Markdown, from the same tables that check configurations.

use std::fmt::Write;

use super::option::{Class, Kind, OptionSpec, Plugin, Registry};
use super::service::SERVICE;

/// The reference of everything that a configuration can name.
#[must_use]
pub fn reference(registry: &Registry<'_>) -> String {
    let mut text = String::from(
        "# Option reference\n\n\
         Names of sections, plugins and keys are the same in any case. Sizes are a number with `K`, `M` or `G` \
         (`50M` is 50,000,000 bytes), times a number of seconds or one with `s`, `m`, `h` or `d`, lists are separated \
         by commas. Switches are `On`/`Off`, `true`/`false` or `yes`/`no`. `${NAME}` and `${NAME:-default}` in values \
         are replaced by environment variables; a value that is empty then counts as not given.\n\n\
         `flytail check FILE` finds what is wrong with a configuration. A comment `# sample: LINE` within a parser's \
         definition is a line that the parser must understand: the check runs it.\n",
    );
    plugin(&mut text, "## `[SERVICE]`", &SERVICE);
    for (class, plugins) in
        [(Class::Input, registry.inputs), (Class::Filter, registry.filters), (Class::Output, registry.outputs)]
    {
        let _ = write!(text, "\n## `[{}]`\n\nKeys of every {}:\n", class.noun().to_ascii_uppercase(), class.noun());
        options(&mut text, class.common());
        for one in plugins {
            plugin(&mut text, &format!("### {} `{}`", class.noun(), one.name), one);
        }
    }
    plugin(&mut text, "## `[PARSER]`", registry.parser);
    plugin(&mut text, "## `[MULTILINE_PARSER]`", registry.multiline_parser);
    text
}

/// The part of the reference that is about one plugin, with the keys of all of its class.
#[must_use]
pub fn reference_of(class: Class, one: &Plugin) -> String {
    let mut text = String::new();
    plugin(&mut text, &format!("# {} `{}`", class.noun(), one.name), one);
    let _ = write!(text, "\nKeys of every {}:\n", class.noun());
    options(&mut text, class.common());
    text.trim_start().to_owned()
}

fn plugin(text: &mut String, heading: &str, plugin: &Plugin) {
    let _ = write!(text, "\n{heading}\n\n{}\n", plugin.doc);
    options(text, plugin.options);
}

/// A table of what has a meaning, and a list of what is only accepted.
fn options(text: &mut String, specs: &[OptionSpec]) {
    let (ignored, used): (Vec<_>, Vec<_>) = specs.iter().partition(|spec| spec.kind == Kind::Ignored);
    if !used.is_empty() {
        text.push_str("\n| Key | Value | Default | |\n|---|---|---|---|\n");
        used.iter().for_each(|spec| row(text, spec));
    }
    if !ignored.is_empty() {
        text.push_str("\nAccepted without effect:\n\n");
        let mut reasons: Vec<&str> = Vec::new();
        for spec in &ignored {
            if !reasons.contains(&spec.doc) {
                reasons.push(spec.doc);
            }
        }
        for reason in reasons {
            let names: Vec<String> =
                ignored.iter().filter(|spec| spec.doc == reason).map(|spec| format!("`{}`", spec.name)).collect();
            let _ = writeln!(text, "- {}: {reason}", names.join(", "));
        }
    }
}

fn row(text: &mut String, spec: &OptionSpec) {
    let several = if spec.repeatable { ", several times" } else { "" };
    let default = if spec.default.is_empty() { "–".to_owned() } else { format!("`{}`", cell(spec.default)) };
    let _ = writeln!(
        text,
        "| `{}` | {}{several} | {default} | {} |",
        spec.name,
        cell(&spec.kind.describe()),
        cell(spec.doc)
    );
}

/// Text that stays within its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: Plugin = Plugin {
        name: "tail",
        doc: "Follows files.",
        options: &[
            OptionSpec::new("Path", Kind::List, "", "Files, as `a|b`."),
            OptionSpec::new("Key", Kind::Text, "log", "The key.").repeatable(),
            OptionSpec::ignored("A", "No use."),
            OptionSpec::ignored("B", "Another."),
            OptionSpec::ignored("C", "No use."),
        ],
    };
    const PARSER: Plugin = Plugin { name: "parser", doc: "Takes lines apart.", options: &[] };

    #[test]
    fn every_option_is_in_it() {
        let text = reference(&Registry {
            inputs: &[TAIL],
            filters: &[],
            outputs: &[],
            parser: &PARSER,
            multiline_parser: &PARSER,
        });
        assert!(text.contains(
            "### input `tail`\n\nFollows files.\n\n\
             | Key | Value | Default | |\n|---|---|---|---|\n\
             | `Path` | list | – | Files, as `a\\|b`. |\n\
             | `Key` | text, several times | `log` | The key. |\n\n\
             Accepted without effect:\n\n- `A`, `C`: No use.\n- `B`: Another.\n"
        ));
        for spec in SERVICE.options.iter().chain(Class::Output.common()) {
            assert!(text.contains(&format!("`{}`", spec.name)), "{}", spec.name);
        }
        assert!(
            text.contains("| `Log_Level` | `off`, `error`, `warn`, `warning`, `info`, `debug`, `trace` | `info` |")
        );
        assert!(text.contains("## `[PARSER]`\n\nTakes lines apart.\n"));
    }
}
