//: brownout = { path = "../brownout" }
//: http = "1"
//: tower = { version = "0.5", features = ["util"] }

use std::convert::Infallible;

use brownout::{Admission, Database, Priority, http::Routes};
use http::{Request, Response};
use tower::{ServiceBuilder, service_fn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build()?;
    let layer = admission.layer().classify(Routes::new().route("/search", Priority::Sheddable));
    let page =
        service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(String::new())));
    let _service = ServiceBuilder::new().layer(layer).service(page);
    println!("{}", admission.overview());
    Ok(())
}
