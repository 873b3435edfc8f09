//! Files that a run is to write.

use std::fs::{OpenOptions, remove_file};
use std::path::Path;

use super::failure::{Failure, Result};

/// Finds out before the run, not after it, whether the file of `--report` can be kept.
pub(crate) fn check_writable(report: &Path) -> Result<()> {
    let existed = report.exists();
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(report)
        .map_err(|error| Failure::new(format!("--report {}: {error}", report.display())))?;
    if !existed {
        // Best effort: an empty file left behind does no harm.
        let _ = remove_file(report);
    }
    Ok(())
}
