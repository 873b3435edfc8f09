//! The faults: what goes wrong, how, and for how long.

mod clients;
mod disk;
mod leak;
mod login;
mod name;
mod network;
mod process;

use std::time::Duration;

use super::customers::Customers;
use super::failure::Result;
use super::proxy::Proxy;
use super::server::Server;
use super::store::Store;

/// Something that goes wrong with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another connection holds a lock on one table.
    Lock,
    /// All of the server's processes stand still.
    Freeze,
    /// It crashes, stays away and comes back.
    Restart,
    /// All of the shop's connections are cut.
    Kill,
    /// A client that never gives up wants what takes seconds.
    SlowQueries,
    /// The shop's connections are cut, and another client takes all that there are.
    Connections,
    /// The network takes longer.
    Latency,
    /// It loses some of what is sent, and resets some connections.
    Loss,
    /// It swallows all that is sent, then only the answers, then resets the connections.
    Silence,
    /// It swallows all on the connections that there are, and new ones are well.
    HalfOpen,
    /// The connections are reset, and no new one is taken.
    Refused,
    /// The name of the server is known to nobody.
    Name,
    /// The shop has the wrong password, and its connections are cut.
    Password,
    /// Orders find no room on the disk.
    DiskFull,
    /// Something in the shop keeps connections that it does not use.
    Leak,
}

/// Where a fault strikes.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) server: &'a mut Server,
    pub(crate) customers: &'a Customers,
    /// What the shop talks to its server through.
    pub(crate) store: &'a Store,
    /// Where the fault is [one of the network's](Fault::is_of_the_network), what that goes
    /// through.
    pub(crate) proxy: &'a Proxy,
}

impl Fault {
    pub(crate) const ALL: [Self; 15] = [
        Self::Lock,
        Self::Freeze,
        Self::Restart,
        Self::Kill,
        Self::SlowQueries,
        Self::Connections,
        Self::Latency,
        Self::Loss,
        Self::Silence,
        Self::HalfOpen,
        Self::Refused,
        Self::Name,
        Self::Password,
        Self::DiskFull,
        Self::Leak,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Freeze => "freeze",
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::SlowQueries => "slow-queries",
            Self::Connections => "connections",
            Self::Latency => "latency",
            Self::Loss => "loss",
            Self::Silence => "silence",
            Self::HalfOpen => "half-open",
            Self::Refused => "refused",
            Self::Name => "name",
            Self::Password => "password",
            Self::DiskFull => "disk-full",
            Self::Leak => "leak",
        }
    }

    /// How long it lasts in a full run.
    pub(crate) fn length(self) -> Duration {
        Duration::from_secs(match self {
            Self::Lock | Self::SlowQueries => 10,
            Self::Restart => 3,
            Self::Kill => 2,
            _ => 5,
        })
    }

    /// Whether the database as a whole does not answer.
    pub(crate) fn is_total(self) -> bool {
        use Fault::{Freeze, Leak, Name, Password, Refused, Restart, Silence};
        matches!(self, Freeze | Restart | Silence | Refused | Name | Password | Leak)
    }

    /// Whether what checkouts need is left.
    pub(crate) fn spares_checkouts(self) -> bool {
        matches!(self, Self::Lock | Self::SlowQueries | Self::Latency)
    }

    /// Whether what product pages need is left.
    pub(crate) fn spares_products(self) -> bool {
        matches!(self, Self::DiskFull)
    }

    /// Whether it is done to what lies between the shop and its server.
    pub(crate) fn is_of_the_network(self) -> bool {
        use Fault::{HalfOpen, Latency, Loss, Refused, Silence};
        matches!(self, Latency | Loss | Silence | HalfOpen | Refused)
    }

    /// Lets it happen; done when it is over.
    pub(crate) async fn strike(self, scene: &mut Scene<'_>, length: Duration) -> Result<()> {
        match self {
            Self::Lock => clients::lock(scene.server, length).await,
            Self::Freeze => process::freeze(scene.server, length).await,
            Self::Restart => process::restart(scene.server, length).await,
            Self::Kill => clients::kill(scene.server, length).await,
            Self::SlowQueries => clients::slow_queries(scene.customers, length).await,
            Self::Connections => clients::take_connections(scene.server, length).await,
            Self::Latency => network::slow(scene.proxy, length).await,
            Self::Loss => network::lose(scene.proxy, length).await,
            Self::Silence => network::silence(scene.proxy, length).await,
            Self::HalfOpen => network::forget(scene.proxy, length).await,
            Self::Refused => network::refuse(scene.proxy, length).await,
            Self::Name => name::unknown(scene.server, scene.store, length).await,
            Self::Password => login::other_password(scene.server, length).await,
            Self::DiskFull => disk::fill(scene.server, length).await,
            Self::Leak => leak::leak(scene.customers, length).await,
        }
    }
}
