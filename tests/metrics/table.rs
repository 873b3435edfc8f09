//! What is told is what the table lists, no more and no less.

use std::collections::{BTreeMap, BTreeSet};

use brownout::metrics::{Kind, METRICS};
use metrics_util::{MetricKind, debugging::DebuggingRecorder};

use super::exercised::exercised;

#[tokio::test]
async fn all_that_is_listed_is_told_with_its_labels_and_nothing_else() {
    let service = exercised().await;
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || service.metrics.record());
    let mut told = BTreeMap::<_, BTreeSet<_>>::new();
    for (key, unit, description, _) in recorder.snapshotter().snapshot().into_vec() {
        let labels = key.key().labels().map(|label| label.key().to_owned()).collect::<Vec<_>>();
        let (name, kind) = (key.key().name().to_owned(), key.kind());
        assert!(unit.is_some() && description.is_some(), "{name} is not described");
        told.entry(name).or_default().insert((kind, labels));
    }
    let listed = METRICS.iter().map(|metric| {
        let kind = match metric.kind {
            Kind::Counter => MetricKind::Counter,
            _ => MetricKind::Gauge,
        };
        let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
        (metric.name.to_owned(), BTreeSet::from([(kind, labels)]))
    });
    assert_eq!(told, listed.collect());
}

#[test]
fn names_are_in_the_manner_of_opentelemetry() {
    let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len(), "each is there once");
    for name in &names {
        let parts: Vec<_> = name.split('.').collect();
        let is_word = |part: &&str| {
            !part.is_empty()
                && part.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
        };
        assert!(parts.len() > 1 && parts[0] == "brownout", "{name}: a name space comes first");
        assert!(parts.iter().all(is_word), "{name}: words in lower case, with dots between");
        assert!(!name.ends_with("total"), "{name}: what is counted tells that it is a sum");
        let inside = names.iter().find(|other| other.starts_with(&format!("{name}.")));
        assert_eq!(inside, None, "{name} is a metric, and no name space");
    }
}
