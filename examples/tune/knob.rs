//! What is varied.

use brownout::{Settings, settings::known};

use crate::measured::Measured;

/// A setting, and the values that are tried: as they are written, around the default.
#[derive(Debug)]
pub(crate) struct Knob {
    pub(crate) path: &'static str,
    pub(crate) values: Vec<String>,
    /// Which of them is the default.
    pub(crate) default: usize,
}

pub(crate) fn all(measured: &Measured) -> Vec<Knob> {
    let knee = (measured.knee / measured.instances as f64).ceil().max(1.0) as u64;
    let around = |path: &'static str, others: &[u64]| {
        let (default, unit) = default_of(path);
        let values = others.iter().map(|other| other.to_string() + unit);
        Knob::new(path, values.chain([default]).collect())
    };
    vec![
        around("limit.min", &[1, knee.div_ceil(2), knee]),
        around("limit.max", &[knee.div_ceil(2), knee, 2 * knee, 4 * knee]),
        Knob::new("limit.headroom", ["0", "0.05", "0.1", "0.2", "0.4"].map(str::to_owned).to_vec()),
        around("limit.queue", &[0, 10, 50, 1000]),
        around("limit.max_wait", &[50, 100, 200, 800, 1600]),
    ]
}

/// The default, as it is written, and its unit.
fn default_of(path: &str) -> (String, &'static str) {
    let known = known().into_iter().find(|known| known.path == path);
    let default = known.and_then(|known| known.default).expect("it is a setting with a default");
    (default.to_owned(), default.trim_start_matches(|letter: char| letter.is_ascii_digit()))
}

impl Knob {
    /// In their order, each once.
    fn new(path: &'static str, mut values: Vec<String>) -> Self {
        let number = |value: &String| {
            let end = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            end.parse::<f64>().expect("it begins with a number")
        };
        values.sort_by(|one, other| number(one).total_cmp(&number(other)));
        values.dedup();
        let default = values.iter().position(|value| *value == default_of(path).0);
        Self { path, values, default: default.expect("it is among them") }
    }
}

/// These, by their paths, if they may be so together.
pub(crate) fn settings<'v>(
    said: impl IntoIterator<Item = (String, &'v String)>,
) -> Option<Settings> {
    let name = |path: String| path.to_uppercase().replace('.', "_");
    let vars = said.into_iter().map(|(path, value)| (name(path), value.as_str()));
    Settings::default().with_vars("", vars).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn each_value_may_be_so() {
        let args = crate::args::Args::parse_from(["tune", "--capacity", "90"]);
        for knob in all(&Measured::of(&args).expect("it is valid")) {
            for value in &knob.values {
                let settings = settings([(knob.path.to_owned(), value)]).expect(value);
                let text = settings.to_toml();
                let (_, name) = knob.path.split_once('.').expect("it is in a table");
                assert!(text.contains(name), "{} = {value}: {text}", knob.path);
                assert_eq!(Settings::from_toml(&text).expect(&text), settings, "{text}");
            }
            let default = settings([(knob.path.to_owned(), &knob.values[knob.default])]);
            let (default, all) = (default.expect("it may be"), Settings::default().effective());
            assert_eq!(default.effective(), all, "{}", knob.path);
        }
    }
}
