//! The matrix: the same table of cases on every version of Elasticsearch and OpenSearch that people run, one small node
//! at a time. In each case every line is in the index once, by its sequence number, and right in all its fields, and
//! the dead letters are exactly the documents that no server could take.
//!
//! ```text
//! cargo test --release --test matrix                    es9 and os3, and two of the older ones in turn, by the day
//! cargo test --release --test matrix -- --all           all five
//! cargo test --release --test matrix -- --engine es7    one; may be given again
//!     --case NAME                                       the cases with this in their name only
//! cargo test --release --test matrix -- --cluster       three nodes of os2, of which one is killed under load;
//!                                                       with --engine another server
//! cargo test --release --test matrix -- --latency       prints how long a line takes to reach a server, at 5 MB/s
//! ```
//! A case costs two to four seconds on two quiet cores, a start of a server five to ten: an engine has five of those.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

use std::process::ExitCode;

mod arguments;
mod cases;
mod cluster;
mod latency;
mod run;
mod stage;
#[path = "../support/mod.rs"]
mod support;

use arguments::{Arguments, Mode};

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    if arguments.is_meant_for_others {
        return ExitCode::SUCCESS;
    }
    let _turn = support::turn::turn();
    let failed = match arguments.mode {
        Mode::Table => stage::run(&arguments),
        Mode::Cluster => cluster::run(&arguments),
        Mode::Latency => latency::run(),
    };
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("the matrix failed: {}", failed.join(", "));
    ExitCode::FAILURE
}
