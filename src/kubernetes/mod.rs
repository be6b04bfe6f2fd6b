//! What the API server tells of the pods on this node.
//!
//! A [`Watch`] lists the pods of one node once and then follows them; [`Pods`] is what is known of
//! them, for those who read logs and for those who label records; [`Connection`] is how the server is
//! reached, and [`Preload`] what files tell in its place. [`Selection`] says whose logs are wanted. What is known of pods that are gone stays for as long as their logs may be read, and
//! survives a restart in a [`journal`].

pub mod annotations;
mod connection;
mod error;
pub mod flyte;
mod journal;
mod metadata;
pub mod namespaces;
pub mod pod;
mod pods;
mod preload;
mod selection;
pub mod selector;
mod watch;

pub use connection::{Connection, Server};
pub use error::Error;
pub use metadata::Metadata;
pub use namespaces::{Namespace, Namespaces};
pub use pods::{Known, Pods};
pub use preload::{Preload, PreloadError};
pub use selection::Selection;
pub use watch::Watch;
