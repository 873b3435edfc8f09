//! What Prometheus would read.

use std::collections::{BTreeMap, BTreeSet};

use brownout::metrics::Metrics;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// Prometheus' exporter, for the thread alone.
pub(crate) struct Scraper {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Scraper {
    pub(crate) fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        Self { handle: recorder.handle(), recorder }
    }

    pub(crate) fn recorder(&self) -> &PrometheusRecorder {
        &self.recorder
    }

    pub(crate) fn scrape(&self, metrics: &Metrics) -> Scrape {
        metrics::with_local_recorder(&self.recorder, || metrics.record());
        self.read()
    }

    /// What was recorded.
    pub(crate) fn read(&self) -> Scrape {
        Scrape(self.handle.render())
    }
}

/// A page in the text format.
pub(crate) struct Scrape(pub(crate) String);

impl Scrape {
    fn samples(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').expect("a series and its value"))
    }

    /// The value of a series, as it is written there.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let found = self.samples().find(|(own, _)| *own == series);
        found.map(|(_, value)| value.parse().expect("it is a number"))
    }

    /// The sum of all series that begin so.
    pub(crate) fn sum(&self, start: &str) -> f64 {
        let found = self.samples().filter(|(own, _)| own.starts_with(start));
        found.map(|(_, value)| value.parse::<f64>().expect("it is a number")).sum()
    }

    pub(crate) fn series(&self) -> BTreeSet<&str> {
        self.samples().map(|(series, _)| series).collect()
    }

    /// The values of each label, by metric and name.
    pub(crate) fn labels(&self) -> BTreeMap<&str, BTreeMap<&str, BTreeSet<&str>>> {
        let mut all = BTreeMap::<_, BTreeMap<_, BTreeSet<_>>>::new();
        for (series, _) in self.samples() {
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let own = all.entry(name).or_default();
            for (label, value) in pairs(labels.trim_end_matches('}')) {
                own.entry(label).or_default().insert(value);
            }
        }
        all
    }
}

/// `a="1",b="2"`, in which no value has a quote.
fn pairs(labels: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = labels.split("\",").filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (label, value) = pair.split_once("=\"").expect("a label and its value");
        (label, value.trim_end_matches('"'))
    })
}
