//! Names of settings: where one stands, and which of them was meant.

/// The path of `key` inside of the table at `path`, as it would stand in a TOML file.
pub(super) fn below(path: &str, key: &str) -> String {
    let is_bare = |letter: u8| letter.is_ascii_alphanumeric() || b"_-".contains(&letter);
    let key = match !key.is_empty() && key.bytes().all(is_bare) {
        true => key.to_owned(),
        false => format!("{key:?}"),
    };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The one that is spelled most nearly so: with at most one letter in three, or two, added, left
/// out, changed or swapped; or the same name in another table.
pub(super) fn nearest<'k>(name: &str, known: &'k [String]) -> Option<&'k str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let known = || known.iter().map(String::as_str);
    let near = known().map(|other| (edits(name, other), other)).min();
    let most = (last(name).chars().count().min(LONGEST) / 3).max(2);
    let near = near.filter(|(edits, _)| *edits <= most);
    let same_elsewhere = || known().find(|other| last(other) == last(name));
    near.map(|(_, near)| near).or_else(same_elsewhere)
}

/// How many letters have to be added, left out, changed or swapped (optimal string alignment).
fn edits(from: &str, to: &str) -> usize {
    // What is so long is nothing that somebody misspelled.
    let letters = |text: &str| text.chars().take(LONGEST).collect::<Vec<_>>();
    let (from, to) = (letters(from), letters(to));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, left) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, right) in to.iter().enumerate() {
            let changed = row[j] + usize::from(left != right);
            let mut least = changed.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *left == to[j - 1] && from[i - 1] == *right {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[to.len()]
}

const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_are_added_left_out_changed_or_swapped_count_once() {
        let from_max = |to| edits("max_wait", to);
        assert_eq!(
            ["max_wait", "max_wiat", "max_wai", "max_waits", "nax_wait"].map(from_max),
            [0, 1, 1, 1, 1]
        );
        assert_eq!((edits("", "ab"), edits("ab", "")), (2, 2));
    }

    #[test]
    fn what_is_far_from_all_is_none_of_them() {
        let known = ["limit.min", "limit.max", "limit.max_wait", "dim_above"].map(str::to_owned);
        assert_eq!(nearest("limit.max_wiat", &known), Some("limit.max_wait"));
        assert_eq!(nearest("max_wait", &known), Some("limit.max_wait"), "in another table");
        assert_eq!(nearest("limit.dim_above", &known), Some("dim_above"), "in another table");
        assert_eq!(nearest("limit.something", &known), None);
        assert_eq!(nearest(&"x".repeat(100_000), &known), None);
    }

    #[test]
    fn names_of_ones_own_are_quoted_where_a_file_would_have_to() {
        assert_eq!(below("", "limit"), "limit");
        assert_eq!(below("routes", "/search"), "routes.\"/search\"");
        assert_eq!(below("database.shop", ""), "database.shop.\"\"");
    }
}
