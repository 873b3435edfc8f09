//! What do two workers get done, against one, when 64 tasks call the same gate?

use brownout_cost::contend;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn contention(criterion: &mut Criterion) {
    for contended in contend::all() {
        let mut group = criterion.benchmark_group(contended.name);
        group.throughput(Throughput::Elements(1));
        for workers in [1, 2] {
            let runtime = contend::runtime(workers);
            group.bench_function(workers.to_string(), |bencher| {
                bencher.iter_custom(|calls| (contended.take)(&runtime, calls));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, contention);
criterion_main!(benches);
