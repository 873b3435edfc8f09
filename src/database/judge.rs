//! Who says what an error means, in order.

use std::{error::Error, io, iter, sync::OnceLock};

use super::{Database, fault::outcome_of_error};
use crate::outcome::Outcome;

/// The last word on any error.
pub(super) type JudgeError = Box<dyn Fn(&(dyn Error + 'static)) -> Outcome + Send + Sync>;

/// What somebody knows about an error, if anything.
pub(super) type Recognise = Box<dyn Fn(&(dyn Error + 'static)) -> Option<Outcome> + Send + Sync>;

/// What a driver's own edge knows about its errors.
pub(crate) type Driver = fn(&(dyn Error + 'static)) -> Option<Outcome>;

/// Those who know something are asked first, then who has the last word: the owner, or
/// the driver and then the words of the error.
#[derive(Default)]
pub(super) struct Judges {
    pub(super) known: Vec<Recognise>,
    pub(super) owner: Option<JudgeError>,
    pub(super) driver: OnceLock<Driver>,
}

impl Judges {
    pub(super) fn judge(&self, error: &(dyn Error + 'static)) -> Outcome {
        let known = self.known.iter().find_map(|known| chain(error).find_map(known));
        let owner = || self.owner.as_ref().map(|owner| owner(error));
        let driver = || self.driver.get().and_then(|driver| chain(error).find_map(driver));
        known.or_else(owner).or_else(driver).unwrap_or_else(|| outcome_of_error(error))
    }
}

impl Database {
    /// Has the edge of a driver say what its errors mean, where their owner does not. The
    /// first one stays.
    #[cfg_attr(not(feature = "sqlx"), allow(dead_code, reason = "its wrapper knows a driver"))]
    pub(crate) fn recognise(&self, driver: Driver) {
        self.0.judges.driver.get_or_init(|| driver);
    }
}

/// The error, and what caused it.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| source(*error))
}

/// An I/O error leaves out what it wraps, and names the source of that as its own.
fn source<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as _).or_else(|| error.source())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Database;

    fn overload(_: &(dyn Error + 'static)) -> Option<Outcome> {
        Some(Outcome::Overload)
    }

    fn nothing() -> io::Error {
        io::Error::other("nothing in particular")
    }

    #[test]
    fn the_driver_is_asked_before_the_words_and_after_the_owner() {
        let db = Database::new("shop");
        assert_eq!(db.judge(&nothing()), Outcome::Ignore);
        db.recognise(overload);
        assert_eq!(db.judge(&nothing()), Outcome::Overload);
        let db = Database::builder("shop").judge(|_| Outcome::Ignore).build().expect("it is valid");
        db.recognise(overload);
        assert_eq!(db.judge(&nothing()), Outcome::Ignore);
    }

    #[test]
    fn who_recognises_an_error_goes_first_however_deep_it_is() {
        let known = |error: &(dyn Error + 'static)| {
            let io = error.downcast_ref::<io::Error>()?;
            (io.kind() == io::ErrorKind::NotFound).then_some(Outcome::Overload)
        };
        let builder = Database::builder("shop").slow_after(Duration::from_secs(1));
        let db = builder.judge(|_| Outcome::Ignore).recognise(known).build().expect("it is valid");
        let deep = io::Error::other(io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(db.judge(&deep), Outcome::Overload);
        assert_eq!(db.judge(&nothing()), Outcome::Ignore, "left to the judge");
    }
}
