//! `race`: the only source of a figure that compares us with peers.
//!
//! `http1`, `http2`, `frame` and `tls` say who races over what. `server` runs one contestant and reads its cost from
//! /proc, `wrk` and `h2load` are the load, `tool` another one, `holder` and `http2_holder` keep idle connections, `stats`
//! and `report` make the tables.

mod answer;
mod frame;
mod h2load;
mod holder;
mod http1;
mod http2;
mod http2_holder;
mod machine;
mod measure;
mod nginx;
mod report;
mod server;
mod stats;
mod tls;
mod tool;
mod wrk;

use std::path::PathBuf;

const USAGE: &str =
    "usage: race http1|http2|frame|tls [--quick] [--json FILE] [--part PART,…] [--only CONTESTANT,…]";

/// What the command line asks for.
#[derive(Debug, Default)]
struct Options {
    /// Short rounds, to see that all works; its figures are not for publication.
    quick: bool,
    json: Option<PathBuf>,
    /// Empty: all.
    parts: Vec<String>,
    /// Empty: all.
    only: Vec<String>,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value\n{USAGE}"));
            let list = |text: &String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
            match arg.as_str() {
                "--quick" => options.quick = true,
                "--json" => options.json = Some(PathBuf::from(value()?)),
                "--part" => options.parts = list(value()?),
                "--only" => options.only = list(value()?),
                _ => return Err(format!("unknown argument {arg}\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// Rounds that count; one more comes before them.
    fn rounds(&self) -> usize {
        if self.quick { 2 } else { 5 }
    }

    fn runs(&self, contestant: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == contestant)
    }
}

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    match args.split_first() {
        Some((name, rest)) if name == "http1" => http1::race(&Options::parse(rest)?),
        Some((name, rest)) if name == "http2" => http2::race(&Options::parse(rest)?),
        Some((name, rest)) if name == "tls" => tls::race(&Options::parse(rest)?),
        Some((name, rest)) if name == "frame" => frame::race(&Options::parse(rest)?),
        _ => Err(USAGE.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_options() {
        let args = ["--quick", "--part", "plain,idle", "--json", "out.json"].map(str::to_owned);
        let options = Options::parse(&args).unwrap();
        assert!(options.quick && options.runs("hyper"));
        assert_eq!(options.parts, ["plain", "idle"]);
        assert_eq!(options.json, Some(PathBuf::from("out.json")));
        assert!(Options::parse(&["--json".to_owned()]).is_err());
        assert!(Options::parse(&["--slow".to_owned()]).is_err());
    }
}
