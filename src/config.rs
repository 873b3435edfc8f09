//! What a setting may be, checked once, when a gate is built: never while serving.

use std::{borrow::Cow, error::Error, fmt, time::Duration};

/// A setting outside its range, found when a gate or layer is built.
///
/// Its message names the setting, the value that it got, and what it may be:
///
/// ```
/// # #[cfg(feature = "tower")] {
/// use brownout::ConcurrencyLimit;
///
/// let error = ConcurrencyLimit::new().max(0).layer().unwrap_err();
/// assert_eq!(error.to_string(), "`max` is 0, but must be at least 1");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidConfig {
    setting: Cow<'static, str>,
    value: String,
    allowed: String,
}

impl InvalidConfig {
    /// For a setting of your own gate or limit: its name, the value it got, and
    /// what it may be, worded so that it follows "must be".
    pub fn new(
        setting: &'static str,
        value: impl fmt::Display,
        allowed: impl fmt::Display,
    ) -> Self {
        Self::at(setting, value, allowed)
    }

    /// The name of the setting, as it is written in code; its path, where it is from a file.
    #[must_use]
    pub fn setting(&self) -> &str {
        &self.setting
    }

    pub(crate) fn at(
        setting: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
        allowed: impl fmt::Display,
    ) -> Self {
        let (value, allowed) = (value.to_string(), allowed.to_string());
        Self { setting: setting.into(), value, allowed }
    }
}

#[cfg(all(feature = "serde", feature = "tower"))]
impl InvalidConfig {
    /// The same of a setting that stands at this path.
    pub(crate) fn named(self, path: String) -> Self {
        Self { setting: path.into(), ..self }
    }

    /// The same of a setting that stands in the table at this path.
    pub(crate) fn within(self, path: &str) -> Self {
        let path = format!("{path}.{}", self.setting);
        self.named(path)
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}, but must be {}", self.setting, self.value, self.allowed)
    }
}

impl Error for InvalidConfig {}

/// A share: more than 0, at most 1.
pub(crate) fn share(setting: &'static str, value: f64) -> Result<f64, InvalidConfig> {
    if value > 0.0 && value <= 1.0 {
        return Ok(value);
    }
    Err(InvalidConfig::new(setting, value, "more than 0 and at most 1"))
}

/// A count of at least `least`.
pub(crate) fn at_least<N: PartialOrd + fmt::Display>(
    setting: &'static str,
    value: N,
    least: N,
) -> Result<N, InvalidConfig> {
    if value >= least {
        return Ok(value);
    }
    Err(InvalidConfig::new(setting, value, format_args!("at least {least}")))
}

/// A duration from `least` to `most`.
pub(crate) fn duration(
    setting: &'static str,
    value: Duration,
    least: Duration,
    most: Duration,
) -> Result<Duration, InvalidConfig> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    let allowed = format_args!("from {least:?} to {most:?}").to_string();
    Err(InvalidConfig::new(setting, format_args!("{value:?}"), allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_setting_value_and_range() {
        let error = share("slow_share", 1.5).unwrap_err();
        assert_eq!(error.setting(), "slow_share");
        assert_eq!(error.to_string(), "`slow_share` is 1.5, but must be more than 0 and at most 1");
    }

    #[test]
    fn share_refuses_what_is_no_number() {
        assert!(share("slow_share", f64::NAN).is_err());
        assert!(share("slow_share", 0.0).is_err());
        assert_eq!(share("slow_share", 1.0), Ok(1.0));
    }

    #[test]
    fn durations_are_held_to_both_ends() {
        let second = Duration::from_secs(1);
        let check = |value| duration("open_for", value, second, 10 * second);
        assert_eq!(check(second), Ok(second));
        assert_eq!(
            check(Duration::ZERO).unwrap_err().to_string(),
            "`open_for` is 0ns, but must be from 1s to 10s"
        );
        assert!(check(11 * second).is_err());
    }
}
