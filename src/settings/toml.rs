//! Settings as TOML.

use super::{InvalidSettings, Settings, tree::Tree};

impl Settings {
    /// From the text of a file.
    ///
    /// ```
    /// use brownout::Settings;
    ///
    /// let settings = Settings::from_toml(
    ///     r#"
    ///     dim_above = 0.7
    ///     [limit]
    ///     max_wait = "250ms"
    ///     "#,
    /// )?;
    /// println!("{}", settings.effective().to_toml());
    /// # Ok::<(), brownout::InvalidSettings>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidSettings`] if it is no TOML, says what is no setting, or what is not in range.
    pub fn from_toml(text: &str) -> Result<Self, InvalidSettings> {
        Self::read(toml::from_str::<Tree>(text).map_err(InvalidSettings::new)?)
    }

    /// What was said, as the text of a file; of [`effective`](Self::effective) settings, all.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self)
            .expect("settings are tables of texts, flags and numbers of TOML's range")
    }
}
