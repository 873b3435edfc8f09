//! What is wrong with settings.

use std::{error::Error, fmt};

use super::name::nearest;
use crate::config::InvalidConfig;

/// Settings that cannot be read, found before anything uses them. The message names the setting by
/// its path, what it got, and what it may be:
///
/// ```
/// # #[cfg(feature = "toml")] {
/// use brownout::Settings;
///
/// let fault = |text| Settings::from_toml(text).unwrap_err().to_string();
/// assert_eq!(fault("limit.max = 0"), "`limit.max` is 0, but must be at least 1");
/// assert_eq!(
///     fault("limit.max_wiat = '1s'"),
///     "`limit.max_wiat` is not a setting; did you mean `limit.max_wait`?"
/// );
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(String);

impl InvalidSettings {
    pub(super) fn new(fault: impl fmt::Display) -> Self {
        Self(fault.to_string())
    }

    /// What is neither among those of its place nor elsewhere.
    pub(super) fn unknown(name: &str, beside: &[String], elsewhere: &[String]) -> Self {
        let meant = match nearest(name, beside).or_else(|| nearest(name, elsewhere)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are `{}`", beside.join("`, `")),
        };
        Self(format!("`{name}` is not a setting; {meant}"))
    }

    pub(super) fn twice(path: &str) -> Self {
        Self(format!("`{path}` is said twice"))
    }
}

impl From<InvalidConfig> for InvalidSettings {
    fn from(invalid: InvalidConfig) -> Self {
        Self::new(invalid)
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidSettings {}
