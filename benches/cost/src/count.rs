//! What each case costs, counted.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use brownout_cost::cases::{self, Case};

use crate::{
    callgrind::{self, Profile},
    locked::{self, Kinds},
    measured::CALLS,
};

/// Of a case, per call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub instructions: f64,
    /// How often it took of the heap.
    pub heap: f64,
    pub locked: f64,
    /// Looks at the clock.
    pub clock: f64,
}

pub type Counts = Vec<(Case, Count)>;

/// Of the cases whose name has one of the words in it, and the bare ones; of all without any.
pub fn all(words: &[&str]) -> Result<Counts, String> {
    let cases = cases::all();
    let asked = |case: &Case| words.is_empty() || words.iter().any(|word| case.name.contains(word));
    let needed = |case: &Case| asked(case) || case.area == cases::Area::Nothing;
    let cases: Vec<_> = cases.into_iter().filter(needed).collect();
    let kinds = locked::kinds()?;
    let counts: Vec<_> = cases.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let at = cases.iter().position(|other| other.name == case.name).expect("it is there");
            *counts[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(count(case, &kinds));
        }
    };
    thread::scope(|scope| {
        (0..thread::available_parallelism().map_or(1, usize::from))
            .for_each(|_| _ = scope.spawn(work));
    });
    let counted = |count: Mutex<Option<_>>| {
        count.into_inner().unwrap_or_else(PoisonError::into_inner).expect("each was counted")
    };
    cases.into_iter().zip(counts).map(|(case, count)| Ok((case, counted(count)?))).collect()
}

fn count(case: &Case, kinds: &Kinds) -> Result<Count, String> {
    let Profile { said, own, instructions } = callgrind::profile(case.name)?;
    let of = |kind: &HashSet<u64>| {
        own.iter().filter(|(address, _)| kind.contains(address)).map(|(_, count)| count).sum()
    };
    let mut said = said.split_whitespace().map(|number| number.parse::<u64>());
    let mut said = || said.next().and_then(Result::ok).ok_or("a case says two numbers");
    let (heap, looks) = (said()?, said()?);
    let per_call = |count: u64| count as f64 / CALLS as f64;
    Ok(Count {
        instructions: per_call(instructions),
        heap: per_call(heap),
        locked: per_call(of(&kinds.locked)),
        clock: per_call(looks + of(&kinds.clock)),
    })
}
