//! The figures as a page of the documentation.

use std::fs;
use std::path::Path;

use crate::trial::failure::{Failure, Result};

/// Writes the page.
pub(crate) fn write(path: &Path, rate: f64, sections: &[String]) -> Result<()> {
    let page = format!("{}\n{}", head(rate), sections.join("\n"));
    fs::write(path, page)
        .map_err(|error| Failure::new(format!("--markdown {}: {error}", path.display())))
}

fn head(rate: f64) -> String {
    format!(
        "# When the database goes wrong

Throw-away servers on loopback under a small shop, {rate:.0} requests/s that come whatever
happens: 30 % need no database, 35 % are product pages (normal), 15 % searches (sheddable),
20 % checkouts (critical; they do not touch the products). Customers wait 2 s; only who buys
asks a second time. What stands here is printed by `cargo run --release --example faults`;
`--markdown` writes it.

- *lock*: another connection holds a lock on the table of products for 10 s.
- *freeze*: every process of the server stands still for 5 s (SIGSTOP).
- *restart*: the server crashes, and is started again after 3 s.
- *kill*: all of the shop's connections are cut, every 500 ms for 2 s.
- *slow-queries*: 150 bulk clients who want it at once send searches of 2 s each, for 10 s.
- *connections*: the shop's connections are cut, and another client takes all that the server
  has, for 5 s.
- *latency*: the network takes 20 ms longer, there and back, for 5 s.
- *loss*: of 20 pieces that are sent one is lost and comes again after 200 ms, and of 200 one
  resets its connection, for 5 s.
- *silence*: for 2.5 s the network swallows all answers, for 2.5 s all that is sent; nobody is
  told, and then all connections are reset.
- *half-open*: on the connections that there are, it swallows all that is sent for 5 s, and
  nobody is told; new ones are well.
- *refused*: the connections are reset, and new ones refused, for 5 s.
- *name*: the server's name is unknown for 5 s, and the shop's connections are cut.
- *password*: the shop's password is another for 5 s, and its connections are cut.
- *disk-full*: for 5 s orders find no room on the disk (SQLSTATE 53100, error 1114).
- *leak*: a handler keeps connections for which it has no use, all 20 of the pool, for 5 s.

✓ is a goal that is met, BROKEN a promise that no slow machine excuses. *Begun* counts the
requests that got a connection in the busiest 100 ms after the fault, against twice the usual
and the limit before it. Checkouts in doubt are asked for afterwards.
"
    )
}
