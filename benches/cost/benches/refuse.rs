//! What does it cost to be refused: the decision, the response, what is answered in its place?

use brownout_cost::cases::{self, Area::*};
use criterion::{Criterion, criterion_group, criterion_main};

fn refuse(criterion: &mut Criterion) {
    for case in cases::of(&[Nothing, Decision, RefusedWithError, Refusal]) {
        let mut call = (case.make)();
        criterion.bench_function(case.name, |bencher| {
            bencher.iter_custom(|times| brownout_cost::time::calls(&mut call, times));
        });
    }
}

criterion_group!(benches, refuse);
criterion_main!(benches);
