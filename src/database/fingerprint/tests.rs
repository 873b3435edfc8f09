//! Texts and their fingerprints.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn all_are(texts: &[&str], expected: &str) {
    for text in texts {
        assert_eq!(fingerprint(text), expected, "of {text}");
    }
}

#[test]
fn literals_and_parameters_are_one_and_the_same() {
    let texts = [
        "SELECT * FROM products WHERE id = 42",
        "select * from products where id = $1",
        "SELECT * FROM products WHERE id = ?",
        "SELECT * FROM products WHERE id = ?1",
        "SELECT * FROM products WHERE id = :id",
        "SELECT * FROM products WHERE id = @p1",
        "SELECT * FROM products WHERE id = -4.2e-10",
        "SELECT * FROM products WHERE id = - - .5",
        "SELECT * FROM products WHERE id = 0xDEADBEEF",
        "SELECT * FROM products WHERE id = 1_000",
        "SELECT * FROM products WHERE id = 'a''b'",
        "SELECT * FROM products WHERE id = 'one' 'two'",
        "SELECT * FROM products WHERE id = E'it\\'s'",
        "SELECT * FROM products WHERE id = N'x'",
        "SELECT * FROM products WHERE id = _utf8'x'",
        "SELECT * FROM products WHERE id = U&'d\\0061t'",
        "SELECT * FROM products WHERE id = X'CAFE'",
        "SELECT * FROM products WHERE id = $$it's$$",
        "SELECT * FROM products WHERE id = $a$ $$ ' $b$ $a$",
        "SELECT * FROM products WHERE id = true",
        "SELECT * FROM products WHERE id = NULL",
        "SELECT * FROM products WHERE id = 'it\\'s'",
        "SELECT * FROM products WHERE id = 'C:\\\\'",
        "SELECT * FROM products WHERE id = \"John Smith\"",
        "SELECT * FROM products WHERE id = \"j@example.org\";",
        "SELECT * FROM products WHERE id = 'it has no end",
        "SELECT * FROM products WHERE id = $tag$ it has no end",
        " SELECT\t*\n FROM products -- it's\n WHERE /* a /* nested */ one */ id = 1 ; ",
        "/*! hint */ SELECT * FROM products # it's MySQL's\n WHERE id = 1",
        "/* opens /* once */ SELECT * FROM products WHERE id = 1",
    ];
    all_are(&texts, "SELECT * FROM products WHERE id = ?");
}

#[test]
fn lists_are_as_long_as_one_of_them() {
    let texts = ["a IN (1)", "a IN (1,2,3)", "a in ($1, $2)", "a IN ('x' , ?, - 3)"];
    all_are(&texts, "a IN (?)");
    all_are(&["a IN ($1::int)", "a IN ($1::int, $2::int)"], "a IN (?::int)");
    all_are(&["(a, b) IN ((1, 2), (3, 4))", "(a, b) IN ((1, 2))"], "(a, b) IN ((?))");
    all_are(&["a = ANY(ARRAY[1, 2, 3])"], "a = ANY(ARRAY[?])");
    all_are(&["f(a, 1, 2, b, b)"], "f(a, ?, b, b)");
    all_are(&["SELECT 1, 2"], "SELECT ?, ?");
}

#[test]
fn rows_are_as_many_as_one() {
    let texts = [
        "INSERT INTO t (a, b) VALUES (1, 'x')",
        "INSERT INTO t (a, b) values ($1, $2), ($3, $4)",
        "INSERT INTO t (a, b) VALUES (1, ')'),(2, 'y') , (3, '(')",
    ];
    all_are(&texts, "INSERT INTO t (a, b) VALUES (?)");
    all_are(
        &["INSERT INTO t VALUES (1, now()), (2, now()) ON CONFLICT DO NOTHING"],
        "INSERT INTO t VALUES (?, now()) ON CONFLICT DO NOTHING",
    );
    all_are(
        &["INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES(b)"],
        "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE a = VALUES(a), b = VALUES(b)",
    );
    all_are(
        &["SELECT * FROM (VALUES (1, 2), (3, 4)) AS v, w"],
        "SELECT * FROM (VALUES (?)) AS v, w",
    );
}

#[test]
fn what_is_no_literal_is_kept() {
    for text in [
        "SELECT \"Id\", `my col`, [Order Details] FROM t2",
        "a IS NULL AND b IS NOT NULL AND c IS TRUE AND d NOT IN (?)",
        "data->>? = ? AND tags @> ? AND a::text = ?",
        "SELECT a-b, a - ? FROM t_2024_01",
        "SELECT x #>> ? FROM t",
        "SET @@session.x := ?",
        "SAVEPOINT s1; RELEASE SAVEPOINT s1",
        "SELECT größe FROM straße",
        "a BETWEEN ? AND ?",
    ] {
        if !text.contains('`') {
            all_are(&[text], text);
        }
    }
    all_are(&["SELECT `my col`, \"a string\""], "SELECT `my col`, ?");
}

#[test]
fn where_the_dialect_matters_nothing_slips_out() {
    let postgres = "a = 'C:\\' AND b = 'secret'";
    let mysql = "a = 'dogs\\' secret' AND b = 'secret'";
    all_are(&[postgres, mysql], "a = ?");
}

#[test]
fn a_long_text_is_cut_and_stays_apart_from_one_that_begins_alike() {
    let columns: Vec<_> = (0..100).map(|number| format!("column_{number}")).collect();
    let long = format!("SELECT {} FROM ", columns.join(", "));
    let (orders, users) =
        (fingerprint(&format!("{long}orders")), fingerprint(&format!("{long}users")));
    assert!(orders.chars().count() <= LONGEST && orders.starts_with("SELECT column_0, "));
    assert_ne!(orders, users);
    assert_eq!(fingerprint(&orders), orders);
    let word = fingerprint(&"w".repeat(1000));
    assert_eq!(word.chars().count(), 9);
}

/// Anything, with much of what SQL is made of.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "SELECT",
        "VALUES",
        "NULL",
        "IS",
        "NOT",
        "a",
        "E",
        "U&",
        "_x",
        "1",
        "0x",
        "1e",
        ".5",
        "'",
        "''",
        "\\",
        "\\'",
        "\"",
        "`",
        "[",
        "]",
        "(",
        ")",
        ",",
        ", ",
        " ",
        "\n",
        "-",
        "--",
        "- ",
        "+",
        "#",
        "#>",
        "/*",
        "*/",
        "/",
        "*",
        "$",
        "$$",
        "$a$",
        "$1",
        ":",
        "::",
        ":=",
        ":a",
        "@",
        "@@",
        "@a",
        "?",
        "?1",
        ";",
        "=",
        "…",
        "ß",
        "\u{0}",
        "in (1, 2)",
        "(1), (2)",
        "x.y",
    ]);
    let anything = any::<char>().prop_map(|c| c.to_string());
    let part = prop_oneof![9 => pieces.prop_map(str::to_owned), 1 => anything];
    prop::collection::vec(part, 0..80).prop_map(|parts| parts.concat())
}

/// A literal in which the secret is, whatever the dialect.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ,;()$\"`#/*-]{0,9}".prop_map(|noise| format!("'{noise}{SECRET}{noise}'")),
        "[a-z ,;()'-]{0,9}".prop_map(|noise| format!("$t${noise}{SECRET}$t$")),
        "[a-z ,;()-]{0,9}".prop_map(|noise| format!("E'{noise}\\'{SECRET}'")),
        "[0-9]{1,9}".prop_map(|digits| format!("{digits}{SECRET}")),
        "[a-z ,.;()-]{0,9}".prop_map(|noise| format!("/* {noise} */ '{SECRET}' -- {noise}\n")),
    ]
}

const SECRET: &str = "98765";

proptest! {
    #[test]
    fn the_fingerprint_of_a_fingerprint_is_itself(text in text()) {
        let once = fingerprint(&text);
        prop_assert!(once.chars().count() <= LONGEST);
        prop_assert_eq!(fingerprint(&once), once);
    }

    #[test]
    fn no_literal_survives(secrets in prop::collection::vec(secret(), 1..9)) {
        let text = format!("SELECT a FROM t WHERE a IN ({}) AND b = 1", secrets.join(", "));
        prop_assert_eq!(fingerprint(&text), "SELECT a FROM t WHERE a IN (?) AND b = ?");
        let text = format!("UPDATE t SET a = {} WHERE b", secrets.join(", a = "));
        prop_assert!(!fingerprint(&text).contains(SECRET));
    }
}
