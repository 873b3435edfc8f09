//! What is seen of a run from outside: where its answers come from, how many are good, when all is
//! well again, and whether every order is there once.

pub(crate) mod figures;
pub(crate) mod ledger;
pub(crate) mod origin;
pub(crate) mod progress;
pub(crate) mod recovery;
