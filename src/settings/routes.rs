//! Classes by path, out of settings.

use super::Settings;
use crate::{class::Class, http::Routes};

impl Settings {
    /// What is said of paths, for [`GateLayer::classify`](crate::GateLayer::classify).
    pub fn routes(&self) -> Routes {
        let classes = self.routes.iter().map(|(path, of)| (path, of.apply(Class::default())));
        classes.fold(Routes::new(), |routes, (path, class)| match class.exempt {
            true => routes.exempt(path),
            false => routes.route(path, class),
        })
    }
}
