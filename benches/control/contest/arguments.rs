//! The command line.

use std::{env, path::PathBuf};

#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// What the names of the scenarios have to hold.
    pub(crate) word: String,
    /// Where to write the page and the plots.
    pub(crate) write: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn read() -> Self {
        let mut read = Self::default();
        let mut given = env::args().skip(1);
        while let Some(argument) = given.next() {
            match argument.as_str() {
                // Cargo passes it.
                "--bench" => {}
                "--write" => {
                    read.write = Some(given.next().unwrap_or_else(|| "docs/control".into()).into());
                }
                word => read.word = word.into(),
            }
        }
        read
    }
}
