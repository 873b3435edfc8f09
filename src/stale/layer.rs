//! The layer and its settings.

use std::{fmt, sync::Arc, time::Duration};

use http::HeaderName;
use tower::Layer;

use super::{
    keeper::{Keeper, Shared},
    rest::{Dropped, InBackground},
    service::StaleService,
    settings::Settings,
    snapshot::StaleSnapshot,
};

/// Keeps the last good answers, and serves them where there is nothing better: where a gate
/// inside [refuses](crate::Rejection) (for a quota only if [told](Self::over_quota)), the service
/// answers with 502, 503 or 504 or with an error, or, if told, [takes too long](Self::within). As
/// long as all is well, the service is asked first, and its answer goes through as it is, frame by
/// frame.
///
/// ```
/// use axum::{Router, http::header, routing::get};
/// use brownout::{Admission, Database, StaleLayer};
///
/// let db = Database::new("shop");
/// let admission = Admission::builder().protect(&db).build()?;
/// // For everybody, also for those who are logged in.
/// let public = [(header::CACHE_CONTROL, "public, max-age=5")];
/// let app: Router = Router::new()
///     .route("/products", get(async move || (public, "all of them")))
///     .layer(admission.layer())
///     // Outside of what refuses, so below it.
///     .layer(StaleLayer::new());
/// # let _ = app;
/// # Ok::<(), brownout::InvalidConfig>(())
/// ```
///
/// With more of a cache's work, so that a page that everybody wants costs the database one
/// query every five seconds:
///
/// ```
/// use std::time::Duration;
/// use brownout::StaleLayer;
///
/// let layer = StaleLayer::new()
///     .fresh()
///     .coalesce()
///     .in_background()
///     .within(Duration::from_millis(300))
///     .max_stale(Duration::from_secs(24 * 3600))
///     .max_bytes(256 * 1024 * 1024)
///     .personal_cookies(["session"]);
/// assert_eq!(layer.snapshot().pages, 0);
/// ```
///
/// # What is kept
///
/// What a shared cache may store by RFC 9111, of answers to `GET` that say what there is or
/// that there is nothing (2xx, redirects, 404, 410); `HEAD` is answered from them. Never kept
/// is an answer with `Set-Cookie`, with `Cache-Control: private`, `no-store` or `no-cache`,
/// with `Vary: *`, or one that was not whole. Requests pass untouched that have `Range`,
/// `If-Match`, `If-Unmodified-Since`, a body, `Upgrade` or `Cache-Control: no-store`. A
/// request that changes its page (`PUT`, `POST`, …) makes the layer forget that page when it
/// succeeds.
///
/// An answer without any `Cache-Control` is kept, as the RFC allows, and served in trouble
/// alone.
///
/// # Never one user's answer to another
///
/// A request with `Authorization`, `Proxy-Authorization` or `Cookie` is one person's. Its
/// answer is kept, and it is answered from what is kept, only where the kept answer says
/// `public` or `s-maxage`, or `Vary` names the header (which is not enough for
/// `Authorization`). So in a shop with sessions, say `public` on the pages that are the same
/// for everybody; or name the cookies that matter by
/// [`personal_cookies`](Self::personal_cookies). By what other header you tell people apart,
/// say by [`personal_header`](Self::personal_header).
///
/// What this layer cannot see, such as an address, a certificate or an extension of the
/// request, it cannot tell apart: there the answer has to say `private`. As in front of any
/// cache, `Vary` has to name each header that the answer depends on.
///
/// # How long
///
/// In trouble an answer serves for as long after its freshness as its own `stale-if-error`
/// says (RFC 5861), or else for an hour ([`max_stale`](Self::max_stale)); never if it says
/// `must-revalidate`, `proxy-revalidate` or `s-maxage`, as the RFC has it. One that names
/// `stale-if-error` also stands in for a 500. A client that sends `Cache-Control: no-cache`
/// gets none that was kept; one that sends `max-age=0`, as a browser does to reload, gets it
/// in trouble.
///
/// # How it looks
///
/// An answer that was kept has an `Age`, and a `Cache-Status` (RFC 9211) that says why, as
/// `brownout; hit; ttl=-12; detail=circuit_open` for one that is stale for 12 seconds and
/// stands in for a refusal. What a service that was asked has failed with is there as
/// `fwd=stale; fwd-status=503`. It has no `Warning`, which RFC 9111 has made obsolete, no
/// `Server-Timing`, and nothing of anybody's quotas. It holds no permit.
///
/// # What it does not do
///
/// * Ask with conditions (`If-None-Match`) for what it has: it asks for the whole, and a 304
///   of the service to a client that did so passes through. From what is kept, such a client
///   gets a 304 too.
/// * Serve parts (206), and `only-if-cached`.
/// * Keep the answer of a [fallback](crate::FallbackLayer) inside. That passes, unless
///   [told otherwise](Self::over_fallback) or where it is itself a 502, 503 or 504. Let it say
///   `no-store`, for the caches of others.
/// * Bound the copies of answers that are on their way: each is up to `max_body` long.
///
/// The state is made here and shared by all clones. Without the feature `axum`, give each
/// nested router a layer of its own: they take their prefix off the path.
#[derive(Clone)]
#[must_use]
pub struct StaleLayer<R = Dropped> {
    pub(super) keeper: Keeper,
    rest: R,
}

impl StaleLayer {
    /// A layer that keeps nothing yet, and serves in trouble alone.
    pub fn new() -> Self {
        let settings = Settings::default();
        let shared = Shared::new(settings.max_bytes, settings.max_body);
        Self { keeper: Keeper { settings: settings.into(), shared: shared.into() }, rest: Dropped }
    }
}

impl Default for StaleLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> StaleLayer<R> {
    /// Answers that are still fresh are served without asking. Default: the service is
    /// asked.
    pub fn fresh(self) -> Self {
        self.set(|settings| settings.fresh = true)
    }

    /// Of equal requests at the same time one asks, and the others take its answer, if it may
    /// be kept, is theirs too and does not say that it is stale from the start
    /// (`max-age=0`). Otherwise each asks for itself when the head is there. Where the one
    /// fails, all get what is kept; where it leaves, another asks in its place. They wait up
    /// to 5 seconds for the head and one for the body, then each asks for itself. Default:
    /// all ask.
    ///
    /// A request that is one person's takes part once there is a kept answer for everybody.
    pub fn coalesce(self) -> Self {
        self.set(|settings| settings.coalesce = true)
    }

    /// A call goes on when nobody waits for it any more, so that its answer is kept: when it
    /// took [too long](Self::within), or where an answer's `stale-while-revalidate` (RFC 5861)
    /// lets it serve while it is asked for anew, which takes [`fresh`](Self::fresh) too.
    /// Default: it is dropped.
    ///
    /// The service's future and body have to be `Send` and `'static`, and go on in a task of
    /// tokio, for up to a minute. A permit of theirs they hold as long.
    pub fn in_background(self) -> StaleLayer<InBackground> {
        StaleLayer { keeper: self.keeper, rest: InBackground }
    }

    /// Who has waited for the head of an answer for so long gets what is kept, if anything
    /// is. Default: there is no such bound.
    ///
    /// Without [`in_background`](Self::in_background) the call is dropped then. So give it more
    /// time than [`max_wait`](crate::ConcurrencyLimit::max_wait) lets a request wait in a queue
    /// inside, which is 400 ms by default, and than the page takes afterwards. Otherwise who is
    /// admitted late is cut short: queries that are cancelled count against the limit, which
    /// falls, and who left the queue is counted as neither admitted nor refused.
    pub fn within(self, time: Duration) -> Self {
        self.set(|settings| settings.within = Some(time))
    }

    /// What is refused for a quota (429) is answered from what is kept too, so that the client
    /// does not learn of it. Default: it is not.
    pub fn over_quota(self) -> Self {
        self.set(|settings| settings.over_quota = true)
    }

    /// What a [fallback](crate::FallbackLayer) inside has answered is answered from what is
    /// kept too, so that the fallback, which is asked nevertheless, is for what is not kept.
    /// Default: the fallback's answer passes.
    pub fn over_fallback(self) -> Self {
        self.set(|settings| settings.over_fallback = true)
    }

    /// For how long after its freshness an answer serves in trouble, if it does not say so
    /// itself with `stale-if-error`. Default: an hour. Zero: only those that do.
    pub fn max_stale(self, time: Duration) -> Self {
        self.set(|settings| settings.max_stale = time)
    }

    /// How many bytes all answers may take together, with their heads and keys. Those that
    /// are asked for less give way. Default: 64 MiB. Zero: nothing is kept.
    ///
    /// The layer starts with nothing kept; clones made before keep what they have.
    pub fn max_bytes(self, bytes: u64) -> Self {
        self.set(|settings| settings.max_bytes = bytes).anew()
    }

    /// How many bytes a body may have to be kept; longer ones pass. Default: 256 KiB.
    ///
    /// The layer starts with nothing kept; clones made before keep what they have.
    pub fn max_body(self, bytes: usize) -> Self {
        self.set(|settings| settings.max_body = bytes).anew()
    }

    /// How many variants of one page (`Vary`) are kept, the newest. Default: 8; at least 1.
    pub fn max_variants(self, variants: usize) -> Self {
        self.set(|settings| settings.max_variants = variants)
    }

    /// Only these cookies make a request one person's; none does, if none are named. Default:
    /// any cookie does.
    pub fn personal_cookies<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        self.set(|settings| settings.personal.cookies(names))
    }

    /// This header makes a request one person's too, such as the key of an API.
    pub fn personal_header(self, name: HeaderName) -> Self {
        self.set(|settings| settings.personal.header(name))
    }

    /// What it keeps now, and what it has served so far.
    #[must_use]
    pub fn snapshot(&self) -> StaleSnapshot {
        self.keeper.shared.tally.snapshot(&self.keeper.shared.store)
    }

    /// Forgets all that is kept, also what is on its way now. The counts stay.
    pub fn clear(&self) {
        self.keeper.shared.store.clear();
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.keeper.settings));
        self
    }

    fn anew(mut self) -> Self {
        let Settings { max_bytes, max_body, .. } = *self.keeper.settings;
        self.keeper.shared = Shared::new(max_bytes, max_body).into();
        self
    }
}

impl<S, R: Clone> Layer<S> for StaleLayer<R> {
    type Service = StaleService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        StaleService::new(inner, self.clone())
    }
}

impl<R: fmt::Debug> fmt::Debug for StaleLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaleLayer")
            .field("settings", &self.keeper.settings)
            .field("snapshot", &self.snapshot())
            .field("rest", &self.rest)
            .finish()
    }
}
