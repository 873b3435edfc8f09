//! Which instructions of this executable lock the memory, and which read the processor's
//! clock.

use std::{collections::HashSet, process::Command};

use crate::callgrind::executable;

/// Addresses of instructions.
pub struct Kinds {
    pub locked: HashSet<u64>,
    pub clock: HashSet<u64>,
}

pub fn kinds() -> Result<Kinds, String> {
    let mut objdump = Command::new("objdump");
    let ran = objdump.args(["--disassemble", "--no-show-raw-insn"]).arg(executable()).output();
    let ran = ran.map_err(|why| format!("objdump is needed to tell locked operations: {why}"))?;
    let text = String::from_utf8_lossy(&ran.stdout);
    let of_kind = |is: fn(&str) -> bool| {
        text.lines().filter_map(instruction).filter(move |(_, text)| is(text)).map(|found| found.0)
    };
    Ok(Kinds { locked: of_kind(is_locked).collect(), clock: of_kind(is_clock).collect() })
}

/// Lines are `  ADDRESS:\tTEXT`.
fn instruction(line: &str) -> Option<(u64, &str)> {
    let (address, text) = line.split_once(":\t")?;
    Some((u64::from_str_radix(address.trim(), 16).ok()?, text))
}

/// `xchg` with memory locks without saying so; with registers alone it does not.
fn is_locked(text: &str) -> bool {
    text.starts_with("lock") || (text.starts_with("xchg") && text.contains('('))
}

fn is_clock(text: &str) -> bool {
    text.starts_with("rdtsc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_locks_is_known() {
        assert_eq!(
            instruction("   1a2b:\tlock xadd %rax,(%rdi)"),
            Some((0x1a2b, "lock xadd %rax,(%rdi)"))
        );
        assert_eq!(instruction("Disassembly of section .text:"), None);
        assert!(is_locked("lock xadd %rax,(%rdi)"));
        assert!(is_locked("xchg   %al,0x8(%rdi)"));
        assert!(!is_locked("xchg   %ax,%ax"), "it does nothing");
        assert!(!is_locked("mov    %rax,(%rdi)"));
        assert!(is_clock("rdtscp") && !is_clock("ret"));
    }
}
