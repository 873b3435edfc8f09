//! A permit that is given back after a time, whether or not anybody looks.

use std::{
    fmt, mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{task::AbortHandle, time::sleep};

use crate::{
    class::Needs, control::witness::Attendance, gate::Finish, lock::lock, outcome::Sample,
};

/// A permit for so long at most. What it says to queries stays when it is gone.
pub struct Lent<H> {
    permit: Arc<Mutex<Loan<H>>>,
    /// A task and not a timer in the body: a body is not polled while its client does not read.
    end: AbortHandle,
}

enum Loan<H> {
    Running(H),
    /// The queries that are sent from now on are those of a request that holds nothing.
    Over(Option<Attendance>),
}

impl<H: Finish> Lent<H> {
    pub(super) fn new(permit: H, time: Duration) -> Self {
        let permit = Arc::new(Mutex::new(Loan::Running(permit)));
        let own = Arc::clone(&permit);
        let end = tokio::spawn(async move {
            sleep(time).await;
            give_back(&own);
        });
        Self { permit, end: end.abort_handle() }
    }
}

fn give_back<H: Finish>(loan: &Mutex<Loan<H>>) {
    let mut own = lock(loan);
    let Loan::Running(permit) = &*own else { return };
    let attendance = permit.attends().then(|| {
        let mut attendance = Attendance::default();
        permit.attend(&mut attendance);
        if !attendance.class.exempt {
            attendance.covered = Needs::Learned;
        }
        attendance
    });
    let over = mem::replace(&mut *own, Loan::Over(attendance));
    // Whoever gets the place may run at once, and need not find the lock taken.
    drop(own);
    drop(over);
}

impl<H: Finish> Finish for Lent<H> {
    fn finish(&mut self, sample: &Sample) {
        if let Loan::Running(permit) = &mut *lock(&self.permit) {
            permit.finish(sample);
        }
    }

    fn attends(&self) -> bool {
        match &*lock(&self.permit) {
            Loan::Running(permit) => permit.attends(),
            Loan::Over(attendance) => attendance.is_some(),
        }
    }

    fn attend(&self, attendance: &mut Attendance) {
        match &*lock(&self.permit) {
            Loan::Running(permit) => permit.attend(attendance),
            Loan::Over(Some(own)) => attendance.clone_from(own),
            Loan::Over(None) => {}
        }
    }
}

impl<H> Drop for Lent<H> {
    fn drop(&mut self) {
        self.end.abort();
        // Now, and not when the task is gone.
        let over = mem::replace(&mut *lock(&self.permit), Loan::Over(None));
        drop(over);
    }
}

impl<H> fmt::Debug for Lent<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = matches!(*lock(&self.permit), Loan::Over(_));
        f.debug_struct("Lent").field("is_over", &is_over).finish()
    }
}
