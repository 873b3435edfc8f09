//! Before a service stops.

use super::Admission;

impl Admission {
    /// Refuses what comes from now on, so that what is in flight can finish before the service
    /// stops: for [`Reason::Draining`](crate::Reason::Draining), which is 503 or `UNAVAILABLE`
    /// with a wait of 1 s to 3 s, at which load balancers and clients go elsewhere. Over HTTP/1.1
    /// a refusal has its connection closed. Who waits already gets a place, or the refusal that
    /// is due, within the [longest wait](crate::ConcurrencyLimit::max_wait); whoever is in flight
    /// goes on, and gets connections as before. The exempt come in as before, so that a health
    /// page can tell: `is_draining` is what it says no for.
    ///
    /// Fallbacks and kept answers stand in for these refusals, too. It refuses also where all
    /// gates [only report](crate::AdmissionBuilder::report_only), since somebody wants it so.
    /// Called again, it goes on.
    ///
    /// ```
    /// use std::time::Duration;
    /// use brownout::{Admission, Class, Reason};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let admission = Admission::builder().build()?;
    /// admission.drain();
    /// let refused = admission.acquire(&Class::default()).await.expect_err("it drains");
    /// assert_eq!(refused.reason(), Reason::Draining);
    /// if tokio::time::timeout(Duration::from_secs(20), admission.drained()).await.is_err() {
    ///     println!("these did not finish: {}", admission.snapshot());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// In a server of axum:
    ///
    /// ```no_run
    /// # #[cfg(feature = "axum")] mod shop {
    /// # use std::time::Duration;
    /// # use brownout::Admission;
    /// async fn serve(app: axum::Router, admission: Admission) -> std::io::Result<()> {
    ///     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    ///     let stop = async move {
    ///         let _ = tokio::signal::ctrl_c().await; // or whatever ends it
    ///         admission.drain();
    ///         let _ = tokio::time::timeout(Duration::from_secs(20), admission.drained()).await;
    ///     };
    ///     axum::serve(listener, app).with_graceful_shutdown(stop).await
    /// }
    /// # }
    /// ```
    pub fn drain(&self) {
        self.gates.drain();
    }

    /// Calls the [drain](Self::drain) off: requests are admitted again. Without one, nothing
    /// happens.
    pub fn resume(&self) {
        self.gates.resume();
    }

    /// Whether it [drains](Self::drain).
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.gates.is_draining()
    }

    /// Done when it [drains](Self::drain) and nothing is in flight or waits, to within 10 ms:
    /// no request, to the end of its body, no permit that was [acquired](Self::acquire), and no
    /// query that the database still does for a client that has left. While nobody drains, it is
    /// not done. Put a timeout around it: it waits for as long as a request takes.
    ///
    /// It does not wait for the exempt, for refusals that are on their way to their clients, or
    /// for a fallback: those the server finishes, which is to be shut down after this.
    ///
    /// # Panics
    ///
    /// When it has to wait outside a tokio runtime with time enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropping it changes nothing; the drain goes on.
    pub async fn drained(&self) {
        self.gates.drained().await;
    }
}
