//! Numbers as values of fields, without what formatting takes.

use std::str;

use http::HeaderValue;

/// A number as it stands in a field. One of up to three digits takes nothing of the heap.
pub(crate) fn value(number: u64) -> HeaderValue {
    match short(number) {
        Some(digits) => HeaderValue::from_static(digits),
        None => HeaderValue::from_str(Digits::of(number).as_str()).expect(PLAIN),
    }
}

fn short(number: u64) -> Option<&'static str> {
    let digits = match number {
        100.. => 3,
        10.. => 2,
        _ => 1,
    };
    let end = usize::try_from(number).ok()?.checked_mul(3)? + 3;
    let text = SHORT.get(end - digits..end)?;
    Some(str::from_utf8(text).expect(PLAIN))
}

/// The digits of a number.
pub(crate) struct Digits {
    text: [u8; LONGEST],
    start: usize,
}

impl Digits {
    pub(crate) fn of(mut number: u64) -> Self {
        let (mut text, mut start) = ([b'0'; LONGEST], LONGEST);
        while start == LONGEST || number > 0 {
            start -= 1;
            text[start] += (number % 10) as u8;
            number /= 10;
        }
        Self { text, start }
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.text[self.start..]).expect(PLAIN)
    }
}

/// The numbers of up to three digits, each in three.
static SHORT: [u8; 3_000] = {
    let (mut text, mut at) = ([b'0'; 3_000], 0);
    while at < text.len() {
        let (number, place) = (at / 3, at % 3);
        let digit = [number / 100, number / 10 % 10, number % 10][place];
        text[at] += digit as u8;
        at += 1;
    }
    text
};

/// Of 2⁶⁴.
const LONGEST: usize = 20;

const PLAIN: &str = "digits are plain text";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_in_its_digits() {
        let few = (0..1_002).chain([9_999, 10_000, 86_400, u64::from(u32::MAX)]);
        for number in few.chain([u64::MAX - 1, u64::MAX]) {
            assert_eq!(value(number), number.to_string());
            assert_eq!(Digits::of(number).as_str(), number.to_string());
        }
    }
}
