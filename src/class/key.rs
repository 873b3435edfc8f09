//! Whose request it is.

use std::{
    error::Error,
    fmt,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::OnceLock,
};

/// Whose request it is, for quotas per client and fair shares: eight bytes, whatever it
/// was made of.
///
/// The hash is seeded, so nobody outside can aim at another's bucket. Two of a hundred
/// thousand clients share one with a probability of 3 in 10¹⁰.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key for a client: its address, API key, tenant, or a tuple of such.
    ///
    /// ```
    /// use brownout::Key;
    ///
    /// assert_eq!(Key::of("tenant-7"), Key::of("tenant-7"));
    /// assert_ne!(Key::of(&("tenant-7", "/search")), Key::of(&("tenant-7", "/orders")));
    /// ```
    pub fn of<T: Hash + ?Sized>(client: &T) -> Self {
        let mut hasher = seeding().seed.hasher();
        client.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Has all processes that are told the same secret make the same keys, for quotas that
    /// a fleet shares. Call it when the process starts; saying the same again is fine.
    /// Without it, each process has keys of its own.
    ///
    /// What is hashed is up to the `Hash` of what a key is made of, so the processes should
    /// be built by the same compiler for the same kind of machine. Where two are not, as
    /// while a new version is rolled out, a client may have one bucket with each.
    ///
    /// # Errors
    ///
    /// [`AlreadySeeded`] if a key was made before with another seed.
    pub fn seed_with(secret: &str) -> Result<(), AlreadySeeded> {
        let told = Seeding { seed: Seed::from(secret), is_told: true };
        if *SEEDING.get_or_init(|| told) == told { Ok(()) } else { Err(AlreadySeeded(())) }
    }

    /// Whether other processes may make the same keys: they were told a secret.
    pub(crate) fn may_be_shared() -> bool {
        SEEDING.get().is_some_and(|seeding| seeding.is_told)
    }

    /// Its group, of so many.
    pub(crate) fn group(self, of: usize) -> usize {
        (self.0 % of as u64) as usize
    }

    /// The hash.
    pub(crate) fn get(self) -> u64 {
        self.0
    }
}

/// The secret of a fleet came too late: keys were made before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadySeeded(());

impl fmt::Display for AlreadySeeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "keys were made before with another seed: give the secret when the process starts",
        )
    }
}

impl Error for AlreadySeeded {}

/// The two halves of a SipHash key.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seed(u64, u64);

impl Seed {
    /// SipHash-2-4 (Aumasson and Bernstein, 2012) by std: deprecated there in favour of
    /// hashers that may change between versions of Rust, which is what a fleet may not.
    #[expect(deprecated, reason = "it is the one in std that promises to stay as it is")]
    fn hasher(self) -> impl Hasher {
        std::hash::SipHasher::new_with_keys(self.0, self.1)
    }
}

impl From<&str> for Seed {
    fn from(secret: &str) -> Self {
        let half = |half: u64| {
            let mut hasher = Self(half, !half).hasher();
            hasher.write(secret.as_bytes());
            hasher.finish()
        };
        Self(half(0), half(1))
    }
}

/// The seed of this process, and where it has it from.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seeding {
    seed: Seed,
    /// By [`Key::seed_with`]; otherwise nobody else knows it.
    is_told: bool,
}

fn seeding() -> Seeding {
    let random = RandomState::new;
    let own = || Seed(random().hash_one(0), random().hash_one(1));
    *SEEDING.get_or_init(|| Seeding { seed: own(), is_told: false })
}

static SEEDING: OnceLock<Seeding> = OnceLock::new();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_siphash_2_4() {
        // The test vector of the paper, appendix A.
        let mut hasher = Seed(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908).hasher();
        hasher.write(&(0..15).collect::<Vec<u8>>());
        assert_eq!(hasher.finish(), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn equal_secrets_are_equal_seeds() {
        assert!(Seed::from("hunter2") == Seed::from("hunter2"));
        assert!(Seed::from("hunter2") != Seed::from("hunter3"));
    }

    #[test]
    fn a_secret_that_comes_late_is_an_error() {
        let _ = Key::of("somebody");
        assert_eq!(Key::seed_with("late"), Err(AlreadySeeded(())));
        assert!(!Key::may_be_shared());
    }
}
