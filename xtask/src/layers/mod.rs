//! `check-layers`: the import rules of DESIGN.md, read from the sources.
//!
//! `order` knows which crate may use which. `tokens` and `source` read a file; `tree` gathers a
//! crate's files and resolves names in it; `circles` and `foreign` are the two checks over that.

mod circles;
mod foreign;
mod metadata;
mod order;
mod source;
mod tokens;
mod tree;

use crate::process::{cargo, output};
use std::path::Path;

pub(crate) fn run(args: &[String]) -> Result<(), String> {
    if !args.is_empty() {
        return Err("usage: check-layers".into());
    }
    let text = output(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let packages = metadata::parse(&text)?;
    let mut findings = order::check(&packages);
    let mut files = 0;
    for package in packages.iter().filter(|package| package.publish) {
        for root in &package.roots {
            let tree = tree::Tree::load(Path::new(root))?;
            files += tree.file_count();
            findings
                .extend(circles::check(&tree).into_iter().map(|text| format!("{}: {text}", package.name)));
            if order::is_protocol_crate(&package.name) {
                findings.extend(foreign::check(&tree, package));
            }
        }
    }
    if findings.is_empty() {
        eprintln!("layers ok: {} packages, {files} files", packages.len());
        return Ok(());
    }
    for finding in &findings {
        eprintln!("{finding}");
    }
    Err(format!("{} findings", findings.len()))
}
