//! Where answers are kept: some variants by key, bounded in bytes.

use std::{
    hash::RandomState,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use super::{asked::Asked, kept::Kept, key::Key};
use crate::lock::lock;

/// Everything that is kept.
pub(super) struct Store {
    pages: Cache<Key, Page, Weight>,
    /// Pages are changed one after another, so that no variant is lost. Found without it.
    changing: Mutex<()>,
    cleared: AtomicU64,
}

/// The variants of one page, the newest first.
#[derive(Clone)]
struct Page(Arc<[Arc<Kept>]>);

impl Page {
    fn weight(&self) -> u64 {
        self.0.iter().map(|kept| kept.weight()).sum()
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Page> for Weight {
    fn weight(&self, key: &Key, page: &Page) -> u64 {
        page.weight() + key.len() as u64 + ENTRY
    }
}

impl Store {
    /// For so many bytes, in answers of up to `most` each.
    pub(super) fn new(bytes: u64, most: u64) -> Self {
        let expected = usize::try_from(bytes / TYPICAL).unwrap_or(usize::MAX).clamp(64, 1 << 20);
        // A page lies in one shard, and no shard holds more than its part of the bytes.
        let shards = bytes / (most + TYPICAL).saturating_mul(PAGES_A_SHARD);
        let shards = usize::try_from(shards).unwrap_or(MOST_SHARDS).clamp(1, MOST_SHARDS);
        let shards = if shards.is_power_of_two() { shards } else { shards.next_power_of_two() / 2 };
        let options = OptionsBuilder::new()
            .estimated_items_capacity(expected)
            .weight_capacity(bytes)
            .shards(shards)
            .build()
            .expect("both capacities are given");
        let pages = Cache::with_options(options, Weight, RandomState::new(), Default::default());
        Self { pages, changing: Mutex::new(()), cleared: AtomicU64::new(0) }
    }

    /// The newest answer to such a request.
    pub(super) fn find(&self, asked: &Asked) -> Option<Arc<Kept>> {
        let page = self.pages.get(&asked.key)?;
        page.0.iter().find(|kept| kept.terms.selects(&asked.headers)).cloned()
    }

    /// The newest answer to any request of its key.
    pub(super) fn newest(&self, key: &Key) -> Option<Arc<Kept>> {
        self.pages.peek(key)?.0.first().cloned()
    }

    /// Keeps an answer in the place of the one that such a request had before, if nothing
    /// was cleared since it was `at` so many times. Says whether it did.
    pub(super) fn keep(&self, asked: &Asked, kept: Arc<Kept>, variants: usize, at: u64) -> bool {
        let _alone = lock(&self.changing);
        if at != self.cleared() {
            return false;
        }
        let room = self.pages.shard_capacity().saturating_sub(asked.key.len() as u64 + ENTRY);
        let mut weight = kept.weight();
        if weight > room {
            self.pages.remove(&asked.key);
            return false;
        }
        let old = self.pages.peek(&asked.key);
        let old = old.iter().flat_map(|page| page.0.iter());
        let others = old.filter(|old| !old.terms.selects(&asked.headers)).take(variants.max(1) - 1);
        let others = others.take_while(|other| {
            weight += other.weight();
            weight <= room
        });
        let page = Page([kept].iter().chain(others).cloned().collect());
        self.pages.insert(asked.key.clone(), page);
        true
    }

    /// Forgets the answers to all requests of a key.
    pub(super) fn forget(&self, key: &Key) {
        let _alone = lock(&self.changing);
        self.pages.remove(key);
    }

    pub(super) fn clear(&self) {
        let _alone = lock(&self.changing);
        self.cleared.fetch_add(1, Ordering::Relaxed);
        self.pages.clear();
    }

    /// How often it was cleared.
    pub(super) fn cleared(&self) -> u64 {
        self.cleared.load(Ordering::Relaxed)
    }

    /// How many pages there are.
    pub(super) fn len(&self) -> usize {
        self.pages.len()
    }

    /// How many bytes they take, about.
    pub(super) fn bytes(&self) -> u64 {
        self.pages.weight()
    }
}

/// What an entry takes beside its contents.
const ENTRY: u64 = 128;
/// What an answer is expected to take.
const TYPICAL: u64 = 8 * 1024;
/// How many of the largest answers a shard has room for at least.
const PAGES_A_SHARD: u64 = 8;
const MOST_SHARDS: usize = 16;
