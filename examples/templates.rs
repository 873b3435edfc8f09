//! Parts of a page template that are left out as more comes: the template asks, so that the
//! handler does not have to know its parts, and what is left out is not even fetched.
//!
//! `cargo run --example templates --features axum`

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{Request, StatusCode},
    response::Html,
    routing::get,
};
use brownout::{Admission, Brownout, Database, Optional};
use minijinja::{Environment, Value, context};
use tower::ServiceExt;

/// The parts by the names that templates have for them; the first goes first.
const PARTS: [(&str, Optional); 2] =
    [("related", Optional::nth(1, 2)), ("reviews", Optional::nth(2, 2))];

const PAGE: &str = "<h1>{{ name }}</h1>
{%- if serves('reviews') %}<p>{{ reviews() }}</p>{% endif %}
{%- if serves('related') %}<p>{{ related() }}</p>{% endif %}
{%- if not serves('related') %}<!-- shortened -->{% endif %}";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut templates = Environment::new();
    templates.add_template("product", PAGE)?;
    let shop = Shop { templates: Arc::new(templates), fetched: Arc::default() };
    let admission = Admission::builder().protect(&Database::new("shop")).build()?;
    let app = Router::new()
        .route("/product", get(product))
        .layer(admission.layer())
        .with_state(shop.clone());

    for (level, expected, fetched) in [
        (0.0, "<h1>Kettle</h1><p>good</p><p>a tea pot</p>", 2),
        (0.5, "<h1>Kettle</h1><p>good</p><!-- shortened -->", 1),
        (1.0, "<h1>Kettle</h1><!-- shortened -->", 0),
    ] {
        admission.force_level(level)?; // as a surge would
        let page = ask(&app).await?;
        println!("level {level}: {page}");
        assert_eq!(page, expected);
        assert_eq!(shop.fetched.swap(0, SeqCst), fetched, "what is left out is not fetched");
    }
    Ok(())
}

#[derive(Clone)]
struct Shop {
    templates: Arc<Environment<'static>>,
    fetched: Arc<AtomicUsize>,
}

impl Shop {
    /// Fetched when the template comes to it. One that is async fetches before, where it serves.
    fn part(&self, text: &'static str) -> Value {
        let fetched = self.fetched.clone();
        Value::from_function(move || {
            fetched.fetch_add(1, SeqCst);
            text
        })
    }
}

async fn product(brownout: Brownout, State(shop): State<Shop>) -> Result<Html<String>, StatusCode> {
    let page = shop.templates.get_template("product").and_then(|template| {
        template.render(context! {
            name => "Kettle",
            reviews => shop.part("good"),
            related => shop.part("a tea pot"),
            serves => serves(brownout),
        })
    });
    page.map(Html).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// What templates ask. A part that nobody knows is served.
fn serves(brownout: Brownout) -> Value {
    Value::from_function(move |part: &str| {
        PARTS.iter().filter(|(name, _)| *name == part).all(|(_, part)| brownout.serves(*part))
    })
}

async fn ask(app: &Router) -> Result<String, Box<dyn Error>> {
    let response = app.clone().oneshot(Request::get("/product").body(Body::empty())?).await?;
    let body = to_bytes(response.into_body(), 1_000).await?;
    Ok(String::from_utf8(body.into())?)
}
