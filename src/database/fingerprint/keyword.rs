//! SQL's own words.

/// The word in upper case, if it is one of SQL's own.
pub(super) fn keyword(word: &str) -> Option<&'static str> {
    let found = KEYWORDS.binary_search_by(|keyword| {
        keyword.bytes().cmp(word.bytes().map(|byte| byte.to_ascii_uppercase()))
    });
    Some(KEYWORDS[found.ok()?])
}

/// Those that hardly anybody gives to a column, in order.
#[rustfmt::skip]
const KEYWORDS: [&str; 91] = [
    "ALL", "ALTER", "ANALYZE", "AND", "ANY", "AS", "ASC", "BEGIN", "BETWEEN", "BY", "CASCADE",
    "CASE", "COMMIT", "CONFLICT", "CREATE", "CROSS", "DEFAULT", "DELETE", "DESC", "DISTINCT",
    "DO", "DROP", "DUPLICATE", "ELSE", "END", "EXCEPT", "EXISTS", "EXPLAIN", "FALSE", "FETCH",
    "FOR", "FROM", "FULL", "GROUP", "HAVING", "IF", "ILIKE", "IN", "INDEX", "INNER", "INSERT",
    "INTERSECT", "INTO", "IS", "ISOLATION", "JOIN", "LATERAL", "LEFT", "LIKE", "LIMIT", "LOCK",
    "LOCKED", "NATURAL", "NOT", "NOTHING", "NOWAIT", "NULL", "NULLS", "OFFSET", "ON", "OR",
    "ORDER", "OUTER", "OVER", "PARTITION", "PRAGMA", "RECURSIVE", "RELEASE", "REPLACE",
    "RETURNING", "RIGHT", "ROLLBACK", "SAVEPOINT", "SELECT", "SET", "SHARE", "SKIP", "TABLE",
    "THEN", "TRANSACTION", "TRUE", "TRUNCATE", "UNION", "UPDATE", "USING", "VALUES", "VIEW",
    "WHEN", "WHERE", "WINDOW", "WITH",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_found_in_whatever_case() {
        for word in KEYWORDS {
            assert_eq!(keyword(&word.to_lowercase()), Some(word));
        }
        assert_eq!(keyword("products"), None);
    }
}
