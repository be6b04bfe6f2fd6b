//! What is kept on disk beside the logs themselves: bytes of logs that would vanish
//! ([`segments`]), and items that a receiver refused ([`dead_letters`]).

pub mod dead_letters;
pub mod segments;
