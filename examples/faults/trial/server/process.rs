//! A process of an unprivileged user that does not outlive this one.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::trial::failure::{Failure, Result};

/// Whom a server runs as: servers refuse to be root.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    uid: u32,
    gid: u32,
}

impl User {
    /// The first of these that the machine knows if this process is root's, else whoever
    /// runs this process.
    pub(super) fn unprivileged(names: [&str; 2]) -> Result<Self> {
        let own = fs::metadata("/proc/self")?;
        if own.uid() != 0 {
            return Ok(Self { uid: own.uid(), gid: own.gid() });
        }
        let accounts = fs::read_to_string("/etc/passwd")?;
        let found = names.iter().find_map(|name| Self::named(&accounts, name));
        found.ok_or_else(|| Failure::new(format!("there is no user {}", names.join(" or "))))
    }

    fn named(accounts: &str, name: &str) -> Option<Self> {
        let mut fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let account = fields.find(|fields| fields[0] == name)?;
        Some(Self { uid: account.get(2)?.parse().ok()?, gid: account.get(3)?.parse().ok()? })
    }

    pub(super) fn give(self, path: &Path) -> Result<()> {
        Ok(chown(path, Some(self.uid), Some(self.gid))?)
    }

    /// A command of this user's, which gets `last` when the thread that starts it ends,
    /// however that comes about.
    pub(super) fn command(self, program: &Path, last: Signal) -> Result<Command> {
        let mut command = Command::new("setpriv");
        if fs::metadata("/proc/self")?.uid() == 0 {
            command.arg("--clear-groups");
            command.args([format!("--reuid={}", self.uid), format!("--regid={}", self.gid)]);
        }
        command.arg(format!("--pdeathsig={}", last.name())).arg("--").arg(program);
        command.stdin(Stdio::null());
        Ok(command)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    Stop,
    Continue,
    Quit,
    Kill,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Continue => "CONT",
            Self::Quit => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// A process and its children. Ended on drop.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    last: Signal,
}

impl Process {
    /// Starts a command of [`User::command`], with its output in `log`.
    pub(super) fn start(mut command: Command, log: &Path, last: Signal) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self { child, last })
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Tells the process and then all its children, so that none is made meanwhile.
    pub(super) fn tell_all(&self, signal: Signal) -> Result<()> {
        tell(&[self.child.id()], signal)?;
        tell(&self.children(), signal)
    }

    /// Ends it at once, as a crash does.
    pub(super) fn crash(&mut self) -> Result<()> {
        self.tell_all(Signal::Continue)?;
        let children = self.children();
        tell(&[self.child.id()], self.last)?;
        for _ in 0..PATIENCE {
            if self.has_ended() {
                return Ok(());
            }
            sleep(PAUSE);
        }
        self.child.kill()?;
        self.child.wait()?;
        tell(&children, Signal::Kill)
    }

    fn children(&self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| parent(*id) == Some(self.child.id())).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            // There is nobody to tell; the thread's end sends the signal once more.
            let _ = self.crash();
        }
    }
}

/// The second field after the name, which may hold anything.
fn parent(id: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = status.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// The processes may have ended meanwhile, so it is no failure that they are not there.
fn tell(ids: &[u32], signal: Signal) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = ids.iter().map(u32::to_string);
    let mut command = Command::new("kill");
    command.arg(format!("-{}", signal.name())).args(ids).stderr(Stdio::null()).status()?;
    Ok(())
}

const PAUSE: Duration = Duration::from_millis(10);
/// In pauses: 5 s.
const PATIENCE: u32 = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let accounts = "postgresql:x:1:2::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n";
        let user = User::named(accounts, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (101, 104));
        assert!(User::named(accounts, "mysql").is_none());
    }

    #[test]
    fn this_process_has_a_parent() {
        let own = parent(std::process::id());
        assert_eq!(own, Some(std::os::unix::process::parent_id()));
    }
}
