//! What does it cost to tell a database's handle of a query?

use brownout_cost::cases::{self, Area::*};
use criterion::{Criterion, criterion_group, criterion_main};

fn record(criterion: &mut Criterion) {
    for case in cases::of(&[Nothing, Recording]) {
        let mut call = (case.make)();
        criterion.bench_function(case.name, |bencher| {
            bencher.iter_custom(|times| brownout_cost::time::calls(&mut call, times));
        });
    }
}

criterion_group!(benches, record);
criterion_main!(benches);
