//: brownout = { path = "../brownout", default-features = false, features = ["tower"] }
//: tokio = { version = "1", features = ["macros", "rt", "time"] }
//: tower = { version = "0.5", features = ["util"] }

use brownout::{Admission, Class, Database, Quota, RateLimit, attributed};
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let db = Database::new("shop");
    let rate = RateLimit::new(Quota::per_second(100));
    let admission = Admission::builder().protect(&db).rate(rate).build()?;
    let double = service_fn(async |number: u32| Ok::<_, BoxError>(2 * number));
    let layer = admission.layer().refuse_with_error();
    let double =
        ServiceBuilder::new().layer(layer).layer(db.layer().boxed_errors()).service(double);
    assert_eq!(double.oneshot(21).await?, 42);
    let permit = admission.acquire(&Class::default()).await?;
    attributed(db.observe(async { Ok::<_, std::io::Error>(()) })).await?;
    drop(permit);
    Ok(())
}
