//! Settings from environment variables.

use super::{
    fault::InvalidSettings,
    name::below,
    schema,
    setting::{Declared, Setting},
    values::Values,
    whole::{BREAKER, LIMIT, RATE, Settings},
};
use crate::{
    admission::AdmissionBuilder,
    config::InvalidConfig,
    gate::{CircuitBreaker, ConcurrencyLimit, RateLimit},
};

impl Settings {
    /// These, and over them what the environment of the process says in variables that begin with
    /// `BROWNOUT_`, as [`with_vars`](Self::with_vars).
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] if one of them is no setting, is not in text, or not in range.
    pub fn with_env(self) -> Result<Self, InvalidSettings> {
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let vars = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value)));
        self.with_vars(PREFIX, vars)
    }

    /// These, and over them what is said by those of the variables whose names begin with `prefix`:
    /// `limit.max_wait` by `BROWNOUT_LIMIT_MAX_WAIT`, in the same words as in a file. What has names
    /// of your own (databases, routes, plans) and the quotas are for files alone.
    ///
    /// ```
    /// use brownout::Settings;
    ///
    /// let vars = [("SHOP_LIMIT_MAX_WAIT", "250ms"), ("SHOP_REPORT_ONLY", "true"), ("HOME", "/")];
    /// let settings = Settings::default().with_vars("SHOP_", vars)?;
    /// let fault = settings.with_vars("SHOP_", [("SHOP_LIMIT_MAX_WIAT", "1s")]).unwrap_err();
    /// assert_eq!(
    ///     fault.to_string(),
    ///     "`SHOP_LIMIT_MAX_WIAT` is not a setting; did you mean `SHOP_LIMIT_MAX_WAIT`?"
    /// );
    /// # Ok::<(), brownout::InvalidSettings>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] if one of them is no setting, or not in range.
    pub fn with_vars<N, V>(
        mut self,
        prefix: &str,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, InvalidSettings>
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        for (name, value) in vars {
            let (name, value) = (name.as_ref(), value.as_ref());
            if name.starts_with(prefix) && !self.put(prefix, name, value)? {
                let known: Vec<_> =
                    schema::paths().iter().filter_map(|path| variable(prefix, path)).collect();
                return Err(InvalidSettings::unknown(name, &known, &[]));
            }
        }
        self.checked()
    }

    /// False: there is no such setting.
    fn put(&mut self, prefix: &str, name: &str, value: &str) -> Result<bool, InvalidConfig> {
        let said = Said { prefix, name, value };
        Ok(said.put::<AdmissionBuilder>("", &mut self.own)?
            || said.put::<ConcurrencyLimit>(LIMIT, &mut self.limit)?
            || said.put::<CircuitBreaker>(BREAKER, &mut self.breaker)?
            || said.put::<RateLimit>(RATE, &mut self.rate.own)?)
    }
}

/// One variable.
struct Said<'v> {
    prefix: &'v str,
    name: &'v str,
    value: &'v str,
}

impl Said<'_> {
    fn put<B: Declared>(&self, table: &str, values: &mut Values) -> Result<bool, InvalidConfig> {
        let is_meant = |setting: &&Setting<B>| {
            variable(self.prefix, &below(table, setting.name)).as_deref() == Some(self.name)
        };
        let setting = B::SETTINGS.iter().find(is_meant);
        setting.map(|setting| values.put(setting, self.value, self.name)).transpose()?;
        Ok(setting.is_some())
    }
}

/// That of the setting at this path, if it has no names of the owner's in it.
fn variable(prefix: &str, path: &str) -> Option<String> {
    let is_own = |letter: char| letter.is_ascii_uppercase() || letter == '[';
    let plain = !path.contains(is_own);
    plain.then(|| prefix.to_owned() + &path.to_uppercase().replace('.', "_"))
}

const PREFIX: &str = "BROWNOUT_";
