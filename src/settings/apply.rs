//! Where settings go.

use super::Settings;
use crate::{
    admission::{Admission, AdmissionBuilder},
    config::InvalidConfig,
    database::DatabaseBuilder,
};

impl AdmissionBuilder {
    /// All that these say of limits, circuits, quotas and the service, in place of what was said
    /// before: what code says after this counts. Without `rate.quotas`, the quotas are left as they
    /// are. The limit of a database by its name counts before that of
    /// [`protect_with`](Self::protect_with); where no such database is protected,
    /// [`build`](Self::build) fails.
    ///
    /// ```
    /// # #[cfg(feature = "toml")] {
    /// use brownout::{Admission, Database, Settings};
    ///
    /// let settings = Settings::from_toml("limit.max_wait = '250ms'\ndatabase.shop.limit.max = 40")?;
    /// let db = Database::builder("shop").settings(&settings).build()?;
    /// let admission = Admission::builder().settings(&settings).protect(&db).build()?;
    /// let layer = admission.layer().classify(settings.routes());
    /// # let _ = layer;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settings(self, settings: &Settings) -> Self {
        let own =
            settings.own.apply(self.concurrency(settings.limit()).breaker(settings.breaker()));
        let limited = settings.databases.iter().filter(|(_, of)| !of.limit.is_empty());
        let limits = limited.map(|(name, _)| (name.clone(), settings.limit_of(name))).collect();
        settings.rate().into_iter().fold(own.limits_by_name(limits), Self::rate)
    }
}

impl DatabaseBuilder {
    /// What these say of the database of this name.
    pub fn settings(self, settings: &Settings) -> Self {
        let of = settings.databases.get(self.name());
        of.into_iter().fold(self, |builder, of| of.own.apply(builder))
    }
}

impl Admission {
    /// Other limits and quotas from now on, while it serves: when the file has changed, say. Each
    /// limit keeps what it has learned and its algorithm, each client its buckets, a quota the fleet
    /// that it is shared with. All limits are those of the settings from then on, also where code
    /// had said otherwise; quotas stay as they are where the settings have none.
    ///
    /// The rest (circuits, `report_only`, `at_checkout` and `dim_above` of the whole service, what
    /// is slow, routes) takes a new start: [`Settings::takes_restart`] names what of it differs.
    ///
    /// ```no_run
    /// # #[cfg(all(feature = "toml", unix))]
    /// # async fn reread(admission: brownout::Admission, mut settings: brownout::Settings)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// use brownout::Settings;
    /// use tokio::signal::unix::{SignalKind, signal};
    ///
    /// let mut hangups = signal(SignalKind::hangup())?;
    /// while hangups.recv().await.is_some() {
    ///     let text = std::fs::read_to_string("brownout.toml")?;
    ///     let reread = Settings::from_toml(&text).and_then(|new| new.with_env());
    ///     match reread.and_then(|new| admission.reload(&new).map(|()| new).map_err(Into::into)) {
    ///         Err(fault) => eprintln!("brownout.toml: {fault}; all stays as it was"),
    ///         Ok(new) => {
    ///             println!("wait for a restart: {:?}", settings.takes_restart(&new));
    ///             settings = new;
    ///         }
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if they have quotas and the admission has none, or they name a database
    /// that is not protected, or as [`RateGate::reload`](crate::RateGate::reload). Nothing has
    /// changed then.
    pub fn reload(&self, settings: &Settings) -> Result<(), InvalidConfig> {
        let databases = self.databases();
        let is_protected = |name: &String| databases.iter().any(|own| own.name() == name);
        if let Some(name) = settings.databases.keys().find(|name| !is_protected(name)) {
            return Err(InvalidConfig::new("database", name, "one that is protected"));
        }
        match (settings.rate(), self.rate()) {
            (None, _) => {}
            (Some(limit), Some(gate)) => {
                let limit = if self.only_reports() { limit.report_only() } else { limit };
                gate.reload(limit.shared_as(gate))?;
            }
            (Some(_), None) => {
                return Err(InvalidConfig::new("rate", "set", "left out, as when it was built"));
            }
        }
        for database in databases {
            let limit = settings.limit_of(database.name());
            let limit = if self.only_reports() { limit.report_only() } else { limit };
            self.concurrency_of(database).map_or(Ok(()), |gate| gate.reload(limit))?;
        }
        Ok(())
    }
}
