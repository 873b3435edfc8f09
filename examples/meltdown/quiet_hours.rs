//! What went before the run: the shop has been open for a while.
//!
//! Nobody tells the guard which pages need no database. It learns that of a route from
//! fifty of its requests, and until then takes it for one that needs the database. The calm
//! of a run is too short for the pages that are rarely asked for; a shop that is surprised
//! by a campaign has had hours. In hours everything popular has been asked for, too, so that
//! there are copies of it where any are kept. Without a guard they are asked for all the
//! same.

use std::collections::HashSet;
use std::time::Duration;

use crate::client::Customers;
use crate::errand::{Errand, Errands};
use crate::mix::Route;
use crate::terminal::failure::{Failure, Result};

/// Requests for each page, one after the other.
const EACH: usize = 60;

/// The pages of which there is but one; a checkout would have to be in the ledger.
const PAGES: [Route; 2] = [Route::Health, Route::Home];

/// How many customers ask for what is popular at a time.
const AT_ONCE: usize = 2;

/// Asks for each page often enough to be known, then once for each that is popular. Returns
/// the paths that were asked for.
pub(crate) async fn pass(customers: &Customers, mut errands: Errands) -> Result<HashSet<String>> {
    // One at a time: equal requests at the same time would reach the guard as one.
    let pages = PAGES.into_iter().flat_map(|page| [page; EACH]);
    let pages = pages.map(|page| errands.to(page, Duration::ZERO)).collect();
    visit(customers.clone(), pages).await?;
    let popular = errands.popular();
    let visitors: Vec<_> = (0..AT_ONCE)
        .map(|first| {
            let own = popular.iter().skip(first).step_by(AT_ONCE).cloned().collect();
            tokio::spawn(visit(customers.clone(), own))
        })
        .collect();
    for visitor in visitors {
        visitor.await.expect("customers do not panic")?;
    }
    Ok(popular.into_iter().map(|errand| errand.path).collect())
}

async fn visit(customers: Customers, errands: Vec<Errand>) -> Result<()> {
    for errand in errands {
        let replies = customers.insist(&errand).await;
        let answer = replies.last().expect("there is a first attempt").answer;
        if !answer.is_success() {
            let path = errand.path;
            return Err(Failure::new(format!("before the surge: {path} answered {answer}")));
        }
    }
    Ok(())
}
