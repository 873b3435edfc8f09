//! How the examples speak with the person at the terminal: a mistake is one clear line.

pub(crate) mod failure;
pub(crate) mod mistake;
pub(crate) mod writable;
