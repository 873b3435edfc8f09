//: brownout = { path = "../brownout", default-features = false, features = ["console"] }
//: axum = "0.8"

use axum::Router;
use brownout::Admission;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let admission = Admission::builder().build()?;
    let _console: Router = Router::new().nest_service("/console", admission.console());
    Ok(())
}
