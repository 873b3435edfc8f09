//! Two who hear of the same queries.

use std::sync::Arc;

use crate::{
    class::{Downstream, Needs},
    control::{
        meter::Call,
        witness::{Ended, Witness},
    },
};

/// Of a visit inside of another, which tells of its own end itself.
pub(super) struct Both {
    pub(super) outer: Arc<dyn Witness>,
    pub(super) own: Arc<dyn Witness>,
}

impl Witness for Both {
    fn start(&self, database: Downstream, call: &Call) {
        self.outer.start(database, call);
        self.own.start(database, call);
    }

    fn end(&self, database: Downstream, call: &Call, ended: &Ended) {
        self.outer.end(database, call, ended);
        self.own.end(database, call, ended);
    }

    fn tell(&self, database: Downstream, call: &Call, ended: &Ended) {
        self.outer.tell(database, call, ended);
        self.own.tell(database, call, ended);
    }

    fn visited(&self, touched: Needs) {
        self.own.visited(touched);
    }
}
