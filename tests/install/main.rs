//! What deploy/ installs: rendered by helm and kustomize, accepted by a real API server, and run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod chart;
mod cluster;
mod configuration;
mod imports;
mod manifests;
mod monitoring;
mod node;
mod requests;
mod roles;
mod searches;
#[path = "../support/mod.rs"]
mod support;
mod vm;

use std::path::{Path, PathBuf};

/// A path below deploy/.
fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}
