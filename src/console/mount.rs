//! Where the console is mounted, as far as that can be told.

use http::{Extensions, Uri};

/// Where to go instead, if the slash at the end of the page is missing, without which
/// nothing that it names would be found. Relative, so that it leads nowhere else.
pub(super) fn with_slash(extensions: &Extensions) -> Option<String> {
    let (_, last) = whole(extensions)?.path().rsplit_once('/')?;
    (!last.is_empty()).then(|| format!("./{last}/"))
}

/// A nested router of axum takes its prefix off the path, and the slash with it.
#[cfg(feature = "axum")]
fn whole(extensions: &Extensions) -> Option<&Uri> {
    extensions.get::<axum::extract::OriginalUri>().map(|original| &original.0)
}

/// Only a router's own types tell.
#[cfg(not(feature = "axum"))]
fn whole(_extensions: &Extensions) -> Option<&Uri> {
    None
}
