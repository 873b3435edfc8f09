//! What PostgreSQL says of itself, through sqlx.

use sqlx::{Database, Error, Executor, FromRow, IntoArguments};

use crate::database::PostgresSample;

/// Asks a PostgreSQL server what it is doing, for [`Database::feed_sample`]. Any pool or
/// connection will do, also one of `Any`; best one that is not the one that is protected.
///
/// ```no_run
/// # async fn f(db: brownout::Database, pool: sqlx::PgPool) -> Result<(), sqlx::Error> {
/// let mut minute = tokio::time::interval(std::time::Duration::from_secs(60));
/// loop {
///     minute.tick().await;
///     db.feed_sample(brownout::sqlx::sample_postgres(&pool).await?);
/// }
/// # }
/// ```
///
/// # Errors
///
/// Those of the query; [`Error::Decode`] if another database than PostgreSQL answers.
///
/// # Cancel safety
///
/// As cancel safe as a query of sqlx.
///
/// [`Database::feed_sample`]: crate::Database::feed_sample
pub async fn sample_postgres<'c, E, DB>(executor: E) -> Result<PostgresSample, Error>
where
    E: Executor<'c, Database = DB>,
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    (String,): for<'r> FromRow<'r, DB::Row>,
{
    let asked = sqlx::query_scalar::<DB, String>(PostgresSample::SQL);
    let answer = asked.fetch_one(executor).await?;
    answer.parse().map_err(|error| Error::Decode(Box::new(error)))
}
