//! The few things in which SQLite, PostgreSQL and MariaDB differ here.

use std::path::Path;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::terminal::failure::{Failure, Result};

/// The database's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    MariaDb,
}

/// Where the database is and which language it speaks.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) dialect: Dialect,
}

impl Source {
    /// A database file of its own in `directory`.
    pub(crate) fn embedded(directory: &Path) -> Self {
        let file = directory.join("shop.db");
        Self { url: format!("sqlite://{}?mode=rwc", file.display()), dialect: Dialect::Sqlite }
    }

    /// A database server.
    pub(crate) fn server(url: &str) -> Result<Self> {
        let dialect = match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Dialect::Postgres,
            Some("mysql" | "mariadb") => Dialect::MariaDb,
            Some("sqlite") => Dialect::Sqlite,
            _ => {
                return Err(Failure::new(format!(
                    "--database-url {}: must start with postgres://, mysql:// or mariadb://",
                    redacted(url)
                )));
            }
        };
        Ok(Self { url: url.to_owned(), dialect })
    }

    /// The address without what must not appear on a screen.
    pub(crate) fn shown(&self) -> String {
        redacted(&self.url)
    }
}

impl Dialect {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        }
    }

    /// Turns `$1` and `$2` (used in this order) into what the database reads.
    pub(crate) fn sql(self, text: &str) -> SqlStr {
        let text = match self {
            Self::Sqlite | Self::Postgres => text.to_owned(),
            Self::MariaDb => text.replace("$1", "?").replace("$2", "?"),
        };
        AssertSqlSafe(text).into_sql_str()
    }

    /// What every new connection is told first.
    pub(crate) fn greeting(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = NORMAL",
            ],
            // One query, one core: as on the databases of the outage.
            Self::Postgres => &["SET max_parallel_workers_per_gather = 0"],
            Self::MariaDb => &[],
        }
    }

    /// What a freshly filled database needs so that no housekeeping falls into
    /// the runs.
    pub(crate) fn housekeeping(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &["PRAGMA wal_checkpoint(TRUNCATE)"],
            Self::Postgres => &["VACUUM ANALYZE meltdown_products"],
            Self::MariaDb => &["ANALYZE TABLE meltdown_products"],
        }
    }
}

/// Leaves out user, password and query string.
fn redacted(url: &str) -> String {
    let base = url.split('?').next().unwrap_or_default();
    match (base.split_once("://"), base.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        (None, Some((_, place))) => format!("…@{place}"),
        _ => base.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_show() {
        for url in [
            "postgres://me:secret@host/db",
            "mysql://me:se@secret@host/db?password=secret",
            "postgres:/me:secret@host",
        ] {
            assert!(!redacted(url).contains("secret"), "{}", redacted(url));
        }
    }

    #[test]
    fn placeholders_follow_the_dialect() {
        let text = "SELECT $1, $2";
        assert_eq!(Dialect::Postgres.sql(text).as_str(), "SELECT $1, $2");
        assert_eq!(Dialect::MariaDb.sql(text).as_str(), "SELECT ?, ?");
    }
}
