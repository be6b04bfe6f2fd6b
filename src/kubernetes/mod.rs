//! What the API server tells of the pods on this node.
//!
//! A [`Watch`] lists the pods of one node once and then follows them; [`Pods`] is what is known of
//! them, for those who read logs and for those who label records; [`Connection`] is how the server is
//! reached. What is known of pods that are gone stays for as long as their logs may be read, and
//! survives a restart in a [`journal`].

mod awaited;
mod connection;
mod error;
mod journal;
pub mod namespaces;
pub mod pod;
mod pods;
mod watch;

pub use awaited::Awaited;
pub use connection::{Connection, Server};
pub use error::Error;
pub use namespaces::{Namespace, Namespaces};
pub use pods::{Known, Pods};
pub use watch::Watch;
