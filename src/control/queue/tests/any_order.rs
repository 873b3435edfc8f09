//! Promises whatever comes and goes.

use super::*;

/// What comes and goes, one after the other.
#[derive(Clone, Debug)]
enum Step {
    Enter(Class),
    Serve,
    Pass(Duration),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let client = prop::option::of(0..5_u32);
    let class = (0..4_usize, any::<bool>(), 0..3_u8, 0..4_u8, client).prop_map(
        |(priority, retry, rank, doublings, client)| {
            let class = Class::new(Priority::ALL[priority]).retry(retry).rank(rank);
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
    fn priority_first_tries_rank_and_cost_are_never_passed_over(capacity in 0..8_usize, steps in steps()) {
        let mut trial = Trial::new(capacity);
        let mut list: Vec<(Class, usize)> = Vec::new();
        let key = |class: &Class| {
            (std::cmp::Reverse(class.priority), class.retry, class.rank, class.cost.doublings())
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
