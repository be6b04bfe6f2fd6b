//! The torture run: a node's container logs on real files, a shipper that is killed again and again, a server that
//! fails in all ways. Nothing may be lost, and nothing may be there twice.
//!
//! ```text
//! cargo test --release --test torture                  the short form: all five parts, about five minutes
//! cargo test --release --test torture -- --long        15 minutes against the fake
//! cargo test --release --test torture -- --real        against a real Elasticsearch only; also --fake, --answers,
//!                                                      --reloads: the fake, with reloads in place of kills, and
//!                                                      --outage: the fake, away for long (with --long: ten minutes)
//!     --seed N  --rate MB  --seconds N  --kills N      another size, or the same random choices once more
//!     --keep                                           leaves the directory for a look
//! ```
//!
//! # The account of what must arrive
//! Each line has a number ([`marker`]), and each line's place in its file is known ([`ground`]) until it has arrived.
//! What must arrive is all that was on disk, held open or in the spool at each kill. That is everything but what the
//! node itself destroyed before anyone could save it, and a file is only ever destroyed by [`keeper::Keeper::remove`],
//! which looks at `/proc/<pid>/fd` at that very moment, with no kill or start in between. A line that has not arrived
//! in the end and whose file, plain or compressed,
//! - is **on disk**, is missing;
//! - was **held open** when its last name went, is missing: the shipper had it, and had to save it into its spool. A
//!   kill waits until the shipper had [`ground::RESCUE`] for that; if it could not wait for so long, the line was
//!   destroyed, not lost;
//! - was not held by a shipper that had been running for five seconds, is missing too: it lay there to be opened;
//! - was removed while no shipper ran, or just after its start, was **destroyed unread**: listed by file and byte
//!   range and counted, and no failure.
//!
//! What is **in the spool** needs no look: its files are gone, and it has to arrive as it was on disk or held before.
//! A document that the server refuses for good has arrived when it is among the dead letters.
//!
//! Twice is a line in two documents, whatever their ids. Whole is a record whose lines are all in one document.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

use std::process::ExitCode;

mod answers;
mod check;
mod ground;
mod keeper;
mod marker;
mod outage;
mod plan;
mod reloads;
mod report;
mod run;
mod scraper;
mod server;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod writer;

use plan::{Arguments, Part};
use report::Report;

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    if arguments.is_meant_for_others {
        return ExitCode::SUCCESS;
    }
    check::harness();
    let _turn = support::turn::turn();
    let mut complaints = Vec::new();
    if arguments.has(Part::Answers) {
        complaints.extend(answers::compare());
        println!("the fake's answers were compared with the real server's: {} differ\n", complaints.len());
    }
    if arguments.has(Part::Fake) {
        complaints.extend(judged(&run::fake(&arguments.fake(), arguments.keep)));
    }
    if arguments.has(Part::Reloads) {
        complaints.extend(judged(&run::fake(&arguments.reloads(), arguments.keep)));
    }
    if arguments.has(Part::Outage) {
        complaints.extend(judged(&run::fake(&arguments.outage(), arguments.keep)));
    }
    if arguments.has(Part::Real) {
        complaints.extend(judged(&run::real(&arguments.real(), arguments.keep)));
    }
    complaints.iter().for_each(|complaint| eprintln!("torture failed: {complaint}"));
    if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a report; what is wrong with the run.
fn judged(report: &Report) -> Vec<String> {
    println!("{report}\n");
    let complaints = report.complaints();
    if !complaints.is_empty() {
        eprintln!("the shipper's log ended with:\n{}\n", report.log);
    }
    complaints.into_iter().map(|complaint| format!("{}: {complaint}", report.plan.name)).collect()
}
