//! The four layers by name, and how each is made.

use super::{GateLayer, Http};
use crate::{
    class::Class,
    config::InvalidConfig,
    database::Database,
    gate::{
        BreakerGate, CircuitBreaker, ConcurrencyGate, ConcurrencyLimit, Gates, Quota, RateGate,
        RateLimit,
    },
};

/// An adaptive concurrency limit in front of a service. See [`ConcurrencyLimit`] for
/// its settings and [`GateLayer`] for the methods.
pub type ConcurrencyLimitLayer<C = Class, P = Http> = GateLayer<ConcurrencyGate, C, P>;

/// A rate limit in front of a service. See [`RateLimit`] for its settings and
/// [`GateLayer`] for the methods.
pub type RateLimitLayer<C = Class, P = Http> = GateLayer<RateGate, C, P>;

/// A circuit breaker in front of a service. See [`CircuitBreaker`] for its settings and
/// [`GateLayer`] for the methods.
pub type CircuitBreakerLayer<C = Class, P = Http> = GateLayer<BreakerGate, C, P>;

/// Rate limit, circuit breaker and concurrency limit in front of a service, in this
/// order. Made by [`Admission::layer`](super::Admission::layer); see [`GateLayer`] for
/// the methods.
pub type AdmissionLayer<C = Class, P = Http> = GateLayer<Gates, C, P>;

impl GateLayer<ConcurrencyGate> {
    /// A limit with the default settings that follows the latency of the service behind
    /// it.
    #[expect(clippy::new_without_default, reason = "`Default` would serve no caller")]
    pub fn new() -> Self {
        ConcurrencyLimit::new().layer().expect(DEFAULTS)
    }

    /// A limit with the default settings that follows `database`.
    pub fn protecting(database: &Database) -> Self {
        ConcurrencyLimit::new().protecting(database).expect(DEFAULTS)
    }
}

impl ConcurrencyLimit {
    /// The layer, with a limit that follows the latency of the service behind it, from
    /// the call to the head of the response.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn layer(self) -> Result<ConcurrencyLimitLayer, InvalidConfig> {
        let (gate, service) = (self.gate()?, Database::unseen("service"));
        service.subscribe(gate.listener());
        Ok(GateLayer::of(gate).watching_service(&service))
    }

    /// The layer, with a limit that follows the queries observed by `database`.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn protecting(self, database: &Database) -> Result<ConcurrencyLimitLayer, InvalidConfig> {
        let gate = self.gate()?;
        database.subscribe(gate.listener());
        Ok(GateLayer::of(gate).watching_databases([database.clone()].into()))
    }
}

impl GateLayer<BreakerGate> {
    /// A breaker with the default settings that dims while `database` is too slow, and
    /// opens when it does not answer.
    pub fn protecting(database: &Database) -> Self {
        CircuitBreaker::new().protecting(database).expect(DEFAULTS)
    }
}

impl CircuitBreaker {
    /// The layer, with a circuit that goes by the service behind it: slow is what takes
    /// much longer than usual, or more than a second, to the head of the response.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn layer(self) -> Result<CircuitBreakerLayer, InvalidConfig> {
        let (gate, service) = (self.gate()?, Database::unseen("service"));
        service.subscribe(gate.listener());
        Ok(GateLayer::of(gate).watching_service(&service))
    }

    /// The layer, with a circuit that goes by the queries observed by `database`.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if a setting is outside its range.
    pub fn protecting(self, database: &Database) -> Result<CircuitBreakerLayer, InvalidConfig> {
        let gate = self.gate()?;
        database.subscribe(gate.listener());
        Ok(GateLayer::of(gate).watching_databases([database.clone()].into()))
    }
}

impl GateLayer<RateGate> {
    /// One quota for all requests together.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] if the quota is zero or out of range.
    pub fn new(quota: Quota) -> Result<Self, InvalidConfig> {
        RateLimit::new(quota).layer()
    }
}

impl RateLimit {
    /// The layer.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] as for [`gate`](Self::gate), or if it
    /// [downgrades](Self::downgrade_to): no request would ever be refused.
    pub fn layer(self) -> Result<RateLimitLayer, InvalidConfig> {
        self.check_alone()?;
        self.gate().map(GateLayer::of)
    }
}

const DEFAULTS: &str = "the defaults are in range";
