//! How the cost grows with what there is much of, and what each thing takes of the heap.
//!
//! `cargo run --release --manifest-path benches/growth/Cargo.toml --bin growth
//! [-- WORD] [--write FILE]`. Instructions are counted by callgrind, which has to be
//! installed: each scene runs twice, the second time with more calls, and the difference is
//! what they cost. The clock is the real one, so that a signal falls into it now and then.

mod heap;
mod memory;
mod scenes;
mod table;

use std::{
    env, fs, io,
    process::{Command, ExitCode},
};

use scenes::{SCENES, Scene};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["scene", name, n, calls] => run_scene(name, n, calls),
        [] => show("", None),
        [word] => show(word, None),
        ["--write", file] => show("", Some(file)),
        [word, "--write", file] => show(word, Some(file)),
        _ => {
            eprintln!("growth [WORD] [--write FILE]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn run_scene(name: &str, n: &str, calls: &str) {
    let scene = SCENES.iter().find(|scene| scene.name == name).expect("it is one of them");
    let number = |text: &str| text.parse().expect("it is a number");
    (scene.run)(number(n), number(calls));
}

fn show(word: &str, file: Option<&str>) {
    let chosen = SCENES.iter().filter(|scene| scene.name.contains(word));
    let rows: Vec<_> = chosen.map(|scene| table::row(scene, &measured(scene))).collect();
    let text = [table::growth(&rows), table::memory(&memory::each())].concat();
    println!("{text}");
    if let Some(file) = file {
        fs::write(file, [table::HEAD, &text].concat()).expect("the file can be written");
    }
}

/// Instructions per call, at each of the scene's sizes.
fn measured(scene: &Scene) -> Vec<(usize, u64)> {
    let per_call = |n: usize| {
        let [few, many] = scene.calls.map(|calls| {
            instructions(scene.name, n, calls).expect("valgrind is installed and counts")
        });
        many.saturating_sub(few) / (scene.calls[1] - scene.calls[0]) as u64
    };
    scene.all_sizes().map(|n| (n, per_call(n))).collect()
}

fn instructions(scene: &str, n: usize, calls: usize) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["scene", scene, &n.to_string(), &calls.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let counted = text.lines().find_map(|line| line.split_once("Collected :"));
    let counted = counted.and_then(|(_, number)| number.trim().parse().ok());
    counted.ok_or_else(|| io::Error::other(text.into_owned()))
}
