//! Ends a rehearsal early, and cleanly.

use std::sync::Arc;

use tokio::signal::ctrl_c;
use tokio::sync::watch::{Receiver, Sender, channel};

/// Clones stop together.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    sender: Arc<Sender<bool>>,
    receiver: Receiver<bool>,
}

impl Stop {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = channel(false);
        Self { sender: Arc::new(sender), receiver }
    }

    /// Stops at Ctrl-C.
    pub(crate) fn at_interrupt() -> Self {
        let stop = Self::new();
        let heard = stop.clone();
        tokio::spawn(async move {
            if ctrl_c().await.is_ok() {
                eprintln!("Interrupted: waiting for the answers that are on their way");
                heard.now();
            }
        });
        stop
    }

    pub(crate) fn now(&self) {
        self.sender.send_replace(true);
    }

    pub(crate) async fn wanted(&self) {
        // The sender lives as long as this.
        let _ = self.receiver.clone().wait_for(|stop| *stop).await;
    }
}
