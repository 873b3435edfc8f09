//! What does it cost to be admitted? Each layer around a service that does nothing, ours and
//! other crates'.

use brownout_cost::cases::{self, Area::*};
use criterion::{Criterion, criterion_group, criterion_main};

fn admit(criterion: &mut Criterion) {
    for case in cases::of(&[Nothing, Concurrency, Breaker, Rate, RatePerKey, Together, Clones]) {
        let mut call = (case.make)();
        criterion.bench_function(case.name, |bencher| {
            bencher.iter_custom(|times| brownout_cost::time::calls(&mut call, times));
        });
    }
}

criterion_group!(benches, admit);
criterion_main!(benches);
