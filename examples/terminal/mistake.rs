//! Mistakes on the command line.

use std::process::ExitCode;

/// Help in full, a mistake in one line.
pub(crate) fn explain(program: &str, error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    if error.use_stderr() {
        // What is required but missing follows in the next lines.
        let mistake = text.split("\n\n").next().unwrap_or_default();
        let mistake = mistake.split_whitespace().collect::<Vec<_>>().join(" ");
        eprintln!("{program}: {} (try --help)", mistake.trim_start_matches("error: "));
        return ExitCode::from(2);
    }
    println!("{text}");
    ExitCode::SUCCESS
}
