//! Prints all that a crate promises, a line for each item, from rustdoc's JSON of it.

use std::{env, error::Error};

use public_api::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args_os().nth(1).ok_or("say where rustdoc's JSON is")?;
    let api = Builder::from_rustdoc_json(json).omit_blanket_impls(true).build()?;
    let items = api.items().map(|item| item.to_string());
    items.filter(|item| !is_beside_the_point(item)).for_each(|item| println!("{item}"));
    Ok(())
}

/// Whether a future may go to another thread is a promise. Who counts on the rest?
fn is_beside_the_point(item: &str) -> bool {
    let traits = [
        "core::marker::Freeze",
        "core::marker::StructuralPartialEq",
        "core::marker::Unpin",
        "core::marker::UnsafeUnpin",
        "core::panic::unwind_safe::",
    ];
    item.starts_with("impl") && traits.iter().any(|own| item.contains(own))
}
