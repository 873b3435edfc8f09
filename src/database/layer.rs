//! A downstream that is itself a Tower service.

use tower::Layer;

use super::{
    Database, Statement,
    errors::{JudgeBoxedErrors, JudgeErrors},
    service::QueryService,
};

/// Times each call of a service as a query of a database. Made by [`Database::layer`] and
/// [`Statement::layer`]. Cheap to clone.
///
/// It measures, and lets everything through: put it around the client of the downstream,
/// and a gate in front of your own service.
///
/// ```
/// use brownout::{Admission, Database};
/// use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let stock = Database::new("stock");
/// let admission = Admission::builder().protect(&stock).build()?;
///
/// # let client = service_fn(async |item: u32| Ok::<_, std::io::Error>(item + 1));
/// let client = ServiceBuilder::new().layer(stock.layer()).service(client);
/// client.oneshot(41).await?;
/// assert_eq!(stock.snapshot().finished, 1);
/// # Ok(()) }
/// ```
///
/// A call lasts from `call` to the result. For HTTP that is the head of the response:
/// what its body takes is not in it. Nor is the wait until the service is ready, and a
/// service that fails to become ready is no call. Where a client waits there for its
/// connection, put the layer around
/// `service_fn(move |request| client.clone().oneshot(request))`, which is always ready and
/// waits in the call.
///
/// An error is judged by the database's own [`judge`](super::DatabaseBuilder::judge) if it
/// is a [`std::error::Error`]; of other errors, and of responses that are errors in
/// disguise, tell more:
///
/// | errors | |
/// |---|---|
/// | are a `std::error::Error` | as it is |
/// | are a `BoxError`, or `anyhow`'s | [`boxed_errors`](Self::boxed_errors) |
/// | are an HTTP status, or gRPC's | [`http`](Self::http) (feature `http`) |
/// | are anything else | [`judge`](Self::judge) |
#[derive(Clone, Debug)]
#[must_use]
pub struct QueryLayer<N = Statement, J = JudgeErrors> {
    database: Database,
    naming: N,
    judge: J,
}

impl QueryLayer {
    fn new(statement: Statement) -> Self {
        let database = statement.database.clone();
        Self { judge: JudgeErrors(database.clone()), naming: statement, database }
    }
}

impl<N, J> QueryLayer<N, J> {
    /// Tells requests apart by a name, which is that of a [`Statement`]: up to 100 are
    /// kept, so name the kind of the request, such as a gRPC method, and never a path
    /// with a number in it.
    ///
    /// ```
    /// # use brownout::Database;
    /// # let stock = Database::new("stock");
    /// struct Call { method: &'static str }
    ///
    /// let layer = stock.layer().statement(|call: &Call| call.method);
    /// ```
    pub fn statement<F, Req>(self, name: F) -> QueryLayer<ByRequest<F>, J>
    where
        F: Fn(&Req) -> &str,
    {
        let Self { database, judge, .. } = self;
        QueryLayer { naming: ByRequest { database: database.clone(), name }, database, judge }
    }

    /// Judges errors that hold a [`std::error::Error`] and are none: `tower::BoxError`,
    /// `anyhow::Error`.
    pub fn boxed_errors(self) -> QueryLayer<N, JudgeBoxedErrors> {
        let judge = JudgeBoxedErrors(self.database.clone());
        self.judge(judge)
    }

    /// Tells what a result says about the load: a closure from `&Result` to
    /// [`Outcome`](crate::Outcome). Cloned with each call.
    pub fn judge<K>(self, judge: K) -> QueryLayer<N, K> {
        self.map_judge(|_| judge)
    }

    pub(crate) fn map_judge<K>(self, judge: impl FnOnce(J) -> K) -> QueryLayer<N, K> {
        let Self { database, naming, judge: inner } = self;
        QueryLayer { database, naming, judge: judge(inner) }
    }
}

impl<S, N, J> Layer<S> for QueryLayer<N, J>
where
    N: Clone,
    J: Clone,
{
    type Service = QueryService<S, N, J>;

    fn layer(&self, inner: S) -> Self::Service {
        QueryService::new(inner, self.naming.clone(), self.judge.clone())
    }
}

/// Tells which statement a request is. A [`Statement`] is its own answer.
pub trait StatementOf<Req> {
    /// The statement of `request`.
    fn statement_of(&self, request: &Req) -> Statement;
}

impl<Req> StatementOf<Req> for Statement {
    fn statement_of(&self, _request: &Req) -> Statement {
        self.clone()
    }
}

/// Tells the statement by what a closure says of the request. Made by
/// [`QueryLayer::statement`].
#[derive(Clone, Debug)]
pub struct ByRequest<F> {
    database: Database,
    name: F,
}

impl<F, Req> StatementOf<Req> for ByRequest<F>
where
    F: Fn(&Req) -> &str,
{
    fn statement_of(&self, request: &Req) -> Statement {
        self.database.statement((self.name)(request))
    }
}

impl Database {
    /// A layer for the client of a downstream that is a Tower service: each call is a
    /// query of this database.
    pub fn layer(&self) -> QueryLayer {
        QueryLayer::new(self.unnamed())
    }
}

impl Statement {
    /// Like [`Database::layer`], with all calls by this name.
    pub fn layer(&self) -> QueryLayer {
        QueryLayer::new(self.clone())
    }
}
