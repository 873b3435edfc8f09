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

/// As short as it may be to be felt: a circuit opens within two seconds, and what is slow takes
/// as long.
fn short(fault: Fault) -> Course {
    let seconds = Duration::from_secs;
    let length = if fault.length() > seconds(5) { seconds(4) } else { seconds(2) };
    Course { warm_up: seconds(1), fault: length, after: seconds(2), rate: 100.0 }
}

/// One test for each server, in a module of its own.
macro_rules! on_both {
    ($(#[test] fn $name:ident() { $fault:expr })*) => {
        on_both!(@ postgres, Dialect::Postgres, "needs PostgreSQL's binaries", $($name $fault),*);
        on_both!(@ mariadb, Dialect::MariaDb, "needs MariaDB's binaries", $($name $fault),*);
    };
    (@ $server:ident, $dialect:expr, $ignored:literal, $($name:ident $fault:expr),*) => {
        mod $server {
            use super::*;

            $(
                // The server ends with the thread, which is the test's own.
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                #[ignore = $ignored]
                async fn $name() {
                    promises_hold($dialect, $fault).await;
                }
            )*
        }
    };
}

on_both! {
    #[test]
    fn a_locked_table() { Fault::Lock }

    #[test]
    fn a_frozen_server() { Fault::Freeze }

    #[test]
    fn a_crash_and_a_restart() { Fault::Restart }

    #[test]
    fn connections_that_are_cut() { Fault::Kill }

    #[test]
    fn slow_queries() { Fault::SlowQueries }

    #[test]
    fn connections_that_another_takes() { Fault::Connections }

    #[test]
    fn a_slow_network() { Fault::Latency }

    #[test]
    fn a_network_that_loses() { Fault::Loss }

    #[test]
    fn a_silent_network() { Fault::Silence }

    #[test]
    fn connections_that_are_half_open() { Fault::HalfOpen }

    #[test]
    fn connections_that_are_refused() { Fault::Refused }

    #[test]
    fn a_name_that_nobody_knows() { Fault::Name }

    #[test]
    fn another_password() { Fault::Password }

    #[test]
    fn a_full_disk() { Fault::DiskFull }

    #[test]
    fn connections_that_the_shop_keeps() { Fault::Leak }
}
