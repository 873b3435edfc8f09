//! Whose a request is, as far as its headers tell.

use http::{HeaderMap, HeaderName, header};

/// What makes a request one person's.
#[derive(Clone, Debug)]
pub(super) struct Personal {
    headers: Vec<HeaderName>,
    /// All of them, if none are named.
    cookies: Option<Vec<String>>,
}

impl Default for Personal {
    fn default() -> Self {
        let headers = vec![header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE];
        Self { headers, cookies: None }
    }
}

impl Personal {
    pub(super) fn header(&mut self, name: HeaderName) {
        self.headers.push(name);
    }

    pub(super) fn cookies(&mut self, names: Vec<String>) {
        self.cookies = Some(names);
    }

    /// Those headers of a request by which it is one person's.
    pub(super) fn of<'p>(&'p self, headers: &'p HeaderMap) -> impl Iterator<Item = &'p HeaderName> {
        self.headers.iter().filter(|name| match **name {
            header::COOKIE => self.is_in_cookies(headers),
            ref name => headers.contains_key(name),
        })
    }

    fn is_in_cookies(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(header::COOKIE).iter();
        let Some(named) = &self.cookies else { return lines.next().is_some() };
        lines.any(|line| {
            let mut pairs = line.as_bytes().split(|byte| *byte == b';');
            pairs.any(|pair| {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
                named.iter().any(|own| own.as_bytes() == name.trim_ascii())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_personal(personal: &Personal, headers: &[(HeaderName, &'static str)]) -> bool {
        let headers = headers.iter().cloned();
        let headers =
            headers.map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        personal.of(&headers).next().is_some()
    }

    #[test]
    fn any_cookie_is_somebodys_unless_some_are_named() {
        let crumbs = [(header::COOKIE, "lang=de"), (header::COOKIE, "a=b; sid=7")];
        let mut personal = Personal::default();
        assert!(is_personal(&personal, &crumbs[..1]));
        personal.cookies(vec!["sid".to_owned()]);
        assert!(!is_personal(&personal, &crumbs[..1]));
        assert!(is_personal(&personal, &crumbs), "it may stand in any line");
        assert!(!is_personal(&personal, &[(header::COOKIE, "xsid=7; a=sid")]));
        assert!(is_personal(&personal, &[(header::AUTHORIZATION, "Bearer 7")]));
    }

    #[test]
    fn a_header_of_your_own_can_be_somebodys() {
        let mut personal = Personal::default();
        let name = HeaderName::from_static("x-api-key");
        assert!(!is_personal(&personal, &[(name.clone(), "7")]));
        personal.header(name.clone());
        assert!(is_personal(&personal, &[(name, "7")]));
    }
}
