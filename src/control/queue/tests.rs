//! Promises of the order.

use super::*;
use Priority::{Bulk, Critical, Normal, Sheddable};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);
const WAIT: Duration = Duration::from_millis(250);

/// A queue with a clock, whose items tell their class and name.
struct Trial {
    queue: Queue<(Class, usize)>,
    now: Instant,
    names: usize,
}

impl Trial {
    fn new(capacity: usize) -> Self {
        Self { queue: Queue::new(capacity, WAIT), now: Instant::now(), names: 0 }
    }

    /// Enters with the next name: 0, 1, 2 …
    fn enter(&mut self, class: Class) -> Entered<(Class, usize)> {
        self.names += 1;
        self.queue.enter(&class, self.now, || (class, self.names - 1))
    }

    fn enter_all(&mut self, classes: impl IntoIterator<Item = Class>) {
        for class in classes {
            assert!(matches!(self.enter(class), Entered::Waiting(_)));
        }
    }

    fn first(&mut self) -> Option<(Class, usize)> {
        self.queue.leave_first(|_| true, Cost::DOUBLINGS, self.now).map(|(_, item)| item)
    }

    /// The names of those that go, in order.
    fn order(mut self) -> Vec<usize> {
        std::iter::from_fn(|| self.first()).map(|(_, name)| name).collect()
    }

    /// Who had to go for a newcomer.
    fn evicted_for(&mut self, class: Class) -> usize {
        match self.enter(class) {
            Entered::Evicting(_, (_, name)) => name,
            other => panic!("nobody had to go: {other:?}"),
        }
    }

    /// Lets time pass until what waits stands.
    fn stand(&mut self) {
        self.now += 2 * WAIT + MS;
    }
}

fn class(priority: Priority) -> Class {
    Class::new(priority)
}

fn of(client: u32) -> Class {
    class(Normal).key(&client)
}

/// Clients that fall into groups of their own.
fn clients(count: usize) -> Vec<Class> {
    let mut found: Vec<Class> = Vec::new();
    for candidate in (0..).map(of) {
        let group = |class: &Class| super::super::fair::Fair::group(class.key);
        if found.len() == count {
            break;
        }
        if found.iter().all(|other| group(other) != group(&candidate)) {
            found.push(candidate);
        }
    }
    found
}

#[test]
fn the_most_important_goes_first_and_in_order() {
    let mut trial = Trial::new(9);
    trial.enter_all([Bulk, Normal, Critical, Normal].map(class));
    assert_eq!(trial.order(), [2, 1, 3, 0]);
}

#[test]
fn inside_a_priority_the_rank_counts_and_then_the_cost() {
    let mut trial = Trial::new(9);
    trial.enter_all([
        class(Normal).rank(1),
        class(Normal).cost(9.0),
        class(Normal).cost(8.0),
        class(Normal),
        class(Normal).cost(1.9),
        class(Bulk),
        class(Critical).rank(255).cost(600.0),
    ]);
    assert_eq!(trial.order(), [6, 3, 4, 1, 2, 0, 5]);
}

#[test]
fn the_newest_of_the_least_important_has_to_go() {
    let mut trial = Trial::new(3);
    trial.enter_all([Sheddable, Sheddable, Normal].map(class));
    assert_eq!(trial.evicted_for(class(Critical)), 1);
    assert!(matches!(trial.enter(class(Sheddable)), Entered::Full));
    assert_eq!(trial.queue.len(), 3);
}

#[test]
fn the_dearest_of_the_last_rank_has_to_go_also_for_an_equal() {
    let mut trial = Trial::new(4);
    let normal = class(Normal);
    trial.enter_all([normal.rank(1).cost(8.0), normal.rank(1), normal.cost(8.0), normal]);
    assert_eq!(trial.evicted_for(normal), 0);
    assert_eq!(trial.evicted_for(normal), 1);
    assert_eq!(trial.evicted_for(normal), 2);
    assert!(matches!(trial.enter(normal), Entered::Full));
}

#[test]
fn who_has_the_most_waiting_gives_way_to_an_equal() {
    let [heavy, light] = clients(2)[..] else { panic!("there are two") };
    let mut trial = Trial::new(3);
    trial.enter_all([heavy, heavy, heavy]);
    assert_eq!(trial.evicted_for(light), 2);
    assert!(matches!(trial.enter(light), Entered::Full), "two each would be no better");
    assert_eq!(trial.order(), [0, 3, 1]);
}

#[test]
fn clients_take_turns_and_the_dear_take_fewer() {
    let [dear, cheap] = clients(2)[..] else { panic!("there are two") };
    let mut trial = Trial::new(9);
    trial.enter_all([dear.cost(1.9); 3].into_iter().chain([cheap; 6]));
    assert_eq!(trial.order(), [0, 3, 4, 1, 5, 6, 2, 7, 8]);
}

#[test]
fn a_burst_goes_oldest_first() {
    let mut trial = Trial::new(3);
    trial.enter_all([class(Normal); 3]);
    trial.now += 2 * WAIT;
    assert_eq!(trial.order(), [0, 1, 2]);
}

#[test]
fn a_queue_that_stands_goes_newest_first_until_it_was_empty() {
    let mut trial = Trial::new(9);
    trial.enter_all([class(Normal); 3]);
    trial.stand();
    trial.enter_all([class(Normal)]);
    let order: Vec<_> = std::iter::from_fn(|| trial.first()).map(|(_, name)| name).collect();
    assert_eq!(order, [3, 2, 1, 0]);
    trial.enter_all([class(Normal); 2]);
    assert_eq!(trial.order(), [4, 5]);
}

#[test]
fn in_a_full_queue_that_stands_the_oldest_has_to_go_also_for_an_equal() {
    let mut trial = Trial::new(3);
    trial.enter_all([class(Normal); 3]);
    trial.stand();
    assert_eq!(trial.evicted_for(class(Normal)), 0);
    assert_eq!(trial.evicted_for(class(Critical)), 1);
    assert!(matches!(trial.enter(class(Bulk)), Entered::Full), "it is the lowest itself");
    assert_eq!(trial.order(), [4, 3, 2]);
}

#[test]
fn each_priority_stands_by_itself() {
    let mut trial = Trial::new(9);
    trial.enter_all([class(Bulk); 2]);
    trial.stand();
    trial.enter_all([class(Critical); 2]);
    assert_eq!(trial.order(), [2, 3, 1, 0]);
}

#[test]
fn a_place_is_given_back_once() {
    let mut trial = Trial::new(2);
    let tickets = [(), ()].map(|()| match trial.enter(class(Normal)) {
        Entered::Waiting(ticket) => ticket,
        other => panic!("{other:?}"),
    });
    assert_eq!(trial.queue.leave(tickets[0]).map(|(_, name)| name), Some(0));
    assert_eq!(trial.queue.leave(tickets[0]), None);
    assert_eq!(trial.first().map(|(_, name)| name), Some(1));
    assert_eq!(trial.queue.leave(tickets[1]), None);
}

#[test]
fn who_has_no_room_is_passed_over() {
    let mut trial = Trial::new(9);
    trial.enter_all([class(Critical).cost(8.0), class(Normal), class(Bulk)]);
    let important = |priority| priority >= Normal;
    assert!(trial.queue.is_ahead_of(Critical, 3) && !trial.queue.is_ahead_of(Critical, 2));
    let mut next = || trial.queue.leave_first(important, 2, trial.now).map(|(_, (_, name))| name);
    assert_eq!((next(), next()), (Some(1), None));
}

/// What comes and goes, one after the other.
#[derive(Clone, Debug)]
enum Step {
    Enter(Class),
    Serve,
    Pass(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = (0..4_usize, 0..3_u8, 0..4_u8, prop::option::of(0..5_u32)).prop_map(
        |(priority, rank, doublings, client)| {
            let class = Class::new(Priority::ALL[priority]).rank(rank);
            let class = class.cost(f64::from(1 << doublings));
            client.map_or(class, |client| class.key(&client))
        },
    );
    let step = prop_oneof![
        4 => class.prop_map(Step::Enter),
        2 => Just(Step::Serve),
        1 => (0..400_u32).prop_map(|wait| Step::Pass(wait * MS)),
    ];
    prop::collection::vec(step, 0..120)
}

proptest! {
    /// Against a plain list of who waits.
    #[test]
    fn priority_rank_and_cost_are_never_passed_over(capacity in 0..8_usize, steps in steps()) {
        let mut trial = Trial::new(capacity);
        let mut list: Vec<(Class, usize)> = Vec::new();
        let key = |class: &Class| {
            (std::cmp::Reverse(class.priority), class.rank, class.cost.doublings())
        };
        for step in steps {
            match step {
                Step::Pass(time) => trial.now += time,
                Step::Serve => {
                    let served = trial.first();
                    prop_assert_eq!(served.is_none(), list.is_empty());
                    if let Some(served) = served {
                        prop_assert!(list.iter().all(|(each, _)| key(&served.0) <= key(each)));
                        list.retain(|each| *each != served);
                    }
                }
                Step::Enter(class) => {
                    list.push((class, trial.names));
                    let gone = match trial.enter(class) {
                        Entered::Waiting(_) => None,
                        Entered::Evicting(_, gone) => Some(gone),
                        Entered::Full => list.last().copied(),
                    };
                    if let Some(gone) = gone {
                        prop_assert!(list.iter().all(|(each, _)| key(each) <= key(&gone.0)));
                        list.retain(|each| *each != gone);
                    }
                }
            }
            prop_assert!(trial.queue.len() <= capacity);
            prop_assert_eq!(trial.queue.len(), list.len());
        }
    }

    /// One client sends nine tenths of what comes, nine others the rest; what can be
    /// served is half.
    #[test]
    fn light_clients_get_what_they_ask_for(
        capacity in 30..200_usize,
        arrivals in prop::collection::vec((0..10_u8, 0..9_usize, 0..20_u32), 1000),
    ) {
        let clients = clients(10);
        let mut trial = Trial::new(capacity);
        for (index, (kind, light, pause)) in arrivals.into_iter().enumerate() {
            trial.now += pause * MS;
            let is_light = kind == 0;
            let class = if is_light { clients[1 + light] } else { clients[0] };
            match trial.enter(class) {
                Entered::Waiting(_) => {}
                Entered::Evicting(_, (lost, _)) => prop_assert!(lost == clients[0]),
                Entered::Full => prop_assert!(!is_light),
            }
            if index % 2 == 0 {
                trial.first();
            }
        }
        // Of ten, the light ones have each asked for a hundredth and are entitled to more.
        let left: Vec<_> = std::iter::from_fn(|| trial.first()).map(|(class, _)| class).collect();
        let light = left.iter().filter(|class| **class != clients[0]).count();
        prop_assert!(light <= 20, "{light} of {} still wait", left.len());
    }

    /// However the costs are spread, two clients that always wait get the same.
    #[test]
    fn who_always_waits_gets_an_equal_share(
        costs in prop::collection::vec((1.0..1.99_f64, 1.0..1.99_f64), 200),
    ) {
        let clients = clients(2);
        let mut trial = Trial::new(1000);
        for (one, other) in costs {
            trial.enter_all([clients[0].cost(one), clients[1].cost(other)]);
        }
        let mut served = [0.0; 2];
        for _ in 0..200 {
            let (class, _) = trial.first().expect("there are more");
            served[usize::from(class.key == clients[1].key)] += class.cost.get();
            prop_assert!((served[0] - served[1]).abs() < 2.0, "{served:?}");
        }
    }
}
