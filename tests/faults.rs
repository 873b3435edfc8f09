//! What goes wrong with a real server, started for it: the promises that hold on whatever
//! machine.

#![cfg(all(feature = "axum", feature = "sqlx"))]

#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../examples/faults/trial/mod.rs"]
mod trial;

use std::time::Duration;

use trial::Stage;
use trial::course::Course;
use trial::dialect::Dialect;
use trial::fault::Fault;

/// Pages without a database answer, no checkout is lost or doubled, no permit leaks and
/// nothing panics, while this goes wrong and after.
async fn promises_hold(dialect: Dialect, fault: Fault) {
    let mut stage = Stage::set(dialect).await.expect("its binaries are installed");
    let findings = stage.play(fault, short(fault), true).await.expect("it is our server");
    let broken = findings.broken();
    assert!(broken.is_empty(), "{broken:?}, answers: {}", findings.answers());
}

/// As short as it may be to be felt.
fn short(fault: Fault) -> Course {
    let second = Duration::from_secs(1);
    let length = fault.length().min(4 * second);
    Course { warm_up: second, fault: length, after: 3 * second, rate: 100.0 }
}

macro_rules! faults {
    ($server:ident, $dialect:expr, $ignored:literal) => {
        mod $server {
            use super::*;

            faults!(@test a_locked_table, $dialect, Fault::Lock, $ignored);
            faults!(@test a_frozen_server, $dialect, Fault::Freeze, $ignored);
            faults!(@test a_crash_and_a_restart, $dialect, Fault::Restart, $ignored);
            faults!(@test connections_that_are_cut, $dialect, Fault::Kill, $ignored);
            faults!(@test slow_queries, $dialect, Fault::SlowQueries, $ignored);
            faults!(@test connections_that_another_takes, $dialect, Fault::Connections, $ignored);
        }
    };
    (@test $name:ident, $dialect:expr, $fault:expr, $ignored:literal) => {
        // The server ends with the thread, which is the test's own.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = $ignored]
        async fn $name() {
            promises_hold($dialect, $fault).await;
        }
    };
}

faults!(postgres, Dialect::Postgres, "needs PostgreSQL's binaries");
faults!(mariadb, Dialect::MariaDb, "needs MariaDB's binaries");
