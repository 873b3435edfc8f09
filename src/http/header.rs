//! Priority by header.

use http::{HeaderName, Request};

use crate::class::{Class, Classify, Priority};

/// Takes the priority from a header: `critical`, `normal`, `sheddable` or `bulk`. What
/// is missing or unknown is left to another classifier.
///
/// Anyone can send a header. Use this behind a proxy that sets or removes it, or let
/// only less than the default be asked for: [`ByHeader::lowering_only`].
///
/// ```
/// use brownout::{Classify, Priority, http::ByHeader};
/// use http::{HeaderName, Request};
///
/// let by_header = ByHeader::new(HeaderName::from_static("x-priority"));
/// let request = Request::get("/").header("x-priority", "bulk").body(())?;
/// assert_eq!(by_header.classify(&request).priority, Priority::Bulk);
/// assert_eq!(by_header.classify(&Request::new(())).priority, Priority::Normal);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ByHeader<C = Class> {
    name: HeaderName,
    otherwise: C,
    lowering_only: bool,
}

impl ByHeader {
    /// The priority that the header `name` asks for, or else [`Priority::Normal`].
    pub fn new(name: HeaderName) -> Self {
        Self { name, otherwise: Class::default(), lowering_only: false }
    }
}

impl<C> ByHeader<C> {
    /// What classifies requests first; the header changes only their priority. A
    /// request that it exempts stays exempt.
    pub fn otherwise<D>(self, otherwise: D) -> ByHeader<D> {
        ByHeader { name: self.name, otherwise, lowering_only: self.lowering_only }
    }

    /// The header may lower a priority and never raise it, so that it needs no trust.
    pub fn lowering_only(self) -> Self {
        Self { lowering_only: true, ..self }
    }
}

impl<B, C> Classify<Request<B>> for ByHeader<C>
where
    C: Classify<Request<B>>,
{
    fn classify(&self, request: &Request<B>) -> Class {
        let class = self.otherwise.classify(request);
        let value = request.headers().get(&self.name).and_then(|value| value.to_str().ok());
        match value.and_then(|name| name.trim().parse::<Priority>().ok()) {
            Some(asked) if self.lowering_only => {
                Class { priority: asked.min(class.priority), ..class }
            }
            Some(priority) => Class { priority, ..class },
            None => class,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: HeaderName = HeaderName::from_static("x-priority");

    fn asking(value: &'static str) -> Request<()> {
        Request::get("/").header(NAME, value).body(()).expect("it is valid")
    }

    #[test]
    fn an_unknown_name_changes_nothing() {
        let by_header = ByHeader::new(NAME).otherwise(Class::new(Priority::Sheddable));
        assert_eq!(by_header.classify(&asking("urgent!")).priority, Priority::Sheddable);
        assert_eq!(by_header.classify(&asking(" Critical ")).priority, Priority::Critical);
    }

    #[test]
    fn lowering_only_never_raises() {
        let by_header = ByHeader::new(NAME).lowering_only();
        assert_eq!(by_header.classify(&asking("critical")).priority, Priority::Normal);
        assert_eq!(by_header.classify(&asking("bulk")).priority, Priority::Bulk);
    }

    #[test]
    fn what_is_exempt_stays_exempt() {
        let by_header = ByHeader::new(NAME).otherwise(Class::exempt());
        assert!(by_header.classify(&asking("bulk")).exempt);
    }
}
