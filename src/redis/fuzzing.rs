//! What a server may write, read as in a call: for the fuzzer alone, which has no server.

use ::redis::{FromRedisValue, parse_redis_value};

use super::take::taken;
use crate::gate::{SharedRate, Taken};

/// What these bytes answer to a question about these rates, if they do.
#[must_use]
pub fn taken_of(reply: &[u8], rates: &[SharedRate]) -> Option<Taken> {
    taken(&read::<Vec<u64>>(reply)?, rates).ok()
}

/// How many processes these bytes count, if they do.
#[must_use]
pub fn members_of(reply: &[u8]) -> Option<usize> {
    read(reply)
}

fn read<T: FromRedisValue>(reply: &[u8]) -> Option<T> {
    let value = parse_redis_value(reply).ok()?.extract_error().ok()?;
    T::from_redis_value(value).ok()
}
