//: brownout = { path = "../brownout", default-features = false, features = ["axum"] }
//: axum = "0.8"

use std::net::SocketAddr;

use axum::{Router, response::IntoResponse, routing::get};
use brownout::{Admission, Brownout, Database, Optional, Quota, RateLimit, http::key::ClientIp};

const REVIEWS: Optional = Optional::nth(1, 1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::new("shop");
    let rate = RateLimit::new(Quota::per_second(5)).per_key();
    let admission = Admission::builder().protect(&db).rate(rate).build()?;
    let layer = admission.layer().key(ClientIp::peer());
    let layer = layer.fallback_with(|parts, _why| {
        (parts.uri.path() == "/search").then(|| "no results for now".into_response())
    });
    let app: Router = Router::new().route("/product", get(product)).layer(layer);
    let _ = app.into_make_service_with_connect_info::<SocketAddr>();
    Ok(())
}

async fn product(brownout: Brownout) -> &'static str {
    if brownout.serves(REVIEWS) { "a kettle, reviewed" } else { "a kettle" }
}
