//! The few things in which PostgreSQL and MariaDB differ here.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The server's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    MariaDb,
}

impl Dialect {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        }
    }

    /// The account that its packages make.
    pub(crate) fn system_user(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }

    /// Turns `$1` and `$2` (used in this order) into what the server reads.
    pub(crate) fn sql(self, text: &str) -> SqlStr {
        let text = match self {
            Self::Postgres => text.to_owned(),
            Self::MariaDb => text.replace("$1", "?").replace("$2", "?"),
        };
        AssertSqlSafe(text).into_sql_str()
    }

    /// Two numbers, after so many seconds.
    pub(crate) fn sleep(self) -> &'static str {
        match self {
            Self::Postgres => "SELECT COUNT(*), CAST(0 AS BIGINT) FROM pg_sleep($1)",
            Self::MariaDb => "SELECT CAST(SLEEP($1) AS SIGNED), 0",
        }
    }

    /// Nobody else may even read the table, until [`unlock`](Self::unlock).
    pub(crate) fn lock(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["BEGIN", "LOCK TABLE products IN ACCESS EXCLUSIVE MODE"],
            Self::MariaDb => &["LOCK TABLES products WRITE"],
        }
    }

    pub(crate) fn unlock(self) -> &'static str {
        match self {
            Self::Postgres => "COMMIT",
            Self::MariaDb => "UNLOCK TABLES",
        }
    }

    /// The numbers of the shop's connections.
    pub(crate) fn shop_connections(self) -> &'static str {
        match self {
            Self::Postgres => {
                "SELECT CAST(pid AS BIGINT) FROM pg_stat_activity WHERE usename = 'shop'"
            }
            Self::MariaDb => {
                "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE user = 'shop'"
            }
        }
    }

    pub(crate) fn kill(self, connection: i64) -> SqlStr {
        let sql = match self {
            Self::Postgres => format!("SELECT pg_terminate_backend({connection})"),
            Self::MariaDb => format!("KILL {connection}"),
        };
        AssertSqlSafe(sql).into_sql_str()
    }

    /// From now on, the shop gets in with this.
    pub(crate) fn set_password(self, password: &str) -> SqlStr {
        let sql = match self {
            Self::Postgres => format!("ALTER ROLE shop PASSWORD '{password}'"),
            Self::MariaDb => format!("ALTER USER shop@'127.0.0.1' IDENTIFIED BY '{password}'"),
        };
        AssertSqlSafe(sql).into_sql_str()
    }

    /// No order can be written any more, until [`clear_disk`](Self::clear_disk): for want of
    /// space, says PostgreSQL; and MariaDB, that a table is full: it is one in memory, so
    /// that it is.
    pub(crate) fn fill_disk(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &[
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 RAISE EXCEPTION 'could not extend file: No space left on device' \
                 USING ERRCODE = 'disk_full'; END $$",
                "CREATE TRIGGER full_disk BEFORE INSERT ON orders \
                 FOR EACH ROW EXECUTE FUNCTION full_disk()",
            ],
            Self::MariaDb => &[
                "SET max_heap_table_size = 16384",
                "CREATE TABLE disk (block CHAR(250)) ENGINE = MEMORY",
                "CREATE TRIGGER full_disk BEFORE INSERT ON orders \
                 FOR EACH ROW INSERT INTO disk SELECT name FROM products LIMIT 1000",
            ],
        }
    }

    pub(crate) fn clear_disk(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["DROP FUNCTION full_disk CASCADE"],
            Self::MariaDb => &["DROP TRIGGER full_disk", "DROP TABLE disk"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_follow_the_dialect() {
        let text = "SELECT $1, $2";
        assert_eq!(Dialect::Postgres.sql(text).as_str(), "SELECT $1, $2");
        assert_eq!(Dialect::MariaDb.sql(text).as_str(), "SELECT ?, ?");
    }
}
