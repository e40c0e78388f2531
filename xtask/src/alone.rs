//! `check-alone`: each codec crate taken by itself, as a user of it alone gets it.

use crate::process::{cargo, output, root, run as run_command};
use std::path::Path;
use std::process::Command;

/// The crates, by folder.
const CRATES: &[&str] = &["wire", "wire-codec", "http-semantics", "http1", "hpack", "qpack", "http2-frames"];

/// All that default features may bring in, beside wirelace crates: the public types, the parser, and macros.
const ALLOWED: &[&str] = &[
    "bytes",
    "crc",
    "crc-catalog",
    "fnv",
    "http",
    "itoa",
    "memchr",
    "nom",
    "proc-macro2",
    "quote",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
];

/// A target without `std`; used when it is installed.
const BARE_TARGET: &str = "x86_64-unknown-none";

/// Makes a library `no_std` without its feature `std`.
const ATTRIBUTE: &str = r#"#![cfg_attr(not(feature = "std"), no_std)]"#;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if !args.is_empty() {
        return Err("usage: check-alone".into());
    }
    let bare = bare_target_installed();
    if !bare {
        eprintln!("{BARE_TARGET} is not installed: no_std is checked by attributes and features alone");
    }
    for folder in CRATES {
        let package = format!("wirelace-{folder}");
        let path = root().join("crates").join(folder).join("src/lib.rs");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        if !text.lines().any(|line| line == ATTRIBUTE) {
            return Err(format!("{package}: src/lib.rs lacks {ATTRIBUTE}"));
        }
        let tree = |options: &[&str]| {
            output(cargo().args(["tree", "--prefix", "none", "--package", &package]).args(options))
        };
        none(&package, "depends on", unexpected(&tree(&["--edges", "normal", "--format", "{p}"])?))?;
        let features = tree(&["--no-default-features", "--edges", "normal,features"])?;
        none(&package, "needs std without its feature through", std_features(&features))?;
        let build = ["build", "--no-default-features", "--package", &package];
        run_command(cargo().args(build))?;
        if bare {
            run_command(cargo().args(build).args(["--target", BARE_TARGET]))?;
        }
        front_page(folder, &package, &text)?;
    }
    eprintln!("{} crates stand alone", CRATES.len());
    Ok(())
}

fn none(package: &str, what: &str, found: Vec<String>) -> Result<(), String> {
    if found.is_empty() { Ok(()) } else { Err(format!("{package} {what} {}", found.join(", "))) }
}

fn bare_target_installed() -> bool {
    let folder = output(Command::new("rustc").args(["--print", "target-libdir", "--target", BARE_TARGET]));
    folder.is_ok_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Packages in `cargo tree`'s list that nobody allowed.
fn unexpected(tree: &str) -> Vec<String> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let foreign = names.filter(|name| !name.starts_with("wirelace-") && !ALLOWED.contains(name));
    let mut found: Vec<String> = foreign.map(str::to_owned).collect();
    found.sort();
    found.dedup();
    found
}

/// Features named `std` in `cargo tree`'s list, other than those of crates that run in the compiler.
fn std_features(tree: &str) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_once(" feature "))
        .filter(|(_, feature)| feature.starts_with("\"std\""))
        .map(|(name, _)| name.to_owned())
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Builds the example of the crate's front page in a crate outside the workspace that depends on nothing else
/// of ours.
fn front_page(folder: &str, package: &str, lib: &str) -> Result<(), String> {
    let example = first_example(lib).ok_or_else(|| format!("{package}: no example on the front page"))?;
    let scratch = root().join("target/alone").join(folder);
    let crates = root().join("crates");
    let mut manifest = format!(
        "[workspace]\n\n[package]\nname = \"alone\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         {package} = {{ path = \"{}\" }}\n",
        crates.join(folder).display()
    );
    // Types at the borders come from these; a user who meets them has them.
    for border in ["bytes", "http"] {
        if example.contains(&format!("{border}::")) {
            manifest.push_str(&format!("{border} = \"1\"\n"));
        }
    }
    let write = |name: &str, text: &str| {
        let path = scratch.join(name);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    write("Cargo.toml", &manifest)?;
    write("src/main.rs", &example)?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build
        .current_dir(&scratch)
        .args(["run", "--quiet"])
        .env("CARGO_TARGET_DIR", root().join("target/alone/target"));
    run_command(&mut build).map_err(|error| format!("{package}: the example of the front page: {error}"))
}

/// The first example of a `//!` block as a program, the way rustdoc makes one.
fn first_example(lib: &str) -> Option<String> {
    let docs = lib.lines().filter_map(|line| line.strip_prefix("//!"));
    let mut code =
        docs.map(|line| line.strip_prefix(' ').unwrap_or(line)).skip_while(|line| *line != "```").skip(1);
    let mut body = String::new();
    loop {
        let line = code.next()?;
        if line == "```" {
            break;
        }
        // Hidden lines of rustdoc start with `# `.
        let line = if line == "#" { "" } else { line.strip_prefix("# ").unwrap_or(line) };
        body.push_str(line);
        body.push('\n');
    }
    if body.contains("fn main") {
        return Some(body);
    }
    // `Ok::<(), E>(())` at the end makes rustdoc wrap the example in a function that may fail.
    let last = body.trim_end().lines().last().unwrap_or_default();
    let error = last.strip_prefix("Ok::<(), ").and_then(|rest| rest.strip_suffix(">(())"));
    let returns = error.map_or_else(String::new, |error| format!(" -> Result<(), {error}>"));
    Some(format!("fn main(){returns} {{\n{body}}}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unexpected_packages_are_named_once() {
        let tree = "wirelace-http1 v0.1.0 (/x)\nbytes v1.0.0\ntokio v1.0.0\ntokio v1.0.0 (*)\nnom v8.0.0\n";
        assert_eq!(unexpected(tree), ["tokio"]);
    }

    #[test]
    fn std_features_are_found() {
        let tree = "wirelace-wire v0.1.0\nbytes feature \"std\"\nbytes v1.0.0\nnom feature \"alloc\"\nnom feature \"std\" (*)\n";
        assert_eq!(std_features(tree), ["bytes", "nom"]);
    }

    #[test]
    fn examples_become_programs() {
        let plain = "//! Text.\n//!\n//! ```\n//! # use a::B;\n//! let b = 1;\n//! ```\n//! ```\n//! no\n//! ```\nfn x() {}\n";
        assert_eq!(first_example(plain).unwrap(), "fn main() {\nuse a::B;\nlet b = 1;\n}\n");
        let failing = "//! ```\n//! a()?;\n//! # Ok::<(), a::E>(())\n//! ```\n";
        assert_eq!(
            first_example(failing).unwrap(),
            "fn main() -> Result<(), a::E> {\na()?;\nOk::<(), a::E>(())\n}\n"
        );
        assert_eq!(first_example("//! Text.\n"), None);
    }
}
