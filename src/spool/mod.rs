//! What is kept on disk beside the logs themselves.

pub mod dead_letters;
