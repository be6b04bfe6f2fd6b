//! `flytail -i tail -p Path=… -o es`: a configuration on the command line, as Fluent Bit takes it.
//! What is said there stands before what files say.

use std::path::PathBuf;

use clap::{ArgAction, ArgMatches, Args};

use crate::config::{
    COMMAND_LINE, Class, Entry, Place, Problem, Problems, Section, SectionKind, Severity, reference_of,
};
use crate::pipeline::Plugins;

/// Arguments of a run.
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Configuration file: classic, or YAML if it ends with .yaml or .yml
    #[arg(short, long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Check the configuration and end
    #[arg(short = 'D', long)]
    pub(super) dry_run: bool,
    /// Parsers file; may be given several times
    #[arg(short = 'R', long = "parser", value_name = "FILE")]
    parsers: Vec<String>,
    /// Begin an input; -p and -t behind it belong to it
    #[arg(short = 'i', long = "input", value_name = "NAME")]
    inputs: Vec<String>,
    /// Begin a filter; -p and -m behind it belong to it
    #[arg(short = 'F', long = "filter", value_name = "NAME")]
    filters: Vec<String>,
    /// Begin an output; -p and -m behind it belong to it
    #[arg(short = 'o', long = "output", value_name = "NAME")]
    outputs: Vec<String>,
    /// An option of the last input, filter or output
    #[arg(short = 'p', long = "prop", value_name = "KEY=VALUE")]
    properties: Vec<String>,
    /// Tag of the last input
    #[arg(short = 't', long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Tags that the last filter or output takes
    #[arg(short = 'm', long = "match", value_name = "PATTERN")]
    matches: Vec<String>,
    /// Flush of the service
    #[arg(short, long, value_name = "SECONDS")]
    flush: Option<String>,
    /// Log_File of the service
    #[arg(short, long = "log_file", value_name = "FILE")]
    log_file: Option<String>,
    /// Directory to change to before anything is read
    #[arg(short, long, value_name = "DIRECTORY")]
    pub(super) workdir: Option<PathBuf>,
    /// Storage.path of the service
    #[arg(short = 'b', long = "storage_path", value_name = "DIRECTORY")]
    storage_path: Option<String>,
    /// Run the monitoring server
    #[arg(short = 'H', long)]
    http: bool,
    /// Address of the monitoring server
    #[arg(short = 'L', long = "http_listen", value_name = "ADDRESS")]
    http_listen: Option<String>,
    /// Port of the monitoring server
    #[arg(short = 'P', long = "http_port", alias = "port", value_name = "PORT")]
    http_port: Option<String>,
    /// Log more: -v debug, -vv all
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// Log nothing
    #[arg(short, long)]
    quiet: bool,
    /// Take a new configuration without a restart
    #[arg(short = 'Y', long)]
    enable_hot_reload: bool,
    #[arg(short = 'W', long, hide = true)]
    disable_thread_safety_on_hot_reload: bool,
    #[arg(short, long, hide = true)]
    daemon: bool,
    #[arg(short = 's', long = "coro_stack_size", hide = true)]
    coro_stack_size: Option<String>,
    #[arg(short = 'Z', long, hide = true)]
    enable_chunk_trace: bool,
    #[arg(long, hide = true)]
    enable_fips: bool,
    #[arg(short = 'e', long = "plugin", hide = true)]
    plugins: Vec<String>,
    #[arg(short = 'T', long = "sp-task", hide = true)]
    tasks: Vec<String>,
    #[arg(short = 'C', long = "custom", hide = true)]
    customs: Vec<String>,
    #[arg(short = 'r', long = "processor", hide = true)]
    processors: Vec<String>,
    #[arg(short = 'J', long, hide = true)]
    help_json: bool,
    #[arg(short = 'S', long, hide = true)]
    sosreport: bool,
    #[arg(long, hide = true)]
    supervisor: bool,
}

impl RunArguments {
    /// Whether there is anything to run.
    pub(super) fn is_empty(&self) -> bool {
        self.config.is_none() && self.inputs.is_empty() && self.outputs.is_empty()
    }

    /// The name of the log level that the command line asks for.
    pub(super) fn log_level(&self) -> Option<&'static str> {
        match (self.quiet, self.verbose) {
            (true, _) => Some("off"),
            (false, 0) => None,
            (false, 1) => Some("debug"),
            (false, _) => Some("trace"),
        }
    }

    /// What the command line says, as sections. The matches are those that the arguments are of:
    /// they know the order.
    pub(super) fn sections(&self, matches: &ArgMatches, problems: &mut Problems) -> Vec<Section> {
        for (given, message, hint) in self.refused() {
            if given {
                problems.push(error(message).with_hint(hint));
            }
        }
        let mut sections = vec![self.service()];
        for (kind, text) in in_order(matches) {
            match kind {
                Said::Plugin(class) => {
                    let mut section = Section::new(SectionKind::Known(class), class.noun(), place());
                    section.entries.push(Entry::new("Name", text, place()));
                    sections.push(section);
                }
                Said::Option(flag, key) => add(&mut sections, flag, key, text, problems),
            }
        }
        sections
    }

    fn refused(&self) -> [(bool, &'static str, &'static str); 7] {
        let is_given = |names: &[String]| !names.is_empty();
        let no_plugins = "what this program can do is in it: flytail options";
        [
            (is_given(&self.plugins), "-e: plugins in shared objects cannot be loaded", no_plugins),
            (is_given(&self.customs), "-C: custom plugins are not supported", no_plugins),
            (is_given(&self.tasks), "-T: there is no stream processor", "filters change and drop records"),
            (is_given(&self.processors), "-r: processors belong to an input or output", "write them in a YAML file"),
            (self.help_json, "-J: there is no schema in JSON", "flytail options prints all options"),
            (self.sosreport, "-S: there is no report of this machine", "flytail check FILE --explain shows a pipeline"),
            (self.supervisor, "--supervisor: a process does not watch itself", "leave that to Kubernetes or systemd"),
        ]
    }

    fn service(&self) -> Section {
        let mut section = Section::new(SectionKind::Known(Class::Service), "SERVICE", place());
        let on = |given: bool, value: &str| given.then(|| value.to_owned());
        let keys = [
            ("Flush", self.flush.clone()),
            ("Log_File", self.log_file.clone()),
            ("storage.path", self.storage_path.clone()),
            ("HTTP_Server", on(self.http, "On")),
            ("HTTP_Listen", self.http_listen.clone()),
            ("HTTP_Port", self.http_port.clone()),
            ("hot_reload", on(self.enable_hot_reload, "On")),
            ("hot_reload.ensure_thread_safety", on(self.disable_thread_safety_on_hot_reload, "Off")),
            ("Daemon", on(self.daemon, "On")),
            ("Coro_Stack_Size", self.coro_stack_size.clone()),
            ("enable_chunk_trace", on(self.enable_chunk_trace, "On")),
            ("security.fips_mode", on(self.enable_fips, "On")),
        ];
        let files = self.parsers.iter().map(|file| ("Parsers_File", file.clone()));
        let given = keys.into_iter().filter_map(|(key, value)| Some((key, value?)));
        section.entries.extend(given.chain(files).map(|(key, value)| Entry::new(key, value, place())));
        section
    }
}

/// What `-h` behind a plugin asks for: what this one can do.
pub(super) fn help_of_plugin(arguments: impl IntoIterator<Item = String>) -> Option<String> {
    let plugins = Plugins::all();
    let registry = plugins.registry();
    let (mut last, mut flag) = (None, None);
    for argument in arguments {
        let named = match flag.take() {
            Some((class, plugins)) => Some((class, plugins, argument)),
            None => {
                flag = match argument.as_str() {
                    "-i" | "--input" => Some((Class::Input, registry.inputs)),
                    "-F" | "--filter" => Some((Class::Filter, registry.filters)),
                    "-o" | "--output" => Some((Class::Output, registry.outputs)),
                    _ => None,
                };
                None
            }
        };
        last = named.or(last);
    }
    let (class, plugins, name) = last?;
    let plugin = plugins.iter().find(|plugin| plugin.name.eq_ignore_ascii_case(&name))?;
    Some(reference_of(class, plugin))
}

/// What an argument does.
#[derive(Clone, Copy)]
enum Said {
    /// It begins a section.
    Plugin(Class),
    /// It is an option of the last one: the flag, and the key if the flag tells it.
    Option(&'static str, Option<&'static str>),
}

/// The arguments whose order counts.
fn in_order(matches: &ArgMatches) -> Vec<(Said, &str)> {
    const ARGUMENTS: [(&str, Said); 6] = [
        ("inputs", Said::Plugin(Class::Input)),
        ("filters", Said::Plugin(Class::Filter)),
        ("outputs", Said::Plugin(Class::Output)),
        ("properties", Said::Option("-p", None)),
        ("tags", Said::Option("-t", Some("Tag"))),
        ("matches", Said::Option("-m", Some("Match"))),
    ];
    let mut all = Vec::new();
    for (name, said) in ARGUMENTS {
        let values = matches.get_many::<String>(name).into_iter().flatten();
        let indices = matches.indices_of(name).into_iter().flatten();
        all.extend(indices.zip(values).map(|(index, value)| (index, said, value.as_str())));
    }
    all.sort_by_key(|(index, _, _)| *index);
    all.into_iter().map(|(_, said, value)| (said, value)).collect()
}

fn add(sections: &mut [Section], flag: &str, key: Option<&str>, text: &str, problems: &mut Problems) {
    // The first section is the service, which no such argument belongs to.
    let last = sections.last_mut().filter(|section| section.kind != SectionKind::Known(Class::Service));
    let Some(section) = last else {
        let message = format!("{flag} must stand behind the -i, -F or -o that it belongs to");
        problems.push(error(message));
        return;
    };
    let is_input = section.kind == SectionKind::Known(Class::Input);
    if (flag == "-t") != is_input && key.is_some() {
        let allowed = if flag == "-t" { "-i" } else { "-F or -o" };
        problems.push(error(format!("{flag} must stand behind {allowed}")));
        return;
    }
    match key.map(|key| (key, text)).or_else(|| text.split_once('=')) {
        Some((key, value)) => section.entries.push(Entry::new(key.trim(), value.trim(), place())),
        // The text may be a secret.
        None => problems.push(error("-p needs the form -p key=value")),
    }
}

fn place() -> Place {
    Place::new(COMMAND_LINE, 0)
}

fn error(message: impl Into<String>) -> Problem {
    Problem::new(Severity::Error, &place(), message)
}
