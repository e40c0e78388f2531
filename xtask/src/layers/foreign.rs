//! Foreign types in the public signatures of protocol crates.

use super::metadata::Package;
use super::source::Visibility;
use super::tree::{Target, Tree};
use std::collections::BTreeSet;

/// Crates whose types may show, beside the standard library and ours.
const ALLOWED: &[&str] = &["bytes", "http", "http_body", "tower_service", "futures_core"];

/// The one crate whose types the shared parsing layer is made to show.
const PARSER: (&str, &str) = ("wirelace-wire", "nom");

pub(super) fn check(tree: &Tree, package: &Package) -> Vec<String> {
    let mut findings = BTreeSet::new();
    let own = package.name.replace('-', "_");
    for (file, module) in tree.modules() {
        let imports = module.imports.iter().filter(|import| import.visibility == Visibility::Public);
        let imports = imports.map(|import| (&import.path, import.line));
        let shown = module.shown.iter().map(|(path, line)| (path, *line));
        for (path, line) in imports.chain(shown) {
            // A single unresolved name is a local, a generic or the prelude.
            let Target::Outside(path) = tree.resolve(module, path) else { continue };
            let [root, _, ..] = path.as_slice() else { continue };
            if *root == own || !is_foreign(root, package) {
                continue;
            }
            let name = path.join("::");
            let file = tree.file(file);
            findings.insert((file.clone(), line, format!("{file}:{line}: public signature shows {name}")));
        }
    }
    findings.into_iter().map(|(_, _, text)| text).collect()
}

fn is_foreign(root: &str, package: &Package) -> bool {
    let dependency =
        package.dependencies.iter().any(|dependency| !dependency.dev && dependency.ident == root);
    let ours = root.starts_with("wirelace_");
    let parser = (package.name.as_str(), root) == PARSER;
    dependency && !ours && !parser && !ALLOWED.contains(&root)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Dependency;
    use super::*;

    fn package(name: &str) -> Package {
        let dependencies = ["bytes", "nom", "memchr", "http", "rustls", "wirelace-wire"];
        let dependencies = dependencies.iter().map(|name| Dependency {
            name: (*name).into(),
            ident: name.replace('-', "_"),
            ..Dependency::default()
        });
        Package { name: name.into(), dependencies: dependencies.collect(), ..Package::default() }
    }

    fn findings(name: &str, text: &str) -> usize {
        check(&Tree::of(&[("", text)]), &package(name)).len()
    }

    #[test]
    fn allowed_types_may_show() {
        let text = "use bytes::Bytes;\npub fn f(a: Bytes, b: &http::Uri, c: std::io::Error) -> wirelace_wire::Output {}\n\
                    pub use wirelace_wire as wire;";
        assert_eq!(findings("wirelace-http1", text), 0);
    }

    #[test]
    fn others_are_found_written_out_imported_and_passed_on() {
        assert_eq!(findings("wirelace-http1", "pub fn f(x: nom::Needed) {}"), 1);
        assert_eq!(findings("wirelace-http1", "use nom::IResult;\npub fn f() -> IResult<u8, u8> {}"), 1);
        assert_eq!(findings("wirelace-http1", "pub use rustls::Side;"), 1);
        assert_eq!(findings("wirelace-http1", "pub struct S { pub a: u8, pub b: rustls::Side }"), 1);
        assert_eq!(findings("wirelace-http1", "pub enum E {\n A(rustls::Side),\n B(rustls::Error) }"), 2);
    }

    #[test]
    fn what_stays_inside_may_be_anything() {
        let text = "use nom::IResult;\nfn f() -> IResult<u8, u8> {}\npub(crate) fn g(x: rustls::Side) {}\n\
                    pub fn h(memchr: usize) { memchr::memchr(1, &[]); }\nstruct S { pub a: rustls::Side }";
        assert_eq!(findings("wirelace-http1", text), 0);
    }

    #[test]
    fn only_the_parsing_layer_shows_the_parser() {
        assert_eq!(findings("wirelace-wire", "pub fn f() -> nom::IResult<u8, u8> {}"), 0);
        assert_eq!(findings("wirelace-hpack", "pub fn f() -> nom::IResult<u8, u8> {}"), 1);
    }
}
