//! What a breaker knows, to look at.

use crate::event::Circuit;

/// What a circuit breaker knows and does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// The state of the circuit. An open one turns half-open with the first request after
    /// its time.
    pub circuit: Circuit,
    /// How far it is dimmed, from 0 to 3: up to 1 it is the share of the bulk requests
    /// that are refused, beyond 1 also of the sheddable, beyond 2 also of the normal.
    pub level: f64,
    /// Who decides.
    pub mode: BreakerMode,
    /// Calls in the window.
    pub calls: u64,
    /// The share of them that was slow or failed, from 0 to 1.
    pub bad_share: f64,
    /// Requests that it would have refused so far, had it not only reported.
    pub would_have_refused: u64,
}

/// Who decides on a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum BreakerMode {
    /// The breaker.
    #[default]
    Automatic,
    /// The breaker, though nobody has to go for it: see
    /// [`CircuitBreaker::report_only`](crate::CircuitBreaker::report_only).
    ReportOnly,
    /// Somebody who [forced it open](crate::BreakerGate::force_open).
    ForcedOpen,
    /// Somebody who [forced it closed](crate::BreakerGate::force_closed).
    ForcedClosed,
}
