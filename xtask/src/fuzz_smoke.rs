//! `fuzz-smoke`: each fuzz target for a few seconds, on the installed toolchain.

use crate::process::{cargo, root, run as run_command, works};

const DEFAULT_SECONDS: u32 = 10;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let seconds = match args {
        [] => DEFAULT_SECONDS,
        [text] => text.parse().map_err(|_| format!("not a number of seconds: {text}"))?,
        _ => return Err("usage: fuzz-smoke [SECONDS]".into()),
    };
    if !works("cargo", &["fuzz", "--version"]) {
        return Err("cargo-fuzz is missing: `cargo install cargo-fuzz --locked`".into());
    }
    let manifest = std::fs::read_to_string(root().join("fuzz/Cargo.toml"))
        .map_err(|error| format!("cannot read fuzz/Cargo.toml: {error}"))?;
    let targets = targets(&manifest);
    if targets.is_empty() {
        return Err("fuzz/Cargo.toml names no target".into());
    }
    for target in &targets {
        let dictionary = root().join("fuzz/dict").join(format!("{}.dict", dictionary(target)));
        // New inputs go to a scratch folder: the committed seeds stay small.
        let scratch = root().join("fuzz/target/corpus").join(target);
        std::fs::create_dir_all(&scratch).map_err(|error| format!("cannot make a corpus folder: {error}"))?;
        let mut command = cargo();
        // `--sanitizer none` needs no nightly flag: ours is all safe code.
        command.args(["fuzz", "run", "--sanitizer", "none", target]).arg(&scratch);
        let seeds = root().join("fuzz/corpus").join(target);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        command.args(["--", "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1"]);
        command.arg(format!("-max_total_time={seconds}"));
        if dictionary.is_file() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        run_command(&mut command)?;
    }
    eprintln!("{} targets, {seconds} s each, no finding", targets.len());
    Ok(())
}

/// The dictionary's name: what stands before the first underscore.
fn dictionary(target: &str) -> &str {
    target.split('_').next().unwrap_or(target)
}

/// Names of the `[[bin]]` tables.
fn targets(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut in_bin = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_bin = line == "[[bin]]";
        } else if let Some(rest) = line.strip_prefix("name").filter(|_| in_bin) {
            names.extend(rest.split('"').nth(1).map(str::to_owned));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_targets() {
        let manifest = "[package]\nname = \"fuzz\"\n\n[[bin]]\nname = \"http1_head\"\npath = \"x.rs\"\n\
                        [[bin]]\npath = \"y.rs\"\nname = \"wire\"\n[lib]\nname = \"z\"\n";
        assert_eq!(targets(manifest), ["http1_head", "wire"]);
        assert_eq!(dictionary("http1_head"), "http1");
    }
}
