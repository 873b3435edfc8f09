//! Who takes part.

use brownout::{
    limit::{Aimd, Fixed, Gradient2, Knee, Vegas},
    simulate::Guard,
};

/// One who takes part. Each instance of a service gets a guard of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) guard: fn() -> Guard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The one that is held to the goals.
    Ours,
    /// One that it is compared with.
    Other,
    /// No protection at all.
    Nothing,
}

/// The crate's own, and nothing.
pub(crate) fn ours() -> Vec<Contestant> {
    let other = |name, guard| Contestant { name, role: Role::Other, guard };
    vec![
        Contestant { name: "Knee", role: Role::Ours, guard: || Guard::limit(Knee::default()) },
        other("Aimd", || Guard::limit(Aimd::default())),
        other("Vegas", || Guard::limit(Vegas::default())),
        other("Gradient2", || Guard::limit(Gradient2::default())),
        other("Gradient2, shed", || Guard::shed(Gradient2::default())),
        other("Fixed(16), shed", || Guard::shed(Fixed::new(16))),
        Contestant { name: "nothing", role: Role::Nothing, guard: Guard::none },
    ]
}
