//! That a fleet's buckets are those of one limit.

use std::sync::{Arc, Mutex, Weak};

use super::SharedRate;
use crate::{config::InvalidConfig, lock::lock};

/// What a limit asks the buckets for: each quota has its place in them.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::gate::rate) struct Shape {
    pub(in crate::gate::rate) per_key: bool,
    /// Of all, and then by the number of the plan.
    pub(in crate::gate::rate) rates: Vec<Option<Arc<[SharedRate]>>>,
}

/// The limit that has the buckets, for as long as there is a gate of it.
#[derive(Debug, Default)]
pub(crate) struct Claim(Mutex<Weak<Shape>>);

impl Claim {
    /// For a gate that is built.
    pub(super) fn share(&self, shape: Shape) -> Result<Arc<Shape>, InvalidConfig> {
        let mut last = lock(&self.0);
        let Some(other) = last.upgrade() else { return Ok(put(&mut last, shape)) };
        if *other == shape {
            return Ok(other);
        }
        let allowed = "those of no other limit: each limit needs a fleet with buckets of its own";
        Err(InvalidConfig::new("shared", "the buckets of a limit with other quotas", allowed))
    }

    /// For a gate whose quotas change.
    pub(super) fn change(&self, shape: Shape) -> Arc<Shape> {
        put(&mut lock(&self.0), shape)
    }
}

fn put(last: &mut Weak<Shape>, shape: Shape) -> Arc<Shape> {
    let shape = Arc::new(shape);
    *last = Arc::downgrade(&shape);
    shape
}
