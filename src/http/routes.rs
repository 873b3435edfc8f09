//! Priority by route.

use std::sync::Arc;

use http::Request;

use crate::class::{Class, Classify, Route};

/// Classes by path, for their priorities: what a route needs of the databases is learned
/// without them where axum tells the route, and else [with them](Self::learned). A path stands for itself and all below it (`/search` for
/// `/search/books`, not for `/searching`), and the longest that fits is taken. A path
/// that none fits is of normal priority.
///
/// ```
/// use brownout::{Classify, Priority, http::Routes};
/// use http::Request;
///
/// let routes = Routes::new()
///     .route("/checkout", Priority::Critical)
///     .route("/search", Priority::Sheddable)
///     .exempt("/health");
/// let request = Request::get("/search?q=tea").body(())?;
/// assert_eq!(routes.classify(&request).priority, Priority::Sheddable);
/// # Ok::<(), http::Error>(())
/// ```
///
/// Under axum's `nest`, a layer inside sees the path without the nested part.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Routes {
    /// The longest first. Shared, since axum clones it with every request.
    classes: Arc<Vec<(String, Class)>>,
    exempt_root: bool,
    learned: bool,
}

impl Routes {
    /// No paths: everything is of normal priority.
    pub fn new() -> Self {
        Self::default()
    }

    /// The class of `path` and all below it: a [`Priority`](crate::Priority) or a [`Class`]. The last
    /// word on the same path counts.
    pub fn route(mut self, path: &str, class: impl Into<Class>) -> Self {
        let path = path.trim_end_matches('/').to_owned();
        self.exempt_root &= !path.is_empty();
        let class = if self.learned { with_route(class.into(), &path) } else { class.into() };
        let classes = Arc::make_mut(&mut self.classes);
        classes.retain(|(other, _)| *other != path);
        classes.push((path, class));
        classes.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        self
    }

    /// No gate may refuse, delay or count `path` and all below it; `/` (or nothing) means
    /// the root alone. For health checks; of other pages it is learned that they need no
    /// database.
    pub fn exempt(mut self, path: &str) -> Self {
        if path.trim_end_matches('/').is_empty() {
            self.exempt_root = true;
            return self;
        }
        self.route(path, Class::exempt())
    }

    /// Each of these paths, with all below it and whatever the method, is a
    /// [`Route`](crate::Route): which databases it needs is learned, and it has a circuit of its own.
    /// For servers that do not tell a route by themselves, as hyper and tonic; axum does, more
    /// finely. A path that is not among them has no route. Default: it is not so.
    ///
    /// ```
    /// use brownout::{Admission, Database, Priority, http::Routes};
    ///
    /// let db = Database::new("shop");
    /// let admission = Admission::builder().protect(&db).build()?;
    /// // With tonic, a path is the service, or the service and the method.
    /// let routes = Routes::new()
    ///     .learned()
    ///     .route("/shop.Checkout", Priority::Critical)
    ///     .route("/shop.Catalogue/Search", Priority::Sheddable)
    ///     .route("/shop.Catalogue", Priority::Normal);
    /// let layer = admission.layer().classify(routes);
    /// # let _ = layer;
    /// # Ok::<(), brownout::InvalidConfig>(())
    /// ```
    pub fn learned(mut self) -> Self {
        self.learned = true;
        for (path, class) in Arc::make_mut(&mut self.classes) {
            *class = with_route(*class, path);
        }
        self
    }

    fn class_of(&self, path: &str) -> Class {
        if self.exempt_root && path == "/" {
            return Class::exempt();
        }
        let fits = |(prefix, _): &&(String, Class)| {
            path.strip_prefix(&**prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.classes.iter().find(fits).map(|(_, class)| *class).unwrap_or_default()
    }
}

/// The class, of the route that is this path where it is of none yet.
fn with_route(class: Class, path: &str) -> Class {
    let path = if path.is_empty() { "/" } else { path };
    Class { route: class.route.or_else(|| Route::named(path)), ..class }
}

impl<B> Classify<Request<B>> for Routes {
    fn classify(&self, request: &Request<B>) -> Class {
        self.class_of(request.uri().path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Priority;

    #[test]
    fn the_longest_path_that_fits_is_taken() {
        let routes = Routes::new()
            .route("/", Priority::Bulk)
            .route("/shop", Priority::Normal)
            .route("/shop/checkout/", Priority::Critical);
        assert_eq!(routes.class_of("/shop/checkout").priority, Priority::Critical);
        assert_eq!(routes.class_of("/shop/checkout/pay").priority, Priority::Critical);
        assert_eq!(routes.class_of("/shop/checkouts").priority, Priority::Normal);
        assert_eq!(routes.class_of("/elsewhere").priority, Priority::Bulk);
    }

    #[test]
    fn an_exempt_root_is_the_root_alone() {
        let routes = Routes::new().exempt("/").exempt("/health");
        assert!(routes.class_of("/").exempt);
        assert!(routes.class_of("/health/live").exempt);
        assert!(!routes.class_of("/products").exempt);
    }

    #[test]
    fn no_spelling_of_the_root_exempts_everything() {
        for root in ["", "/", "//"] {
            let routes = Routes::new().exempt(root);
            assert!(routes.class_of("/").exempt && !routes.class_of("/products").exempt, "{root}");
        }
    }

    #[test]
    fn what_is_learned_is_a_route_by_its_path_unless_it_is_one_already() {
        let (early, late) = (Routes::new(), Routes::new().learned());
        let own = Class::default().route(Route::named("own"));
        let fill = |routes: Routes| {
            routes.route("/a/", Priority::Bulk).route("/a/b", own).route("/", Class::default())
        };
        for routes in [fill(early).learned(), fill(late)] {
            let route = |path| routes.class_of(path).route.map(|route| route.to_string());
            assert_eq!(route("/a/1").as_deref(), Some("/a"));
            assert_eq!(route("/a/b/1").as_deref(), Some("own"));
            assert_eq!(route("/elsewhere").as_deref(), Some("/"));
            assert_eq!(routes.class_of("/a").priority, Priority::Bulk);
        }
        assert_eq!(fill(Routes::new()).class_of("/a").route, None);
        assert_eq!(Routes::new().learned().class_of("/a").route, None);
    }

    #[test]
    fn the_last_word_on_a_path_counts() {
        let routes = Routes::new().route("/a", Priority::Bulk).route("/a", Priority::Critical);
        assert_eq!(routes.class_of("/a").priority, Priority::Critical);
        let routes = Routes::new().exempt("/").route("/", Priority::Critical);
        assert!(!routes.class_of("/").exempt);
    }
}
