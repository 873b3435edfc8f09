//! What one setting may be.

use std::{fmt, time::Duration};

use super::tree::Tree;

/// The value of a setting, of the right kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Flag(bool),
    Count(u64),
    Number(f64),
    Duration(Duration),
    /// Which of the words that it may be.
    Word(usize, &'static str),
}

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Flag,
    /// Up to this.
    Count(u64),
    Number,
    Duration,
    Word(&'static [&'static str]),
}

impl Kind {
    /// From a file. None if it is something else.
    pub(super) fn read(self, tree: &Tree) -> Option<Value> {
        match (self, tree) {
            (Self::Flag, Tree::Flag(flag)) => Some(Value::Flag(*flag)),
            (Self::Count(most), Tree::Count(count)) => {
                (*count <= most.min(MOST)).then_some(Value::Count(*count))
            }
            (Self::Number, Tree::Number(number)) => Some(Value::Number(*number)),
            (Self::Number, Tree::Count(count)) => Some(Value::Number(*count as f64)),
            (Self::Duration | Self::Word(_), Tree::Text(text)) => self.parse(text),
            _ => None,
        }
    }

    /// From text, where all is text.
    pub(super) fn parse(self, text: &str) -> Option<Value> {
        match self {
            Self::Flag => text.parse().ok().map(Value::Flag),
            Self::Count(_) => self.read(&Tree::Count(text.parse().ok()?)),
            Self::Number => text.parse().ok().map(Value::Number),
            Self::Duration => humantime::parse_duration(text).ok().map(Value::Duration),
            Self::Word(words) => {
                let is_meant = |word: &&str| word.eq_ignore_ascii_case(text);
                let index = words.iter().position(is_meant)?;
                Some(Value::Word(index, words[index]))
            }
        }
    }
}

/// So that it follows "must be".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("true or false"),
            Self::Count(most) => write!(f, "a whole number from 0 to {}", most.min(&MOST)),
            Self::Number => f.write_str("a number"),
            Self::Duration => f.write_str("a duration such as \"400ms\" or \"1m 30s\""),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        match value {
            Value::Flag(flag) => Self::Flag(flag),
            Value::Count(count) => Self::Count(count),
            Value::Number(number) => Self::Number(number),
            Value::Duration(time) => Self::Text(humantime::format_duration(time).to_string()),
            Value::Word(_, word) => Self::Text(word.to_owned()),
        }
    }
}

/// TOML has no larger numbers.
const MOST: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_its_own_and_nothing_else() {
        let text = |text: &str| Tree::Text(text.to_owned());
        let trees = [Tree::Flag(true), Tree::Count(1), Tree::Number(1.5), text("1s"), text("b")];
        let taken = |kind: Kind| trees.each_ref().map(|tree| kind.read(tree).is_some());
        assert_eq!(taken(Kind::Flag), [true, false, false, false, false]);
        assert_eq!(taken(Kind::Count(1)), [false, true, false, false, false]);
        assert_eq!(taken(Kind::Count(0)), [false, false, false, false, false]);
        assert_eq!(taken(Kind::Number), [false, true, true, false, false]);
        assert_eq!(taken(Kind::Duration), [false, false, false, true, false]);
        assert_eq!(taken(Kind::Word(&["a", "b"])), [false, false, false, false, true]);
    }
}
