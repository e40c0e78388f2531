//! `check-packages`: every published crate packages, and builds from its package.

use crate::process::{cargo, root, run as run_command};
use std::collections::BTreeSet;
use std::path::PathBuf;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if !args.is_empty() {
        return Err("usage: check-packages".into());
    }
    // Cargo unpacks our packages into a folder named after the path of its temporary registry, and never
    // again for the same version: a folder of its own for each run, or an old package would be built.
    let target = root().join("target/packages").join(std::process::id().to_string());
    let _ = std::fs::remove_dir_all(&target);
    let before = unpacked();
    let mut command = cargo();
    command.args(["package", "--workspace", "--allow-dirty", "--quiet", "--target-dir"]).arg(&target);
    let result = run_command(&mut command);
    for folder in unpacked().difference(&before) {
        let _ = std::fs::remove_dir_all(folder);
    }
    let _ = std::fs::remove_dir_all(&target);
    result
}

/// Folders of unpacked packages that come from a registry without a host: a temporary one.
fn unpacked() -> BTreeSet<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let entries = std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let local = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with('-'));
    local.map(|entry| entry.path()).collect()
}
