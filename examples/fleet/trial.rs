//! One run: a Redis, the processes, and what is done to them.

use std::{
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, SystemTime},
};

use crate::{
    Result,
    args::{Args, Terms},
    findings::Findings,
    ledger::Ledger,
    member::HOT,
    server::Server,
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) terms: Terms,
    pub(crate) outage: Option<Outage>,
}

/// What becomes of Redis from a third of the time to the half of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// It is killed, and started again, empty.
    Killed,
    /// It stands still. Connections stay, and nothing is answered.
    Frozen,
}

impl Trial {
    pub(crate) fn all(args: &Args) -> [Self; 5] {
        let Args { processes, seconds, rate, lease, .. } = *args;
        // What is counted is to be the quota of all, however busy the machine is.
        let strict = Terms { processes, seconds, rate, lease: 1, times: OVERLOAD, patience: 1_000 };
        // It takes a while to come back.
        let longer = Terms { seconds: seconds.max(10) + 5, patience: 5, ..strict };
        [
            Self { name: "strict", terms: strict, outage: None },
            Self { name: "leased", terms: Terms { lease, ..strict }, outage: None },
            Self {
                name: "at ease",
                terms: Terms { lease, times: AT_EASE, ..strict },
                outage: None,
            },
            Self { name: "killed", terms: longer, outage: Some(Outage::Killed) },
            Self { name: "frozen", terms: longer, outage: Some(Outage::Frozen) },
        ]
    }

    pub(crate) fn run(self) -> Result<Findings> {
        let mut server = Server::start(&[])?;
        let start = SystemTime::UNIX_EPOCH.elapsed()? + LEAD;
        let members: Vec<Child> = (0..self.terms.processes)
            .map(|_| self.member(&server, start))
            .collect::<Result<_>>()?;
        let third = Duration::from_secs(self.terms.seconds.into()) / 3;
        match self.outage {
            None => {}
            Some(Outage::Killed) => {
                sleep(LEAD + third);
                server.crash()?;
                sleep(third / 2);
                server.restart()?;
            }
            Some(Outage::Frozen) => {
                sleep(LEAD + third);
                server.freeze()?;
                sleep(third / 2);
                server.thaw()?;
            }
        }
        let mut sum = Ledger::new(HOT);
        for member in members {
            let output = member.wait_with_output()?;
            sum.add(&Ledger::from_json(&String::from_utf8(output.stdout)?)?);
        }
        Ok(Findings::new(self, sum))
    }

    fn member(self, server: &Server, start: Duration) -> Result<Child> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["member", "--url", &server.url()]);
        command.args(["--start", &start.as_millis().to_string()]).args(self.terms.arguments());
        Ok(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?)
    }
}

/// What a hot client wants, in times its quota.
pub(crate) const OVERLOAD: f64 = 5.0;
/// The same, where there is enough for all.
pub(crate) const AT_EASE: f64 = 0.8;
/// In which all processes are up and know of one another.
const LEAD: Duration = Duration::from_secs(3);
