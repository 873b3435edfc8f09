//: brownout = { path = "../brownout", default-features = false, features = ["serde", "tower"] }
//: serde_json = "1"

use brownout::{Admission, Database};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).build()?;
    println!("{}", serde_json::to_string(&admission.overview())?);
    println!("{}", serde_json::to_string(&db.report())?);
    println!("{}", serde_json::to_string(&admission.incidents())?);
    Ok(())
}
