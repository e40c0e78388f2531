//! `codegen`: tables that are computed instead of typed.

mod bytes;
mod hpack_huffman;
mod hpack_static;
mod qpack_static;

use crate::process::root;

/// A generated file: its path from the root, and the function that makes its text.
type Table = (&'static str, fn() -> String);

const TABLES: &[Table] = &[
    ("crates/hpack/src/tables_huffman.rs", hpack_huffman::tables),
    ("crates/hpack/src/tables_static.rs", hpack_static::tables),
    ("crates/qpack/src/tables_static.rs", qpack_static::tables),
    ("crates/wire/src/tables.rs", bytes::tables),
];

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("usage: codegen [--check]".into()),
    };
    let mut stale = Vec::new();
    for (path, generate) in TABLES {
        let file = root().join(path);
        let text = generate();
        if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(*path);
        } else {
            std::fs::write(&file, text).map_err(|error| format!("cannot write {path}: {error}"))?;
            eprintln!("wrote {path}");
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("stale, run `cargo xtask codegen`: {}", stale.join(", ")))
}
