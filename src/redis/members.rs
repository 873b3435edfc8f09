//! To count the processes of a fleet.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use ::redis::{Script, ScriptInvocation};

/// One of the processes that share buckets.
pub(super) struct Member {
    name: String,
    script: Script,
}

impl Member {
    /// With a name that no other has.
    pub(super) fn new() -> Self {
        let random = RandomState::new;
        let name = format!("{:016x}{:016x}", random().hash_one(0), random().hash_one(1));
        Self { name, script: Script::new(include_str!("members.lua")) }
    }

    /// The call that tells in the set at `key` that this one is there, and counts.
    pub(super) fn tells(&self, key: &str) -> ScriptInvocation<'_> {
        let mut call = self.script.key(key);
        call.arg(&self.name).arg(OF_LATE.as_millis() as u64);
        call
    }
}

/// Who was not heard of for so long is gone.
const OF_LATE: Duration = Duration::from_secs(10);
