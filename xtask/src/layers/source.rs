//! One source file to its modules: what they import, define, name, and show to the outside.
//!
//! Items under `#[cfg(test)]` are left out: tests may reach anywhere.

use super::tokens::{Kind, Token, tokens};
use std::collections::BTreeSet;

/// A path as written; a leading `::` is a first segment of its own.
pub(super) type Path = Vec<String>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) path: Path,
    /// The name it gets here; `*` for a glob.
    pub(super) alias: String,
    pub(super) visibility: Visibility,
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visibility {
    Private,
    /// `pub(…)`
    Restricted,
    Public,
}

/// A module written in this file: the file itself, or an inline one.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// From the crate root.
    pub(super) path: Path,
    pub(super) imports: Vec<Import>,
    pub(super) defines: BTreeSet<String>,
    /// Child modules in files of their own.
    pub(super) file_children: Vec<String>,
    /// Paths in code, with their lines.
    pub(super) mentions: Vec<(Path, usize)>,
    /// Paths in public signatures, with their lines.
    pub(super) shown: Vec<(Path, usize)>,
}

/// Reads one file that is the module `path`; inline modules follow it.
pub(super) fn parse(text: &str, path: Path) -> Vec<Module> {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, modules: vec![Module { path, ..Module::default() }] };
    reader.items(0, tokens.len(), 0, false);
    reader.modules
}

struct Reader<'a> {
    tokens: &'a [Token],
    modules: Vec<Module>,
}

impl Reader<'_> {
    fn ident(&self, at: usize) -> &str {
        self.tokens.get(at).and_then(Token::ident).unwrap_or("")
    }

    fn is(&self, at: usize, punct: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(punct))
    }

    fn is_sep(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == Kind::PathSep)
    }

    fn line(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(0, |token| token.line)
    }

    /// Reads items of a module, an `impl` or a `trait`; `public`: they are, unless they say otherwise.
    fn items(&mut self, mut at: usize, end: usize, module: usize, public: bool) {
        while at < end {
            let mut test_only = false;
            while self.is(at, '#') {
                let open = if self.is(at + 1, '!') { at + 2 } else { at + 1 };
                let close = self.group_end(open, end);
                if self.is_test_attribute(open, close) {
                    if open == at + 2 {
                        return; // `#![cfg(test)]`: the whole module.
                    }
                    test_only = true;
                }
                at = close;
            }
            let item_end = self.item_end(at, end);
            if !test_only {
                self.item(at, item_end, module, public);
            }
            at = item_end.max(at + 1);
        }
    }

    fn is_test_attribute(&self, open: usize, close: usize) -> bool {
        let names: Vec<&str> = self.tokens[open..close].iter().filter_map(Token::ident).collect();
        matches!(names.as_slice(), ["test"])
            || (names.first() == Some(&"cfg") && names.contains(&"test") && !names.contains(&"not"))
    }

    /// Past the bracket group that opens at `open`.
    fn group_end(&self, open: usize, end: usize) -> usize {
        let mut depth = 0usize;
        for at in open..end {
            match self.tokens[at].kind {
                Kind::Punct('(' | '[' | '{') => depth += 1,
                Kind::Punct(')' | ']' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        end
    }

    /// Past the item that starts at `at`.
    fn item_end(&self, start: usize, end: usize) -> usize {
        // These end with a semicolon, whatever braces stand in them.
        let to_semicolon = (start..end.min(start + 6))
            .map(|at| self.ident(at))
            .take_while(|word| !matches!(*word, "fn" | "impl" | "trait" | "mod" | "struct" | "enum"))
            .any(|word| matches!(word, "use" | "const" | "static" | "type"));
        let has_fn = (start..end.min(start + 6)).any(|at| self.ident(at) == "fn");
        let mut at = start;
        while at < end {
            if self.is(at, ';') {
                return at + 1;
            }
            if self.is(at, '{') && (!to_semicolon || has_fn) {
                return self.group_end(at, end);
            }
            let opens = self.is(at, '(') || self.is(at, '[') || self.is(at, '{');
            at = if opens { self.group_end(at, end) } else { at + 1 };
        }
        end
    }

    fn item(&mut self, start: usize, end: usize, module: usize, public: bool) {
        let mut at = start;
        let mut visibility = if public { Visibility::Public } else { Visibility::Private };
        if self.ident(at) == "pub" {
            visibility = Visibility::Public;
            at += 1;
            if self.is(at, '(') {
                visibility = Visibility::Restricted;
                at = self.group_end(at, end);
            }
        }
        let shown = visibility == Visibility::Public;
        while matches!(self.ident(at), "async" | "unsafe" | "extern" | "default" | "auto")
            || (self.ident(at) == "const"
                && matches!(self.ident(at + 1), "fn" | "unsafe" | "async" | "extern"))
            || self.tokens.get(at).is_some_and(|token| token.kind == Kind::Other)
        {
            at += 1;
        }
        let name = self.ident(at + 1).to_owned();
        let brace = (at..end).find(|&at| self.is(at, '{')).unwrap_or(end);
        let line = self.line(at);
        match self.ident(at) {
            "mod" if brace < end => {
                let mut path = self.modules[module].path.clone();
                path.push(name);
                self.modules.push(Module { path, ..Module::default() });
                let inner = self.modules.len() - 1;
                self.items(brace + 1, end - 1, inner, false);
                return;
            }
            "mod" => return self.modules[module].file_children.push(name),
            "use" => {
                self.use_tree(at + 1, end, Vec::new(), visibility, line, module);
                return;
            }
            "trait" | "impl" => {
                let is_trait = self.ident(at) == "trait";
                if is_trait {
                    self.modules[module].defines.insert(name);
                }
                if shown {
                    self.show(at, brace, module);
                }
                self.mention(at, brace, module);
                self.items(brace + 1, end.saturating_sub(1), module, is_trait && shown);
                return;
            }
            "fn" => {
                if shown {
                    self.show(at, brace, module);
                }
                // A method is no name of its module, but a name too many does no harm.
                self.modules[module].defines.insert(name);
            }
            "struct" | "union" => {
                if shown {
                    self.show_fields(at, end, module);
                }
                self.modules[module].defines.insert(name);
            }
            "enum" | "type" => {
                if shown {
                    self.show(at, end, module);
                }
                self.modules[module].defines.insert(name);
            }
            "const" | "static" => {
                let value = (at..end).find(|&at| self.is(at, '=')).unwrap_or(end);
                if shown {
                    self.show(at, value, module);
                }
                self.modules[module].defines.insert(name);
            }
            "macro_rules" => {
                let name = self.ident(at + 2).to_owned();
                self.modules[module].defines.insert(name);
            }
            _ => {}
        }
        self.mention(at, end, module);
    }

    /// Records the header and the public fields of a struct.
    fn show_fields(&mut self, start: usize, end: usize, module: usize) {
        let body = (start..end).find(|&at| self.is(at, '{') || self.is(at, '(')).unwrap_or(end);
        self.show(start, body, module);
        let mut at = body;
        while at < end {
            let public = self.ident(at) == "pub" && !self.is(at + 1, '(');
            let from = at;
            if !public {
                at += 1;
                continue;
            }
            let mut depth = 0i32;
            while at < end && !(depth == 0 && self.is(at, ',')) {
                match self.tokens[at].kind {
                    Kind::Punct('<' | '(' | '[') => depth += 1,
                    Kind::Punct('>') if self.is(at - 1, '-') => {}
                    Kind::Punct('>' | ')' | ']') => depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            self.show(from, at, module);
        }
    }

    /// Records every path between two tokens as part of a public signature.
    fn show(&mut self, start: usize, end: usize, module: usize) {
        let mut at = start;
        while at < end {
            if self.is(at, '#') {
                at = self.group_end(at + 1, end);
            } else if let Some((path, next)) = self.path(at, end) {
                let line = self.line(at);
                self.modules[module].shown.push((path, line));
                at = next;
            } else {
                at += 1;
            }
        }
    }

    /// Records the paths and nested imports in code.
    fn mention(&mut self, start: usize, end: usize, module: usize) {
        let mut at = start;
        while at < end {
            if self.ident(at) == "use" && !self.is(at + 1, '<') {
                let line = self.line(at);
                at = self.use_tree(at + 1, end, Vec::new(), Visibility::Private, line, module);
            } else if let Some((path, next)) = self.path(at, end) {
                if path.len() > 1 {
                    let line = self.line(at);
                    self.modules[module].mentions.push((path, line));
                }
                at = next;
            } else {
                at += 1;
            }
        }
    }

    /// A path that starts at `at`, and where it ends.
    fn path(&self, at: usize, end: usize) -> Option<(Path, usize)> {
        let mut next = at;
        let mut path = Vec::new();
        if self.is_sep(at) && at.checked_sub(1).is_none_or(|before| self.tokens[before].ident().is_none()) {
            path.push("::".to_owned());
            next += 1;
        }
        if self.ident(next).is_empty() || next >= end {
            return None;
        }
        path.push(self.ident(next).to_owned());
        next += 1;
        while next + 1 < end && self.is_sep(next) && !self.ident(next + 1).is_empty() {
            path.push(self.ident(next + 1).to_owned());
            next += 2;
        }
        Some((path, next))
    }

    /// Reads a `use` tree and returns where it ends.
    fn use_tree(
        &mut self,
        mut at: usize,
        end: usize,
        mut path: Path,
        visibility: Visibility,
        line: usize,
        module: usize,
    ) -> usize {
        if self.is_sep(at) && path.is_empty() {
            path.push("::".to_owned());
            at += 1;
        }
        while at < end {
            if self.is(at, '{') {
                let close = self.group_end(at, end) - 1;
                at += 1;
                while at < close {
                    let next = self.use_tree(at, close, path.clone(), visibility, line, module);
                    at = next.max(at + 1);
                    if self.is(at, ',') {
                        at += 1;
                    }
                }
                return close + 1;
            }
            if self.is(at, '*') {
                let import = Import { path, alias: "*".into(), visibility, line: self.line(at).max(line) };
                self.modules[module].imports.push(import);
                return at + 1;
            }
            let name = self.ident(at).to_owned();
            let line = self.line(at).max(line);
            if name == "self" && !path.is_empty() {
                // `a::{self}` names `a` itself.
            } else {
                path.push(name.clone());
            }
            at += 1;
            if self.is_sep(at) {
                at += 1;
                continue;
            }
            let mut alias = path.last().cloned().unwrap_or(name);
            if self.ident(at) == "as" {
                alias = self.ident(at + 1).to_owned();
                at += 2;
            }
            self.modules[module].imports.push(Import { path, alias, visibility, line });
            return at;
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Module {
        parse(text, Vec::new()).remove(0)
    }

    fn joined(paths: &[(Path, usize)]) -> Vec<String> {
        paths.iter().map(|(path, _)| path.join("::")).collect()
    }

    #[test]
    fn use_trees_are_flattened() {
        let module = root("pub use a::{self, b::{C as D, e::*}};\nuse ::std::fmt;\npub(crate) use f;");
        let flat: Vec<String> = module
            .imports
            .iter()
            .map(|i| format!("{} as {} {}", i.path.join("::"), i.alias, i.line))
            .collect();
        assert_eq!(
            flat,
            ["a as a 1", "a::b::C as D 1", "a::b::e as * 1", "::::std::fmt as fmt 2", "f as f 3"]
        );
        assert_eq!(module.imports[0].visibility, Visibility::Public);
        assert_eq!(module.imports[3].visibility, Visibility::Private);
        assert_eq!(module.imports[4].visibility, Visibility::Restricted);
    }

    #[test]
    fn tests_are_left_out() {
        let module = root(
            "#[cfg(test)]\nmod tests { use super::x; }\n#[cfg(test)] mod more;\n#[test]\nfn t() { crate::y::z(); }\n\
             #[cfg(not(test))]\nfn kept() { crate::a::b(); }\nmod child;",
        );
        assert!(module.imports.is_empty());
        assert_eq!(joined(&module.mentions), ["crate::a::b"]);
        assert_eq!(module.file_children, ["child"]);
    }

    #[test]
    fn inline_modules_stand_for_themselves() {
        let modules = parse("mod inner { use super::x; pub fn f() {} }\nfn g() {}", vec!["outer".into()]);
        assert_eq!(modules.len(), 2);
        assert_eq!(modules[1].path, ["outer", "inner"]);
        assert_eq!(modules[1].imports.len(), 1);
        assert!(modules[1].defines.contains("f") && modules[0].defines.contains("g"));
    }

    #[test]
    fn public_signatures_show_their_paths_and_nothing_more() {
        let module = root(
            "pub fn f<T: a::B>(x: &c::D) -> Option<e::F> where T: g::H { hidden::now() }\n\
             fn private(x: hidden::X) {}\n\
             pub(crate) fn restricted(x: hidden::Y) {}\n\
             pub struct S { pub x: Box<dyn Fn(i::J) -> k::L>, y: hidden::Z, pub(crate) z: hidden::W }\n\
             pub struct Tuple(pub m::N, hidden::V);\n\
             pub const C: o::P = hidden::value();\n",
        );
        let shown = joined(&module.shown);
        for path in ["a::B", "c::D", "e::F", "g::H", "i::J", "k::L", "m::N", "o::P"] {
            assert!(shown.contains(&path.to_owned()), "{path} missing in {shown:?}");
        }
        assert!(!shown.iter().any(|path| path.starts_with("hidden")), "{shown:?}");
    }

    #[test]
    fn methods_of_public_traits_and_public_methods_are_shown() {
        let module = root(
            "pub trait T { type E; fn f(&self, x: a::B) { hidden::x(); } }\n\
             impl S { pub fn g(&self) -> c::D { hidden::y() } fn h(x: hidden::Z) {} }\n\
             impl Other for S { fn i(x: hidden::W) {} }\n\
             pub enum E { #[from(hidden::attr)] A(e::F), B { x: g::H } }",
        );
        let shown = joined(&module.shown);
        for path in ["a::B", "c::D", "e::F", "g::H"] {
            assert!(shown.contains(&path.to_owned()), "{path} missing in {shown:?}");
        }
        assert!(!shown.iter().any(|path| path.starts_with("hidden")), "{shown:?}");
    }

    #[test]
    fn constants_with_braces_end_at_their_semicolon() {
        let module = root(
            "const A: X = X { y: 1 };\nconst fn f() -> u8 { 1 }\nuse a::b;\nstatic S: u8 = { 2 };\nuse c::d;",
        );
        assert_eq!(module.imports.len(), 2);
        assert!(["A", "f", "S"].iter().all(|name| module.defines.contains(*name)));
    }
}
