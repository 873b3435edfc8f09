//! The fingerprint of a SQL text: what is left of it without its literals.

mod keyword;
mod scan;

use std::{fmt::Write as _, ops::Range};

use keyword::keyword;
use scan::{Piece, Scan};

/// The text without literals, comments and the number of its rows, at most 200 characters.
///
/// Strings, numbers, parameters, booleans and `NULL` become `?`, lists of them and rows of
/// `VALUES` one of each, keywords upper case. A longer text ends with `…` and a hash of all of
/// it, so that two that begin alike stay apart. The fingerprint of a fingerprint is itself.
pub(super) fn fingerprint(sql: &str) -> String {
    let mut text = Text::default();
    for piece in Scan::new(sql) {
        text.take(piece);
    }
    cut(text.out.trim_end_matches([' ', ';']))
}

fn cut(all: &str) -> String {
    if all.chars().nth(LONGEST).is_none() {
        return all.to_owned();
    }
    let mut kept = 0;
    let mut length = 0;
    let mut rest = Scan::new(all);
    while let Some((end, chars)) = rest.next_end(all) {
        length += chars;
        if length > LONGEST - ENDING {
            break;
        }
        kept = end;
    }
    let mut name = all.get(..kept).unwrap_or_default().trim_end().to_owned();
    let space = if name.is_empty() { "" } else { " " };
    let _ = write!(name, "{space}…{:08x}", hash(all));
    name
}

/// FNV-1a: the same in every process, so that names compare.
pub(crate) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Scan<'_> {
    /// Where the next piece ends, and how many characters it has.
    fn next_end(&mut self, all: &str) -> Option<(usize, usize)> {
        let start = self.at();
        self.next()?;
        let piece = all.get(start..self.at()).unwrap_or_default();
        Some((self.at(), piece.chars().count()))
    }
}

/// What the next piece follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    /// Nothing, an operator, an opening parenthesis or a comma.
    #[default]
    Open,
    /// Signs, from there on, that are no operators but belong to the number that follows.
    Sign(usize),
    /// A keyword after which `NULL`, `TRUE` and `FALSE` are no literals.
    Is,
    Keyword,
    Literal,
    /// A name, or a closing parenthesis.
    Value,
}

/// Where we are in the rows of a `VALUES`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rows {
    #[default]
    None,
    /// In the first row, or before it, that begins at this depth.
    First(usize),
    Done,
    /// After the comma that follows a row.
    Comma,
    /// In a further row, so many parentheses deep.
    Skipped(usize),
}

#[derive(Default)]
struct Text {
    out: String,
    space: bool,
    last: Last,
    rows: Rows,
    lists: Vec<List>,
}

/// One that is open.
#[derive(Debug)]
struct List {
    /// Where the element begins that is being read, with the space before it.
    element: usize,
    before: Option<Range<usize>>,
}

impl Text {
    fn take(&mut self, piece: Piece<'_>) {
        if piece == Piece::Space {
            self.space = true;
        } else if !self.skip_row(piece) {
            self.add(piece);
        }
    }

    /// Whether the piece belongs to a row like the first one.
    fn skip_row(&mut self, piece: Piece<'_>) -> bool {
        let next = match (self.rows, piece) {
            (Rows::Done, Piece::Symbol(",")) => Rows::Comma,
            (Rows::Comma, Piece::Symbol("(")) => Rows::Skipped(1),
            (Rows::Skipped(deep), Piece::Symbol("(")) => Rows::Skipped(deep + 1),
            (Rows::Skipped(1), Piece::Symbol(")")) => Rows::Done,
            (Rows::Skipped(deep), Piece::Symbol(")")) => Rows::Skipped(deep - 1),
            (Rows::Skipped(deep), _) => Rows::Skipped(deep),
            (Rows::Comma, _) => {
                self.add(Piece::Symbol(","));
                Rows::None
            }
            (Rows::Done, _) => Rows::None,
            (rows, _) => rows,
        };
        let skipped = matches!(next, Rows::Comma | Rows::Skipped(_))
            || matches!((self.rows, next), (Rows::Skipped(_), Rows::Done));
        self.rows = next;
        skipped
    }

    fn add(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Space => {}
            Piece::Literal => self.literal(),
            Piece::Quoted(name) => self.put(name, Last::Value),
            Piece::Word(word) => self.word(word),
            Piece::Symbol(symbol) => self.symbol(symbol),
        }
    }

    fn literal(&mut self) {
        if let Last::Sign(start) = self.last {
            self.space = self.out.get(start..).is_some_and(|signs| signs.starts_with(' '));
            self.out.truncate(start);
        }
        // Strings that follow each other are one string.
        if self.last != Last::Literal {
            self.put("?", Last::Literal);
        }
    }

    fn word(&mut self, word: &str) {
        let Some(keyword) = keyword(word) else { return self.put(word, Last::Value) };
        match keyword {
            "NULL" | "TRUE" | "FALSE" if self.last != Last::Is => self.literal(),
            "IS" | "NOT" => self.put(keyword, Last::Is),
            "VALUES" => {
                self.put(keyword, Last::Keyword);
                self.rows = Rows::First(self.lists.len());
            }
            _ => self.put(keyword, Last::Keyword),
        }
    }

    fn symbol(&mut self, symbol: &str) {
        match symbol {
            "(" | "[" => {
                self.put(symbol, Last::Open);
                self.lists.push(List { element: self.out.len(), before: None });
            }
            ")" | "]" => self.close(symbol),
            "," => {
                self.end_element();
                self.space = false;
                self.put(symbol, Last::Open);
                self.space = true;
                let start = self.out.len();
                if let Some(list) = self.lists.last_mut() {
                    list.element = start;
                }
            }
            "-" | "+" if matches!(self.last, Last::Literal | Last::Value) => {
                self.put(symbol, Last::Open);
            }
            "-" | "+" => {
                let start = if let Last::Sign(start) = self.last { start } else { self.out.len() };
                self.put(symbol, Last::Sign(start));
            }
            _ => self.put(symbol, Last::Open),
        }
    }

    fn close(&mut self, symbol: &str) {
        self.end_element();
        self.lists.pop();
        self.space = false;
        self.put(symbol, Last::Value);
        if self.rows == Rows::First(self.lists.len()) {
            self.rows = Rows::Done;
        }
    }

    /// Drops the element that was read if it is like the one before.
    fn end_element(&mut self) {
        let Some(list) = self.lists.last_mut() else { return };
        let end = self.out.len();
        let element = self.out.get(list.element..).unwrap_or_default();
        let start = end - element.trim_start().len();
        let before = list.before.clone().and_then(|before| self.out.get(before));
        let now = self.out.get(start..);
        if before.is_some() && before == now && now.is_some_and(|now| now.contains('?')) {
            let kept = list.before.as_ref().map_or(end, |before| before.end);
            self.out.truncate(kept);
        } else {
            list.before = Some(start..end);
        }
    }

    fn put(&mut self, piece: &str, last: Last) {
        if self.space && !self.out.is_empty() && !self.out.ends_with(['(', '[']) {
            self.out.push(' ');
        }
        self.space = false;
        self.out.push_str(piece);
        self.last = last;
    }
}

/// In characters.
const LONGEST: usize = 200;
/// What a text that was cut ends with.
const ENDING: usize = " …01234567".len();

#[cfg(test)]
mod tests;
