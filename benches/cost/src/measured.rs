//! The process in which one case is called, under valgrind.

use std::time::Duration;

use brownout_cost::cases;

use crate::{clock, heap};

/// How often it is called while it is counted.
pub const CALLS: u64 = 10_000;
/// The function of which each instruction counts.
pub const COUNTED: &str = "brownout_counted";

/// Calls it, and prints how often it took of the heap and looked at the clock.
pub fn run(name: &str) -> Result<(), String> {
    let case = cases::all().into_iter().find(|case| case.name == name);
    let case = case.ok_or_else(|| format!("there is no case {name:?}"))?;
    let mut call = (case.make)();
    for _ in 0..CALLS {
        called(&mut call.once, &mut call.besides, |once| once());
    }
    let (mut taken, mut looks) = (0, 0);
    for _ in 0..CALLS {
        let went = called(&mut call.once, &mut call.besides, |once| {
            let before = (heap::taken(), clock::looks());
            let went = brownout_counted(once);
            taken += heap::taken() - before.0;
            looks += clock::looks() - before.1;
            went
        });
        if !went {
            return Err(format!("{name:?} did not go as it says"));
        }
    }
    println!("{taken} {looks}");
    Ok(())
}

type Once<'a> = &'a mut dyn FnMut() -> bool;

fn called(once: Once, besides: &mut dyn FnMut(), call: impl FnOnce(Once) -> bool) -> bool {
    clock::pass(BETWEEN);
    let went = call(once);
    besides();
    went
}

/// Under a name that valgrind can be told.
#[unsafe(no_mangle)]
#[inline(never)]
fn brownout_counted(once: Once) -> bool {
    once()
}

/// Ten thousand calls a second, so that what happens ten times a second has its share.
const BETWEEN: Duration = Duration::from_micros(100);
