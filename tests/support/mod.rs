//! What integration tests share: real servers, a client to look into them, and Kibana's query language.
//!
//! A test file takes all of it with `mod support;` and uses what it needs.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(unreachable_pub, reason = "a module of many test programs, whose names are public within each")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

pub mod client;
pub mod cluster;
pub mod kql;
pub mod kubernetes;
pub mod node;
pub mod place;
pub mod receiver;
pub mod server;
pub mod shipper;
pub mod turn;
