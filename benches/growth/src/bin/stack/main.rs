//! What the whole stack costs a real server: axum over loopback, with and without it, and with
//! a layer that does nothing, at saturation.
//!
//! `cargo run --release --manifest-path benches/growth/Cargo.toml --bin stack [-- ROUNDS
//! [SECONDS]]`. Each round serves for so long each way, in turns, from a process of its own, so that its time on the processor is
//! its own, too. Default: 5 rounds of 1 second.

mod load;
mod server;
mod usage;

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use load::Load;
use usage::Usage;

/// What is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// 13 bytes at once.
    Small,
    /// The same in two parts, 2 ms apart.
    Slow,
}

impl Page {
    const ALL: [Self; 2] = [Self::Small, Self::Slow];

    fn path(self) -> &'static str {
        match self {
            Self::Small => "/small",
            Self::Slow => "/slow",
        }
    }

    /// Enough to saturate the server: who waits for the slow page needs no processor.
    fn connections(self) -> usize {
        match self {
            Self::Small => 16,
            Self::Slow => 128,
        }
    }
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", stack] => server::serve(stack),
        ref numbers => {
            let number = |at: usize, or: f64| {
                numbers.get(at).map_or(or, |text| text.parse().expect("it is a number"))
            };
            compare(number(0, 5.0) as usize, Duration::from_secs_f64(number(1, 1.0)));
        }
    }
}

fn compare(rounds: usize, time: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    println!("| page | with | requests/s | of the bare | µs of CPU | of the bare |");
    println!("|---|---|---:|---:|---:|---:|");
    for page in Page::ALL {
        let mut servers = server::STACKS.map(Server::start);
        let mut measured = Vec::new();
        for round in 0..=rounds {
            let mut all = [Measured::default(); WAYS];
            // Whoever comes second finds another machine.
            for which in (0..WAYS).map(|which| (which + round) % WAYS) {
                all[which] = servers[which].measure(&runtime, page, time);
            }
            // The first is for the caches.
            if round > 0 {
                measured.push(all);
            }
        }
        print(page, &measured);
        servers.iter_mut().for_each(Server::stop);
    }
}

const WAYS: usize = server::STACKS.len();

/// Of one server in one round.
#[derive(Clone, Copy, Default)]
struct Measured {
    per_second: f64,
    cpu_per_request: f64,
}

fn print(page: Page, measured: &[[Measured; WAYS]]) {
    let of =
        |value: &dyn Fn(&[Measured; WAYS]) -> f64| median(measured.iter().map(value).collect());
    for (which, stack) in server::STACKS.iter().enumerate() {
        println!(
            "| {} | {stack} | {:.0} | {:.3} | {:.2} | {:.3} |",
            page.path(),
            of(&|all| all[which].per_second),
            of(&|all| all[which].per_second / all[0].per_second),
            of(&|all| all[which].cpu_per_request * 1e6),
            of(&|all| all[which].cpu_per_request / all[0].cpu_per_request),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A server in a process of its own.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(stack: &str) -> Self {
        let own = env::current_exe().expect("it runs");
        let mut command = Command::new(own);
        command.args(["serve", stack]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it can run again");
        let mut port = String::new();
        let output = process.stdout.as_mut().expect("it is piped");
        BufReader::new(output).read_line(&mut port).expect("it tells its port");
        Self { process, port: port.trim().parse().expect("it is a port") }
    }

    fn measure(&self, runtime: &tokio::runtime::Runtime, page: Page, time: Duration) -> Measured {
        let load = Load { port: self.port, page, connections: page.connections() };
        let before = Usage::of(&self.process);
        let (requests, took) = runtime.block_on(load.run(time));
        let cpu = Usage::of(&self.process).since(before);
        let (cpu, requests) = (cpu.as_secs_f64(), requests as f64);
        Measured { per_second: requests / took.as_secs_f64(), cpu_per_request: cpu / requests }
    }

    /// It ends when nobody writes to it any more.
    fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("it ends");
    }
}
