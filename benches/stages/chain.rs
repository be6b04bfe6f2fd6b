//! The filters and the output of the users' configuration, and a container that they work for.

use std::error::Error;

use bumpalo::Bump;
use flytail::cli::demo::generator::{Cluster, Role};
use flytail::config::{Class, Environment, Options, Plugin, Problems, instance};
use flytail::filter::{self, Filter, flyte, kubernetes};
use flytail::output::{Encoder, Surroundings, elasticsearch};
use flytail::record::{Container, DocumentId, LogId, Member, Origin, Record, Source, Timestamp, Turn};

use crate::lines::NOW;
use crate::metadata::enriched;
use crate::readers::report;

/// See the module.
pub(crate) struct Chain {
    pub(crate) source: Source,
    pub(crate) kubernetes: Box<dyn Filter>,
    pub(crate) flyte: Box<dyn Filter>,
}

impl Chain {
    /// A chain that is prepared for a container of a role.
    pub(crate) fn new(role: Role) -> Result<Self, Box<dyn Error>> {
        let cluster = enriched(&Cluster::new(1));
        let directory = tempfile::tempdir()?;
        cluster.write_metadata(directory.path())?;
        let metadata = directory.path().to_string_lossy();
        let pairs = [("Match", "*"), ("Merge_Log", "On"), ("Kube_Meta_Preload_Cache_Dir", &*metadata)];
        let mut kubernetes = filter(&kubernetes::PLUGIN, &pairs)?;
        let mut flyte = filter(&flyte::PLUGIN, &[("Match", "*")])?;
        let mut source = source(&cluster, role)?;
        kubernetes.prepare(&mut source);
        flyte.prepare(&mut source);
        Ok(Self { source, kubernetes, flyte })
    }

    /// A turn of this chain's source.
    pub(crate) fn turn<'t>(&'t self, arena: &'t Bump) -> Turn<'t> {
        Turn { arena, source: &self.source, now: Timestamp(NOW) }
    }
}

/// The half of the output that renders records.
pub(crate) fn encoder() -> Option<Box<dyn Encoder>> {
    let pairs = [("Match", "*"), ("Index", "flyte-logs")];
    let (output, mut problems) = instance(Class::Output, &elasticsearch::PLUGIN, &pairs, &Environment::default());
    let built = elasticsearch::build(&output.options(), Surroundings { flyte: true }, &mut problems);
    report(&problems);
    Some((built?.encoder)())
}

/// The record that a container's line becomes before the filters.
pub(crate) fn record(text: &[u8]) -> Record<'_> {
    let members =
        vec![Member::text(b"log", text, Origin::Runtime), Member::text(b"stream", b"stdout", Origin::Runtime)];
    with_members(members)
}

/// A record of members.
pub(crate) fn with_members(members: Vec<Member<'_>>) -> Record<'_> {
    let time = Timestamp(NOW + 123_456_789);
    Record { time, members, id: DocumentId::random(time), truncated: false, unique: false }
}

/// Builds a filter that uses no parsers and no live metadata.
fn filter(plugin: &Plugin, pairs: &[(&str, &str)]) -> Result<Box<dyn Filter>, String> {
    let (instance, mut problems): (_, Problems) = instance(Class::Filter, plugin, pairs, &Environment::default());
    let parsers = |_: &Options<'_>, _: &str, _: &mut Problems| Vec::new();
    let surroundings = filter::Surroundings { parsers: &parsers, every_parser: &Vec::new, pods: None };
    let (_, build) = filter::PLUGINS.iter().find(|(known, _)| known.name == plugin.name).ok_or("an unknown filter")?;
    let built = build(&instance.options(), &surroundings, &mut problems);
    report(&problems);
    built.ok_or_else(|| format!("no filter {}", plugin.name))
}

fn source(cluster: &Cluster, role: Role) -> Result<Source, String> {
    let container = cluster.containers.iter().find(|container| container.role == role);
    let container = container.ok_or_else(|| format!("no container of the role {role:?}"))?;
    let pod = cluster.pod_of(container);
    let path = format!("/var/log/containers/{}", cluster.file_name(container));
    Ok(Source {
        id: 1,
        input: 0,
        tag: format!("kube{}", path.replace('/', ".")),
        path: Some(path),
        container: Some(Container {
            namespace: pod.namespace.clone(),
            pod: pod.name.clone(),
            name: container.name.clone(),
            pod_uid: Some(pod.uid.clone()),
            id: Some(container.id.clone()),
            restart: Some(0),
        }),
        pod: None,
        log: Some(LogId(1)),
        began: None,
    })
}
