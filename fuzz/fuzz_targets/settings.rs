//! Settings in a file, and after a NUL in variables, one a line: what is taken comes back as it was,
//! and all of it can be built.

#![no_main]

use brownout::{Admission, Database, InvalidSettings, Quota, RateGate, RateLimit, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (file, vars) = text.split_once('\0').unwrap_or((text, ""));
    let vars = vars.lines().filter_map(|line| line.split_once('='));
    match Settings::from_toml(file).and_then(|settings| settings.with_vars("BROWNOUT_", vars)) {
        Ok(settings) => {
            comes_back(&settings);
            comes_back(&settings.effective());
            can_be_built(&settings);
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
});

fn comes_back(settings: &Settings) {
    let text = settings.to_toml();
    let again: Result<_, InvalidSettings> = Settings::from_toml(&text);
    assert_eq!(again.as_ref(), Ok(settings), "{text}");
    assert!(settings.takes_restart(settings).is_empty());
}

fn can_be_built(settings: &Settings) {
    // Its keys may be more than there is memory for: it is reloaded, which leaves their number.
    if let Some(limit) = settings.rate() {
        let reloaded = gates().iter().filter(|gate| gate.reload(limit.clone()).is_ok()).count();
        assert_eq!(reloaded, 1);
    }
    let few = RateLimit::new(Quota::per_second(1));
    let mut builder = Admission::builder().settings(settings).rate(few);
    let names = settings.databases();
    let databases: Vec<_> = names.map(|name| Database::builder(name).settings(settings)).collect();
    for database in databases {
        builder = builder.protect(&database.build().expect("it was checked"));
    }
    builder.build().expect("it was checked");
    let _ = settings.routes();
}

/// Of each kind that a reload cannot change into another.
fn gates() -> [RateGate; 4] {
    [(false, false), (false, true), (true, false), (true, true)].map(|(per_key, downgrades)| {
        let mut limit = RateLimit::new(Quota::per_second(1)).max_keys(1);
        if per_key {
            limit = limit.per_key();
        }
        if downgrades {
            limit = limit.downgrade_to(brownout::Priority::Bulk);
        }
        limit.gate().expect("it is valid")
    })
}
