//: brownout = { path = "../brownout", default-features = false, features = ["tracing"] }
//: tracing-subscriber = "0.3"

use brownout::{Admission, Database, tracing::Log};
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::new("shop");
    tracing_subscriber::registry().with(db.query_events()).try_init()?;
    let admission = Admission::builder().protect(&db).on_event(Log::new()).build()?;
    let _layer = admission.layer().record_span();
    Ok(())
}
