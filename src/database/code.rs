//! What the codes of the databases say about the load.

use crate::outcome::Outcome;

/// What a SQLSTATE says about the load, as PostgreSQL and the standard define them.
///
/// An overload are
///
/// | code | |
/// |---|---|
/// | `08…` | the connection: refused, lost, not to be had |
/// | `53…` but `53100`, `53400` | no resources: too many connections, no memory |
/// | `57P01`, `57P02`, `57P03` | the server stops, has crashed, or starts |
/// | `57014` | a query cancelled, by its time limit or by somebody |
/// | `55P03` | a lock that was not to be had in time, or at once with `NOWAIT` |
/// | `40…` but `40002` | a serialization failure, a deadlock, an outcome that is not known |
/// | `25P04` | a transaction over its time limit |
/// | `58…` | the system below the database: I/O errors |
/// | `70100`, `HYT00`, `HYT01` | interrupted, or over a time limit, as MySQL and ODBC say |
///
/// Any other code, such as `23505` for a unique violation, says nothing about the load. Nor
/// does a full disk (`53100`): fewer requests make no room on it, and those that only read go
/// on; nor a query over a limit of its own, such as `temp_file_limit` (`53400`).
/// `None` for what is no SQLSTATE, and for `HY000`, which is none in particular.
#[must_use]
pub fn outcome_of_sqlstate(code: &str) -> Option<Outcome> {
    let is_code = code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_code || code == "HY000" {
        return None;
    }
    Some(match (code.get(..2)?, code) {
        (_, "40002" | "53100" | "53400") => Outcome::Ignore,
        ("08" | "53" | "40" | "58", _) => Outcome::Overload,
        (_, "57P01" | "57P02" | "57P03" | "57014" | "55P03" | "25P04") => Outcome::Overload,
        (_, "70100" | "HYT00" | "HYT01") => Outcome::Overload,
        _ => Outcome::Ignore,
    })
}

/// What an error number of MySQL or MariaDB, of the server or the client, says about the
/// load.
///
/// An overload are
///
/// | number | |
/// |---|---|
/// | 1040, 1203, 1226, 1135 | too many connections or threads |
/// | 1037, 1038, 1041, 1206 | no memory, no room for locks |
/// | 1205, 3572, 1213, 1613, 1614, 3058, 3101 | a lock or a transaction that had to give way |
/// | 1317, 1969, 3024 | a query cancelled, or over its time limit |
/// | 1042, 1043, 1129, 2002, 2003 | the connection: refused, or the client blocked |
/// | 1053, 1152, 1158–1161, 1184, 1927, 2006, 2012, 2013, 2055, 4031 | the connection: lost |
///
/// Any other, such as 1062 for a duplicate, says nothing about the load. Nor does a full disk
/// or table (1021, 1114): fewer requests make no room there, and those that only read go on.
/// `None` for 0 and 1105, which is none in particular.
#[must_use]
pub fn outcome_of_mysql(number: u16) -> Option<Outcome> {
    Some(match number {
        0 | 1105 => return None,
        1040 | 1203 | 1226 | 1135 => Outcome::Overload,
        1037 | 1038 | 1041 | 1206 => Outcome::Overload,
        1205 | 3572 | 1213 | 1613 | 1614 | 3058 | 3101 => Outcome::Overload,
        1317 | 1969 | 3024 => Outcome::Overload,
        1042 | 1043 | 1129 | 2002 | 2003 => Outcome::Overload,
        1053 | 1152 | 1158..=1161 | 1184 | 1927 | 2006 | 2012 | 2013 | 2055 | 4031 => {
            Outcome::Overload
        }
        _ => Outcome::Ignore,
    })
}

/// What a result code of SQLite, primary or extended, says about the load.
///
/// An overload are `BUSY` (5), `LOCKED` (6), `NOMEM` (7), `INTERRUPT` (9), `IOERR` (10),
/// `CANTOPEN` (14) and `PROTOCOL` (15). Any other, such as `CONSTRAINT` (19) or, for a full
/// disk, `FULL` (13), says nothing about the load. `None` for what is no error.
#[must_use]
pub fn outcome_of_sqlite(code: i32) -> Option<Outcome> {
    Some(match code & 0xff {
        0 | 100 | 101 => return None,
        5 | 6 | 7 | 9 | 10 | 14 | 15 => Outcome::Overload,
        _ => Outcome::Ignore,
    })
}

/// By the code with which MySQL's clients and sqlx begin the text of an error, such as
/// `1205 (HY000): …` or `ERROR 1205 (HY000): …` or `(code: 5) …`.
pub(crate) fn outcome_of_text(text: &str) -> Option<Outcome> {
    let text = BEFORE.iter().fold(text, |text, before| text.strip_prefix(before).unwrap_or(text));
    if let Some(code) = text.strip_prefix("(code: ") {
        return outcome_of_sqlite(code.split_once(')')?.0.parse().ok()?);
    }
    let (number, rest) = text.split_once(" (")?;
    let (state, _) = rest.split_once("): ")?;
    let number = number.parse().ok().filter(|number| *number >= 1000)?;
    let outcome = outcome_of_sqlstate(state);
    if outcome.is_some() || state == "HY000" { outcome_of_mysql(number).or(outcome) } else { None }
}

const BEFORE: [&str; 3] = ["error returned from database: ", "Server error: `", "ERROR "];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OVERLOAD: Option<Outcome> = Some(Outcome::Overload);
    const IGNORE: Option<Outcome> = Some(Outcome::Ignore);

    #[test]
    fn a_sqlstate_is_judged_by_its_class() {
        for code in [
            "08000", "08006", "08S01", "53300", "53200", "57P01", "57P02", "57P03", "57014",
            "55P03", "40001", "40P01", "25P04", "58030", "70100",
        ] {
            assert_eq!(outcome_of_sqlstate(code), OVERLOAD, "{code}");
        }
        for code in
            ["00000", "02000", "23505", "23000", "42601", "42P01", "22P02", "40002", "25P02"]
        {
            assert_eq!(outcome_of_sqlstate(code), IGNORE, "{code}");
        }
        for code in ["", "HY000", "5", "2067", "08 06", "0800ß", "080000"] {
            assert_eq!(outcome_of_sqlstate(code), None, "{code}");
        }
    }

    #[test]
    fn a_number_of_mysql_is_judged_by_itself() {
        for number in [
            1040, 1203, 1205, 1213, 1226, 2006, 2013, 1053, 1317, 1927, 1969, 3024, 1129, 1041,
            1159,
        ] {
            assert_eq!(outcome_of_mysql(number), OVERLOAD, "{number}");
        }
        for number in [1062, 1064, 1146, 1452, 1044, 1162] {
            assert_eq!(outcome_of_mysql(number), IGNORE, "{number}");
        }
        assert_eq!(outcome_of_mysql(1105), None);
    }

    #[test]
    fn a_code_of_sqlite_is_judged_by_its_primary_code() {
        for code in [5, 261, 517, 6, 262, 10, 266, 3338] {
            assert_eq!(outcome_of_sqlite(code), OVERLOAD, "{code}");
        }
        for code in [1, 19, 787, 1555, 2067] {
            assert_eq!(outcome_of_sqlite(code), IGNORE, "{code}");
        }
        assert_eq!(outcome_of_sqlite(101), None);
    }

    #[test]
    fn a_full_disk_says_nothing_about_the_load_and_no_memory_does() {
        assert_eq!(outcome_of_sqlstate("53100"), IGNORE);
        assert_eq!(outcome_of_sqlstate("53400"), IGNORE, "over a limit of its own");
        assert_eq!(outcome_of_sqlstate("53200"), OVERLOAD);
        for full in [1021, 1114] {
            assert_eq!(outcome_of_mysql(full), IGNORE, "{full}");
        }
        assert_eq!(outcome_of_mysql(1037), OVERLOAD);
        assert_eq!(outcome_of_text("1114 (HY000): The table 'orders' is full"), IGNORE);
        assert_eq!((outcome_of_sqlite(13), outcome_of_sqlite(7)), (IGNORE, OVERLOAD));
    }

    #[test]
    fn the_code_is_found_where_a_text_begins_with_it() {
        for (text, outcome) in [
            ("1205 (HY000): Lock wait timeout exceeded; try restarting", OVERLOAD),
            ("error returned from database: 1062 (23000): Duplicate entry 'timeout'", IGNORE),
            ("Server error: `ERROR 1040 (08004): Too many connections'", OVERLOAD),
            ("1105 (08S01): something with the connection", OVERLOAD),
            ("(code: 5) database is locked", OVERLOAD),
            ("error returned from database: (code: 2067) UNIQUE constraint failed", IGNORE),
            ("(code: five) database is locked", None),
            ("deadlock detected", None),
            ("70000 (HY000): no such number", None),
            ("12 (of 13): failed", None),
        ] {
            assert_eq!(outcome_of_text(text), outcome, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in "(ERROR |\\(code: )?\\PC{0,20}") {
            let _ = (outcome_of_text(&text), outcome_of_sqlstate(&text));
        }
    }
}
