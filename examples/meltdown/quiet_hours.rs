//! What went before the run: the shop has been open for a while.
//!
//! Nobody tells the guard which pages need no database. It learns that of a route from
//! fifty of its requests, and until then takes it for one that needs the database. The calm
//! of a run is too short for the pages that are rarely asked for; a shop that is surprised
//! by a campaign has had hours. Without a guard they are asked for all the same.

use std::time::Duration;

use crate::client::Customers;
use crate::errand::Errands;
use crate::failure::{Failure, Result};
use crate::mix::Route;

/// Requests for each page, one after the other.
const EACH: usize = 60;

/// The cheap pages that everybody looks at; a checkout would have to be in the ledger.
const PAGES: [Route; 3] = [Route::Health, Route::Home, Route::Product];

/// Asks for each page often enough to be known.
pub(crate) async fn pass(customers: &Customers, mut errands: Errands) -> Result<()> {
    for page in PAGES.into_iter().flat_map(|page| [page; EACH]) {
        let errand = errands.to(page, Duration::ZERO);
        let answer = customers.attempt(&errand).await;
        if !answer.is_success() {
            let path = errand.path;
            return Err(Failure::new(format!("before the surge: {path} answered {answer}")));
        }
    }
    Ok(())
}
