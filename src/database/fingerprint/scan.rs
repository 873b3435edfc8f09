//! SQL text cut into pieces, of whatever dialect.

/// A piece of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Blanks and comments.
    Space,
    /// A keyword or a name without quotes.
    Word(&'a str),
    /// A name in quotes, and them.
    Quoted(&'a str),
    /// A string, a number, a parameter.
    Literal,
    Symbol(&'a str),
}

/// Cuts SQL into pieces. Each byte is looked at a bounded number of times.
///
/// The dialect is not known, so what is a string in one and a name in another is a name
/// only if it looks like one, and what cannot be told apart is taken to be a literal.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Until a comment was found that would have no end if comments nested.
    nests: bool,
    /// MySQL's quotes were seen, so its strings may stand in double ones.
    backticks: bool,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, nests: true, backticks: text.contains('`') }
    }

    /// How far it has come, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_while(&mut self, goes_on: impl Fn(u8) -> bool) {
        self.at += self.rest().iter().take_while(|byte| goes_on(**byte)).count();
    }

    fn end(&mut self) -> Piece<'a> {
        self.at = self.text.len();
        Piece::Literal
    }

    /// To the end of the line.
    fn line(&mut self) -> Piece<'a> {
        self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        Piece::Space
    }

    fn comment(&mut self) -> Piece<'a> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') if self.nests || depth == 0 => depth += 1,
                (b'*', b'/') if depth == 1 => {
                    self.at += 2;
                    return Piece::Space;
                }
                (b'*', b'/') => depth -= 1,
                _ if self.rest().is_empty() && self.nests => {
                    // As in MySQL, where they do not nest.
                    (self.at, self.nests, depth) = (start, false, 0);
                    continue;
                }
                _ if self.rest().is_empty() => return Piece::Space,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
        }
    }

    /// A string in single quotes, in which a backslash is known to escape or not known.
    fn string(&mut self, escapes: bool) -> Piece<'a> {
        self.at += 1;
        while !self.rest().is_empty() {
            match (self.byte(0), self.byte(1)) {
                (b'\'', b'\'') => self.at += 2,
                (b'\'', _) => {
                    self.at += 1;
                    return Piece::Literal;
                }
                (b'\\', b'\'') if !escapes && !is_word(self.byte(2)) => {
                    return self.up_to_the_last();
                }
                (b'\\', _) => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.end()
    }

    /// The backslash ends MySQL's string no more than it escapes PostgreSQL's quote, so all
    /// to the last quote may be one string.
    fn up_to_the_last(&mut self) -> Piece<'a> {
        let last = self.rest().iter().rposition(|byte| *byte == b'\'');
        self.at += last.unwrap_or_default() + 1;
        Piece::Literal
    }

    /// What stands between two of the byte that is next. Twice the byte means itself.
    fn quoted(&mut self) -> Piece<'a> {
        let (start, quote) = (self.at, self.byte(0));
        let mut escaped = false;
        self.at += 1;
        while !self.rest().is_empty() {
            match (self.byte(0), self.byte(1)) {
                (byte, next) if byte == quote && next == quote => self.at += 2,
                (byte, _) if byte == quote => {
                    self.at += 1;
                    let inside = self.text.get(start + 1..self.at - 1).unwrap_or_default();
                    let name = !escaped && self.is_name(quote, inside);
                    let all = self.text.get(start..self.at).unwrap_or_default();
                    return if name { Piece::Quoted(all) } else { Piece::Literal };
                }
                (b'\\', _) if quote == b'"' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.end()
    }

    fn is_name(&self, quote: u8, inside: &str) -> bool {
        let plain = |byte: u8| is_word(byte) || byte == b'"';
        match quote {
            b'`' => !inside.is_empty() && !inside.bytes().any(|byte| byte.is_ascii_control()),
            _ => {
                !self.backticks
                    && (1..=LONGEST_NAME).contains(&inside.len())
                    && inside.bytes().all(plain)
                    && !inside.starts_with(|first: char| first.is_ascii_digit())
            }
        }
    }

    /// A name in brackets, as in SQL Server and SQLite.
    fn bracketed(&mut self) -> Option<Piece<'a>> {
        let rest = self.text.get(self.at..)?;
        let inside = rest.bytes().skip(1).take(LONGEST_NAME);
        let length = inside.take_while(|byte| is_word(*byte) || *byte == b' ').count();
        let all = rest.get(..length + 2).filter(|all| all.ends_with(']') && length > 0)?;
        if all.as_bytes().get(1).is_some_and(|first| first.is_ascii_digit() || *first == b' ') {
            return None;
        }
        self.at += all.len();
        Some(Piece::Quoted(all))
    }

    /// `$1`, `$name`, or `$tag$ … $tag$`.
    fn dollar(&mut self) -> Piece<'a> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let tag = rest.bytes().skip(1).take_while(|byte| is_word(*byte) && *byte != b'$').count();
        let tag = rest.get(..tag + 2).filter(|tag| tag.ends_with('$'));
        let Some(tag) = tag.filter(|tag| !tag[1..].starts_with(|c: char| c.is_ascii_digit()))
        else {
            self.at += 1;
            return self.parameter("$");
        };
        match rest[tag.len()..].find(tag) {
            Some(inside) => {
                self.at += inside + 2 * tag.len();
                Piece::Literal
            }
            None => self.end(),
        }
    }

    /// The name or number of a parameter, if there is one, after its sign.
    fn parameter(&mut self, sign: &'a str) -> Piece<'a> {
        let start = self.at;
        self.skip_while(is_word);
        if self.at > start { Piece::Literal } else { Piece::Symbol(sign) }
    }

    fn number(&mut self) -> Piece<'a> {
        let hexadecimal = self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X');
        loop {
            self.skip_while(|byte| is_word(byte) || byte == b'.');
            let exponent = matches!(self.text.as_bytes()[self.at - 1], b'e' | b'E');
            let signed = matches!(self.byte(0), b'+' | b'-') && self.byte(1).is_ascii_digit();
            if hexadecimal || !exponent || !signed {
                return Piece::Literal;
            }
            self.at += 1;
        }
    }

    fn word(&mut self) -> Piece<'a> {
        let start = self.at;
        self.skip_while(is_word);
        let word = self.text.get(start..self.at).unwrap_or_default();
        match (self.byte(0), self.byte(1)) {
            (b'\'', _) if is_prefix(word) => self.string(word.eq_ignore_ascii_case("e")),
            (b'&', b'\'') if word.eq_ignore_ascii_case("u") => {
                self.at += 1;
                self.string(false)
            }
            _ => Piece::Word(word),
        }
    }

    fn symbol(&mut self, length: usize) -> Piece<'a> {
        let start = self.at;
        self.at += length;
        Piece::Symbol(self.text.get(start..self.at).unwrap_or_default())
    }

    fn colon(&mut self) -> Piece<'a> {
        if matches!(self.byte(1), b':' | b'=') {
            return self.symbol(2);
        }
        self.at += 1;
        self.parameter(":")
    }

    fn at_sign(&mut self) -> Piece<'a> {
        if self.byte(1) == b'@' {
            return self.symbol(2);
        }
        self.at += 1;
        self.parameter("@")
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let first = *self.rest().first()?;
        Some(match (first, self.byte(1)) {
            (b'-', b'-') => self.line(),
            (b'#', b'>' | b'-') => self.symbol(2),
            (b'#', _) => self.line(),
            (b'/', b'*') => self.comment(),
            (b'\'', _) => self.string(false),
            (b'"' | b'`', _) => self.quoted(),
            (b'[', _) => self.bracketed().unwrap_or_else(|| self.symbol(1)),
            (b'$', _) => self.dollar(),
            (b':', _) => self.colon(),
            (b'@', _) => self.at_sign(),
            (b'?', _) => {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
                Piece::Literal
            }
            (b'.', next) if next.is_ascii_digit() => self.number(),
            (b'0'..=b'9', _) => self.number(),
            _ if first.is_ascii_whitespace() || first.is_ascii_control() => {
                self.skip_while(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control());
                Piece::Space
            }
            _ if is_word(first) => self.word(),
            _ => self.symbol(1),
        })
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// What may stand right before a string and belongs to it: `E'…'`, `X'…'`, `_utf8'…'`.
fn is_prefix(word: &str) -> bool {
    matches!(word, "e" | "E" | "b" | "B" | "n" | "N" | "x" | "X") || word.starts_with('_')
}

/// Bytes in a quoted name that is told from a string by its looks.
const LONGEST_NAME: usize = 64;
