//! flytail ships Flyte's container logs to Elasticsearch and OpenSearch.
//!
//! # The map
//! ```text
//! input ──block──▶ decode ──line──▶ parser ──▶ filters ──▶ batch ──sealed──▶ output
//!   ▲ ledger ◀─────────────── verdict per item: delivered | dead-lettered | retry ◀─┘
//!   └ checkpoint: moves only over the acknowledged prefix
//! ```
//! - [`config`]: Fluent Bit's configuration files, as written and resolved.
//! - [`record`]: records, their members, positions and ids. What all stages speak of.
//! - [`input`], [`decode`], [`parser`], [`filter`], [`output`]: the stages.
//! - [`kubernetes`]: what the API server tells of this node's pods, for inputs and filters.
//! - [`spool`]: what is kept on disk beside the logs: bytes that would vanish, dead letters.
//! - [`pipeline`]: puts the stages together; `pipeline::worker` is the way of a block to a body.
//! - [`telemetry`]: accounts, metrics, health, the log of this process.
//! - [`kql`]: Kibana's query language, to a server's query and to a matcher of documents.
//! - [`cli`]: the commands.
//!
//! # What always holds
//! - Stages import [`config`], [`record`] and [`telemetry`], never each other; inputs also [`spool`]
//!   and, as filters do, [`kubernetes`]. Only [`pipeline`] knows all stages, only [`cli`] knows
//!   [`pipeline`]. (A test guards these arrows.)
//! - What decides is given the time and the disk ([`record::Now`], `input::tail::disk`), so that a
//!   seeded simulation (`pipeline::simulation`) can prove what follows.
//! - A checkpoint never lies behind a record whose fate is not known.
//! - The same bytes make the same records with the same ids, whenever they are read.
//! - No lock per record between block and body, and no allocation for a CRI line of text or sound
//!   JSON. (Docker's lines, JSON that has to be mended and texts that need escapes may allocate.)
//! - Bad input is data: it is shipped as text, or dead-lettered, and counted.
//! - Two accounts hold at every moment: bytes per input, records per output.
//! - No unsafe code.

pub mod cli;
pub mod config;
pub mod decode;
pub mod filter;
pub mod input;
pub mod kql;
pub mod kubernetes;
pub mod output;
pub mod parser;
pub mod pipeline;
pub mod record;
pub mod spool;
pub mod telemetry;
