//! Queries on a connection, and on the pool.

use ::sqlx::{Describe, Either, Execute, Executor, SqlStr};
use futures_util::TryStreamExt;

use super::{
    connection::Connection,
    pool::{Pool, refused},
    query::Query,
    rows::{Answer, Rows, Timed, rows},
    work::Kind,
};

impl<'c, DB: ::sqlx::Database> Executor<'c> for &'c mut Connection<DB>
where
    for<'x> &'x mut DB::Connection: Executor<'x, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e, Either<DB::QueryResult, DB::Row>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let query = Query::new(query);
        let statement = self.check_level().map(|()| self.statement_of(query.text()));
        let (raw, work) = self.parts();
        Box::pin(Timed::new(raw.fetch_many(query), work, statement))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<DB::Row>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        Box::pin(async move {
            let query = Query::new(query);
            let time = self.start(query.text(), Kind::Query)?;
            let row = time.limit(self.raw().fetch_optional(query)).await.map_err(refused)?;
            self.finish(&row);
            row
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> Answer<'e, DB::Statement>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let time = self.start(PREPARE, Kind::Prepare)?;
            let statement = time.limit(self.raw().prepare_with(sql, parameters)).await;
            let statement = statement.map_err(refused)?;
            self.finish(&statement);
            statement
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> Answer<'e, Describe<DB>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let time = self.start(PREPARE, Kind::Prepare)?;
            let description = time.limit(self.raw().describe(sql)).await.map_err(refused)?;
            self.finish(&description);
            description
        })
    }
}

impl<'p, DB: ::sqlx::Database> Executor<'p> for &'_ Pool<DB>
where
    for<'x> &'x mut DB::Connection: Executor<'x, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> Rows<'e, Either<DB::QueryResult, DB::Row>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let pool = self.clone();
        rows(|out| async move {
            let mut connection = pool.acquire().await?;
            let mut rows = connection.fetch_many(query);
            while let Some(row) = rows.try_next().await? {
                out.put(row).await;
            }
            Ok(())
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> Answer<'e, Option<DB::Row>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let pool = self.clone();
        Box::pin(async move { pool.acquire().await?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> Answer<'e, DB::Statement>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move { pool.acquire().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> Answer<'e, Describe<DB>>
    where
        'p: 'e,
    {
        let pool = self.clone();
        Box::pin(async move { pool.acquire().await?.describe(sql).await })
    }
}

/// All statements that are only prepared are one to us.
const PREPARE: &str = "PREPARE";
