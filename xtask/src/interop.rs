//! `cargo xtask interop PROTOCOL`: the real binary against real peers.
//!
//! Each suite is a script under `interop/` that prints one line a check (`ok NAME`,
//! `FAIL NAME -- why`, `skip NAME -- why`, or `absent NAME -- why` for a missing peer) and closes
//! with `end`. The runner builds the release binary, gives every suite that wants one a fresh
//! demo server, and adds the lines up.

mod process;
mod suites;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use process::{Demo, Line, Script};
use suites::{Language, SUITES, Suite};

const USAGE: &str =
    "usage: cargo xtask interop http1|http2|http3|quic|tls|frame [--only SUITE[,SUITE...]] [--bin FILE] [--list]
  --only   runs these suites alone
  --bin    tests this binary instead of a release build of the workspace
  --list   names the suites";

/// Runs the interop suites of one protocol.
///
/// # Errors
/// Wrong usage, a failed build, or the number of failed checks.
pub(crate) fn run(args: &[String]) -> Result<(), String> {
    let options = Options::parse(args)?;
    if options.list {
        for suite in SUITES {
            println!("{:<6} {:<16} {}", suite.protocol, suite.name, suite.about);
        }
        return Ok(());
    }
    let root = workspace_root()?;
    let work = root.join("target/interop");
    std::fs::create_dir_all(&work).map_err(|e| format!("{}: {e}", work.display()))?;
    let binary = match options.binary {
        Some(path) => path,
        None => build(&root)?,
    };
    let context = Context {
        data: test_data(&root),
        in_ci: env::var("CI").is_ok_and(|v| matches!(v.as_str(), "true" | "1")),
        root,
        work,
        binary,
    };
    let started = Instant::now();
    let mut tally = Tally::default();
    let chosen = |suite: &&Suite| {
        suite.protocol == options.protocol
            && (options.only.is_empty() || options.only.iter().any(|only| only == suite.name))
    };
    for suite in SUITES.iter().filter(chosen) {
        let begun = Instant::now();
        println!("-- {}: {}", suite.name, suite.about);
        context.run_suite(suite, &mut tally);
        println!("-- {} took {:.1} s", suite.name, begun.elapsed().as_secs_f32());
    }
    tally.close(started.elapsed())
}

struct Options {
    protocol: String,
    only: Vec<String>,
    binary: Option<PathBuf>,
    list: bool,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self { protocol: String::new(), only: Vec::new(), binary: None, list: false };
        let mut args = args.iter();
        match args.next().map(String::as_str) {
            Some(protocol) if SUITES.iter().any(|suite| suite.protocol == protocol) => {
                options.protocol = protocol.to_owned();
            }
            Some(other) => return Err(format!("no suites for {other:?}\n{USAGE}")),
            None => return Err(USAGE.to_owned()),
        }
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
            match arg.as_str() {
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--bin" => options.binary = Some(PathBuf::from(value()?)),
                "--list" => options.list = true,
                _ => return Err(format!("unknown argument {arg:?}\n{USAGE}")),
            }
        }
        match options.only.iter().find(|o| SUITES.iter().all(|s| s.name != **o)) {
            Some(unknown) => Err(format!("no suite {unknown:?}, see --list")),
            None => Ok(options),
        }
    }
}

/// What every suite is run with.
struct Context {
    root: PathBuf,
    /// Logs, the virtual environment, screenshots.
    work: PathBuf,
    binary: PathBuf,
    data: Option<PathBuf>,
    in_ci: bool,
}

impl Context {
    fn run_suite(&self, suite: &Suite, tally: &mut Tally) {
        if let Some(missing) = self.missing(suite) {
            // On a developer's machine a peer may be absent; in CI that would hide a whole suite.
            return tally.absent(self.in_ci, suite.name, &missing);
        }
        let python = match suite.language {
            Language::PythonWith(packages) => match self.virtual_environment(packages) {
                Ok(python) => python,
                Err(why) => return tally.absent(self.in_ci, suite.name, &why),
            },
            _ => PathBuf::from("python3"),
        };
        let mut demo = None;
        if suite.demo {
            match Demo::start(&self.binary, &self.work.join(format!("demo-{}.log", suite.name))) {
                Ok(server) => demo = Some(server),
                Err(why) => return tally.fail(&format!("{}: the demo starts", suite.name), &why),
            }
        }
        let script = self.root.join("interop").join(suite.protocol).join(suite.script);
        let mut command = match suite.language {
            Language::Node => Command::new("node"),
            _ => Command::new(python),
        };
        command.arg(&script).env("WIRELACE_BIN", &self.binary).env("WIRELACE_WORK", &self.work);
        command.env("PYTHONPATH", self.root.join("interop/lib")).env("PYTHONDONTWRITEBYTECODE", "1");
        if let Some(data) = &self.data {
            command.env("WIRELACE_TEST_DATA", data);
        }
        if let Some(server) = &demo {
            command.env("WIRELACE_ADDR", &server.address).env("WIRELACE_PID", server.pid().to_string());
            command.env("WIRELACE_TLS_ADDR", &server.tls_address).env("WIRELACE_CERT", &server.certificate);
        }
        self.read_script(suite, command, tally);
        if let Some(server) = demo {
            let log = server.log.clone();
            let name = format!("{}: the demo is alive and ends with 0 on SIGTERM", suite.name);
            match server.end() {
                Ok(()) => tally.ok(&name),
                Err(why) => tally.fail(&name, &format!("{why}; its stderr is in {}", log.display())),
            }
        }
    }

    fn read_script(&self, suite: &Suite, command: Command, tally: &mut Tally) {
        let deadline = Instant::now() + Duration::from_secs(suite.seconds);
        let mut script = match Script::start(command) {
            Ok(script) => script,
            Err(why) => return tally.fail(&format!("{}: the suite starts", suite.name), &why),
        };
        let mut complete = false;
        loop {
            match script.next_line(deadline) {
                Line::Text(line) => match line.split_once(' ') {
                    Some(("ok", name)) => tally.ok(&format!("{}: {name}", suite.name)),
                    Some((verdict @ ("FAIL" | "skip" | "absent"), rest)) => {
                        let (name, why) = rest.split_once(" -- ").unwrap_or((rest, "no reason given"));
                        let name = format!("{}: {name}", suite.name);
                        match verdict {
                            "skip" => tally.skip(&name, why),
                            "absent" => tally.absent(self.in_ci, &name, why),
                            _ => tally.fail(&name, why),
                        }
                    }
                    _ if line == "end" => complete = true,
                    _ => println!("     {line}"),
                },
                Line::Closed => break,
                Line::Late => {
                    tally.fail(
                        &format!("{}: the suite ends in time", suite.name),
                        &format!("more than {} s", suite.seconds),
                    );
                    return script.kill();
                }
            }
        }
        let status = script.wait(deadline);
        if !complete {
            tally.fail(&format!("{}: the suite runs to its end", suite.name), &status);
        }
    }

    fn missing(&self, suite: &Suite) -> Option<String> {
        let absent: Vec<_> = suite.tools.iter().copied().filter(|tool| !on_path(tool)).collect();
        (!absent.is_empty()).then(|| format!("not installed: {}", absent.join(", ")))
    }

    /// A virtual environment at `.venv` with these packages in it.
    fn virtual_environment(&self, packages: &[&str]) -> Result<PathBuf, String> {
        let home = self.root.join(".venv");
        let python = home.join("bin/python3");
        if !python.exists() {
            quiet(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
        }
        // Asks no registry for what is installed already.
        quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
        Ok(python)
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: BTreeMap<String, String>,
    skipped: usize,
}

impl Tally {
    fn ok(&mut self, name: &str) {
        self.passed += 1;
        println!("ok {name}");
    }

    fn fail(&mut self, name: &str, why: &str) {
        println!("FAIL {name}: {why}");
        self.failed.insert(name.to_owned(), why.to_owned());
    }

    /// A missing peer: fatal where everything should be installed.
    fn absent(&mut self, in_ci: bool, name: &str, why: &str) {
        if in_ci { self.fail(name, why) } else { self.skip(name, why) }
    }

    fn skip(&mut self, name: &str, why: &str) {
        self.skipped += 1;
        println!("SKIPPED {name}: {why}");
    }

    fn close(self, took: Duration) -> Result<(), String> {
        for (name, why) in &self.failed {
            eprintln!("FAIL {name}: {why}");
        }
        let skipped = if self.skipped > 0 { format!(", {} SKIPPED", self.skipped) } else { String::new() };
        println!(
            "{} passed, {} failed{skipped} in {:.0} s",
            self.passed,
            self.failed.len(),
            took.as_secs_f32()
        );
        match self.failed.len() {
            0 if self.passed > 0 => Ok(()),
            0 => Err("nothing was run".to_owned()),
            failed => Err(format!("{failed} checks failed")),
        }
    }
}

fn build(root: &Path) -> Result<PathBuf, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--package", "wirelace-cli"])
        .current_dir(root)
        .status()
        .map_err(|e| format!("cargo: {e}"))?;
    if !status.success() {
        return Err(format!("cargo build --release -p wirelace-cli: {status}"));
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release/wirelace"))
}

fn workspace_root() -> Result<PathBuf, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map(Path::to_path_buf).ok_or_else(|| "xtask has no parent folder".to_owned())
}

/// Shared test data, which lives beside the repository and may be absent.
fn test_data(root: &Path) -> Option<PathBuf> {
    let folder = env::var_os("WIRELACE_TEST_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

fn on_path(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // nginx lives in sbin, which is not on everybody's path.
    env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]).any(|folder| folder.join(tool).is_file())
}

fn quiet(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", reason.lines().last().unwrap_or("no reason given")))
}
