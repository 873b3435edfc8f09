//: brownout = { path = "../brownout", default-features = false, features = ["sqlx"] }
//: sqlx = { version = "0.9", default-features = false, features = ["postgres", "runtime-tokio"] }

use brownout::{Database, sqlx::Pool};
use sqlx::{PgPool, Postgres};

fn main() -> Result<(), sqlx::Error> {
    let db = Database::new("shop");
    let _ = async {
        let pool = db.sqlx(PgPool::connect("postgres://localhost/shop").await?);
        count(&pool).await
    };
    Ok(())
}

async fn count(pool: &Pool<Postgres>) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let query = sqlx::query_scalar("select count(*) from products");
    let count = query.fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(count)
}
