//: brownout = { path = "../brownout", default-features = false, features = ["metrics"] }

use brownout::{Admission, metrics::METRICS};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let admission = Admission::builder().build()?;
    admission.metrics().record();
    println!("{} metrics", METRICS.len());
    Ok(())
}
