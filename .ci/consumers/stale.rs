//: brownout = { path = "../brownout", default-features = false, features = ["stale"] }
//: http = "1"
//: tower = { version = "0.5", features = ["util"] }

use std::convert::Infallible;

use brownout::{Admission, StaleLayer};
use http::{Request, Response};
use tower::{ServiceBuilder, service_fn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let admission = Admission::builder().build()?;
    let stale = StaleLayer::new().coalesce();
    let page = service_fn(async |_: Request<String>| {
        Ok::<_, Infallible>(Response::new("a page".to_owned()))
    });
    let _service =
        ServiceBuilder::new().layer(stale.clone()).layer(admission.layer()).service(page);
    println!("{:?}", stale.snapshot());
    Ok(())
}
