//: brownout = { path = "../brownout", default-features = false, features = ["simulate"] }

use brownout::{
    limit::Knee,
    simulate::{Guard, Scenario, simulate},
};

fn main() {
    let scenario = Scenario::new("surge").phase(10.0, 0.7).phase(20.0, 5.0);
    let report = simulate(&scenario, || Guard::limit(Knee::default()), 1);
    println!("{:?}", report.phases[1]);
}
