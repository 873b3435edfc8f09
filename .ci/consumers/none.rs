//: brownout = { path = "../brownout", default-features = false }

use brownout::{
    Class, Outcome, Priority, Signal,
    limit::{Knee, Limit, Usage},
};

fn main() {
    let class = Class::new(Priority::Critical).cells(2);
    let mut limit = Knee::default();
    println!("{class:?}, {:?}, {}", Outcome::Success, limit.limit());
    let _learn = |signal: &Signal, usage: &Usage| limit.update(signal, usage);
}
