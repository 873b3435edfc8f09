//! What our own cases are held to.

use What::*;

/// Of a case, at most so much.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub case: &'static str,
    pub what: What,
    pub most: Most,
}

#[derive(Clone, Copy, Debug)]
pub enum Most {
    Of(f64),
    /// Beyond what another case has of the same.
    Beyond(&'static str, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Nanoseconds above the bare one.
    Time,
    /// Above the bare one.
    Instructions,
    /// With the bare one's.
    AllInstructions,
    Locked,
    Heap,
}

const fn goal(case: &'static str, what: What, most: f64) -> Goal {
    Goal { case, what, most: Most::Of(most) }
}

const fn beyond(case: &'static str, what: What, other: &'static str, most: f64) -> Goal {
    Goal { case, what, most: Most::Beyond(other, most) }
}

const ADMITTED: &str = "concurrency limit, following the service";

pub const GOALS: [Goal; 28] = [
    goal(ADMITTED, Time, 50.0),
    goal(ADMITTED, Instructions, 280.0),
    goal(ADMITTED, Locked, 5.0),
    goal("concurrency limit, following a database", Time, 50.0),
    goal("concurrency limit, following a database", Instructions, 280.0),
    goal("concurrency limit, following a database", Locked, 5.0),
    goal("circuit breaker", Time, 45.0),
    beyond("rate limit", Time, "governor, the check alone", 15.0),
    goal("rate limit per key", Time, 40.0),
    goal("rate limit per key", Instructions, 250.0),
    goal("all three, with priorities", Time, 90.0),
    goal("all three, with priorities", Instructions, 450.0),
    goal("all three, with priorities", Locked, 10.0),
    goal("everything on, with a query, and the body read", Time, 250.0),
    goal("everything on, with a query, and the body read", Heap, 0.0),
    goal("limit and queue full, an error", AllInstructions, 300.0),
    beyond("limit and queue full, an error", AllInstructions, ADMITTED, 0.0),
    beyond("limit and queue full, 503", AllInstructions, ADMITTED, 0.0),
    goal("limit and queue full, an error", Heap, 0.0),
    goal("quota spent, the decision", Heap, 0.0),
    goal("quota of a key spent, the decision", Heap, 0.0),
    goal("circuit open, the decision", Heap, 0.0),
    goal("limit and queue full, the decision", Heap, 0.0),
    goal("limit and queue full, the decision", Time, 30.0),
    goal("quota spent, 429", Time, 75.0),
    goal("a query recorded", Time, 60.0),
    goal("a query of a statement recorded", Time, 60.0),
    goal("a query of a statement recorded", Heap, 0.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goal_is_one_of_a_case() {
        let cases = crate::cases::all();
        let is_case = |name| cases.iter().any(|case| case.name == name);
        for goal in GOALS {
            assert!(is_case(goal.case), "{goal:?}");
            assert!(
                matches!(goal.most, Most::Of(_))
                    || matches!(goal.most, Most::Beyond(other, _) if is_case(other))
            );
        }
    }
}
