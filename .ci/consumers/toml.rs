//: brownout = { path = "../brownout", default-features = false, features = ["toml"] }

use brownout::{Admission, Database, Settings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from_toml("dim_above = 0.7\n[limit]\nmax_wait = \"200ms\"\n")?;
    let db = Database::new("shop");
    let admission = Admission::builder().protect(&db).settings(&settings).build()?;
    println!("{}\n{}", settings.to_toml(), admission.snapshot());
    Ok(())
}
