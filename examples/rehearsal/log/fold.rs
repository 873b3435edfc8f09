//! Paths that differ by an id are one route.

/// What a place stands for in one path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Id {
    Number(u64),
    /// Letters and digits that nobody would choose: a UUID, a hash, a key.
    Opaque(String),
}

/// A path with its ids taken out, and these; the places are `{id}`, `{id2}` and so on.
pub(super) fn fold(path: &str) -> (String, Vec<Id>) {
    let (mut route, mut ids) = (Vec::new(), Vec::new());
    for part in path.split('/') {
        match id(part) {
            None => route.push(part.to_owned()),
            Some(id) => {
                ids.push(id);
                route.push(format!("{{{}}}", place(ids.len())));
            }
        }
    }
    (route.join("/"), ids)
}

/// The name of the nth place, from 1.
pub(super) fn place(nth: usize) -> String {
    if nth == 1 { "id".to_owned() } else { format!("id{nth}") }
}

fn id(part: &str) -> Option<Id> {
    if part.bytes().all(|byte| byte.is_ascii_digit()) {
        // One with zeros in front, or too long a one, is not counted up.
        let plain = part.parse().ok().filter(|number: &u64| number.to_string() == part);
        let opaque = (!part.is_empty()).then(|| Id::Opaque(part.to_owned()));
        return plain.map(Id::Number).or(opaque);
    }
    is_opaque(part).then(|| Id::Opaque(part.to_owned()))
}

/// Long, of such letters as ids have, and with digits in between.
fn is_opaque(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let hexadecimal = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let is_hash = part.len() >= 8 && digits >= 2 && part.bytes().all(hexadecimal);
    let is_key = part.len() >= 16 && changes(part) >= 4 && part.bytes().all(plain);
    is_hash || is_key
}

/// How often digits follow letters, or letters digits: a year at the end of words does once.
fn changes(part: &str) -> usize {
    let kinds: Vec<_> =
        part.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.is_ascii_digit()).collect();
    kinds.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(path: &str) -> String {
        fold(path).0
    }

    #[test]
    fn ids_of_all_kinds_are_folded() {
        assert_eq!(folded("/products/17"), "/products/{id}");
        assert_eq!(folded("/shops/3/products/17/"), "/shops/{id}/products/{id2}/");
        assert_eq!(folded("/o/0190b2a4-7c1e-7d33-8f4e-2f1f0c9a1b2c"), "/o/{id}");
        assert_eq!(folded("/blob/d41d8cd98f00b204"), "/blob/{id}");
        assert_eq!(folded("/k/V1StGXR8_Z5jdHi6B-myT"), "/k/{id}");
        assert_eq!(fold("/a/007").1, [Id::Opaque("007".to_owned())]);
        assert_eq!(fold("/a/99999999999999999999").1.len(), 1);
        assert_eq!(fold("/a/0").1, [Id::Number(0)]);
    }

    #[test]
    fn words_are_kept() {
        for path in
            ["/", "/a//b/", "/v2/about-us", "/summer-sale-2026", "/deadbeef", "/x.html", "/%20"]
        {
            assert_eq!(folded(path), path);
        }
    }
}
