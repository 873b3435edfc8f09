//! What the person at the terminal sees while a run goes on.

use std::collections::VecDeque;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::figures::per_cent;

/// Success is shown over this many of the latest requests.
const LATEST: usize = 200;

/// A bar on a terminal, a line per run elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    latest: VecDeque<bool>,
}

impl Progress {
    pub(crate) fn begin(what: &str, length: Duration) -> Self {
        let bar = if stderr().is_terminal() {
            ProgressBar::new(length.as_millis() as u64)
        } else {
            eprintln!("{what}");
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{prefix:13} {bar:32.cyan/dim} {msg}")
            .expect("the template is well formed");
        bar.set_style(style);
        bar.set_prefix(what.to_owned());
        Self { bar, latest: VecDeque::new() }
    }

    /// Moves the bar to `at`.
    pub(crate) fn tick(&self, at: Duration, phase: &str) {
        self.bar.set_position(at.as_millis() as u64);
        let success = match self.latest.is_empty() {
            true => String::new(),
            false => format!("{:3.0} % succeed", per_cent(self.latest.iter().copied())),
        };
        self.bar.set_message(format!("{phase:9} {success}"));
    }

    /// Takes note of one finished request.
    pub(crate) fn note(&mut self, success: bool) {
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back(success);
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
