//: brownout = { path = "../brownout", default-features = false, features = ["http"] }
//: http = "1"
//: tokio = { version = "1", features = ["macros", "rt", "time"] }
//: tower = { version = "0.5", features = ["util"] }

use std::convert::Infallible;

use brownout::{Admission, Quota, RateLimit, http::key::ClientIp};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rate = RateLimit::new(Quota::per_second(5)).per_key();
    let admission = Admission::builder().rate(rate).build()?;
    let layer = admission.layer().key(ClientIp::behind(["10.0.0.0/8"])?.x_forwarded_for());
    let layer = layer.fallback_with(|_, why| Some(Response::new(why.reason().to_string())));
    let page =
        service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new("page".to_owned())));
    let service = ServiceBuilder::new().layer(layer).service(page);
    println!("{}", service.oneshot(Request::new(())).await?.status());
    Ok(())
}
