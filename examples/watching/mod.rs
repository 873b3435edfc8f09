//! What is seen of a run from outside: where its answers come from, how many are good, and when
//! all is well again.

pub(crate) mod figures;
pub(crate) mod origin;
pub(crate) mod progress;
pub(crate) mod recovery;
