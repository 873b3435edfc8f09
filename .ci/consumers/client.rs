//: brownout = { path = "../brownout", default-features = false, features = ["client"] }
//: http = "1"
//: tower = "0.5"

use std::convert::Infallible;

use brownout::{
    client::{Retries, RetryBudget},
    http::{Propagate, Timeout},
};
use http::{Request, Response};
use tower::{ServiceBuilder, service_fn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let retries = Retries::new().at_most(1).budget(RetryBudget::new(0.1, 2.0)?);
    let send = service_fn(async |_: Request<String>| Ok::<_, Infallible>(Response::new(())));
    let _client = ServiceBuilder::new()
        .layer(retries.layer())
        .layer(Propagate::new().deadline(Timeout::grpc()))
        .service(send);
    Ok(())
}
