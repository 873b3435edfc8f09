//! What does it cost to be watched?

use brownout_cost::cases::{self, Area::*};
use criterion::{Criterion, criterion_group, criterion_main};

fn features(criterion: &mut Criterion) {
    for case in cases::of(&[Nothing, Features]) {
        let mut call = (case.make)();
        criterion.bench_function(case.name, |bencher| {
            bencher.iter_custom(|times| brownout_cost::time::calls(&mut call, times));
        });
    }
}

criterion_group!(benches, features);
criterion_main!(benches);
