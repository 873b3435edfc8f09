//! Runs a case under callgrind, and reads what that wrote.

use std::{collections::HashMap, env, fs, mem, path::PathBuf, process::Command};

use crate::measured::COUNTED;

/// What was done in the counted function.
pub struct Profile {
    /// What the case printed.
    pub said: String,
    /// How often each instruction of this executable was done, by its address.
    pub own: HashMap<u64, u64>,
    /// All, also in libraries.
    pub instructions: u64,
}

pub fn profile(case: &str) -> Result<Profile, String> {
    let this = executable();
    let file = format!("brownout-cost.{}.{}", std::process::id(), case.replace('/', " "));
    let file = env::temp_dir().join(file);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--dump-instr=yes", "--compress-pos=no"]);
    valgrind.args(["--compress-strings=no", "--dump-line=no"]);
    valgrind.arg(format!("--toggle-collect={COUNTED}"));
    valgrind.arg(format!("--callgrind-out-file={}", file.display()));
    let ran = valgrind.arg(&this).args(["--run", case]).output();
    let ran = ran.map_err(|why| format!("valgrind is needed to count instructions: {why}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let own = said.lines().filter(|line| !line.starts_with("=="));
        return Err(format!("{case}: {}", own.collect::<Vec<_>>().join("\n")));
    }
    let written = fs::read_to_string(&file).map_err(|why| format!("{}: {why}", file.display()))?;
    let _ = fs::remove_file(&file);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    Ok(read(said, &written, &this.to_string_lossy()))
}

pub fn executable() -> PathBuf {
    env::current_exe().expect("it has a path")
}

/// Lines of costs are `0xADDRESS COUNT`. One after a line `calls=` is what the callee did,
/// which has lines of its own.
fn read(said: String, written: &str, this: &str) -> Profile {
    let mut profile = Profile { said, own: HashMap::new(), instructions: 0 };
    let (mut own, mut of_callee) = (false, false);
    for line in written.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            own = object == this;
        } else if line.starts_with("calls=") {
            of_callee = true;
        } else if let Some((address, count)) = cost(line)
            && !mem::take(&mut of_callee)
        {
            profile.instructions += count;
            *profile.own.entry(address).or_default() += if own { count } else { 0 };
        }
    }
    profile
}

fn cost(line: &str) -> Option<(u64, u64)> {
    let mut words = line.strip_prefix("0x")?.split_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    Some((address, words.last()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_callee_did_counts_once() {
        let written = "ob=/this\nfn=a\n0x10 0 3\n0x14 0 1\ncfn=b\ncalls=1 0x99\n0x14 0 50\n\
                       ob=/libc\nfn=b\n0x99 0 50\n";
        let profile = read(String::new(), written, "/this");
        assert_eq!(profile.instructions, 54);
        assert_eq!(profile.own.get(&0x14), Some(&1));
        assert_eq!(profile.own.get(&0x99), Some(&0), "another's");
    }
}
