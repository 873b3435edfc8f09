//! The time that a process has spent on the processor.

use std::{fs, process::Child, time::Duration};

/// In user and kernel mode together.
#[derive(Clone, Copy)]
pub(crate) struct Usage(Duration);

impl Usage {
    /// Until now, added up over its threads, to the nanosecond: `getrusage` tells it of others
    /// only when they have ended, and `/proc/PID/stat` to the hundredth of a second.
    pub(crate) fn of(process: &Child) -> Self {
        let threads = fs::read_dir(format!("/proc/{}/task", process.id()));
        let threads = threads.expect("the process runs").flatten();
        let spent = threads.filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        });
        Self(Duration::from_nanos(spent.sum()))
    }

    pub(crate) fn since(self, before: Self) -> Duration {
        self.0.saturating_sub(before.0)
    }
}
