//! All modules of one crate, and what a path in them means.

use super::source::{self, Import, Module, Path};
use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};

/// A re-export chain longer than this is taken for a loop.
const MAX_HOPS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Tree {
    files: Vec<PathBuf>,
    modules: BTreeMap<Path, (usize, Module)>,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file of this crate (an index into the tree's files).
    File(usize),
    /// Something outside, or a name we cannot see (a generic, a local, the prelude).
    Outside(Path),
}

impl Tree {
    /// Reads a crate from its root file on.
    pub(super) fn load(root: &FilePath) -> Result<Self, String> {
        let mut tree = Self::default();
        tree.load_file(root.to_path_buf(), Vec::new(), true)?;
        Ok(tree)
    }

    fn load_file(&mut self, file: PathBuf, path: Path, owns_folder: bool) -> Result<(), String> {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let folder = match (owns_folder, file.parent(), file.file_stem()) {
            (true, Some(parent), _) => parent.to_path_buf(),
            (false, Some(parent), Some(stem)) => parent.join(stem),
            _ => return Err(format!("{}: no folder", file.display())),
        };
        let depth = path.len();
        for (name, module) in self.add(file, &text, path) {
            let inline = module.get(depth..).unwrap_or_default();
            let folder = inline.iter().fold(folder.clone(), |folder, name| folder.join(name));
            let mut child = module;
            child.push(name.clone());
            let flat = folder.join(format!("{name}.rs"));
            if flat.is_file() {
                self.load_file(flat, child, false)?;
            } else {
                self.load_file(folder.join(name).join("mod.rs"), child, true)?;
            }
        }
        Ok(())
    }

    /// Adds one file and returns the children it declares, each with its parent module.
    fn add(&mut self, file: PathBuf, text: &str, path: Path) -> Vec<(String, Path)> {
        self.files.push(file);
        let index = self.files.len() - 1;
        let mut children = Vec::new();
        for module in source::parse(text, path) {
            children.extend(module.file_children.iter().map(|name| (name.clone(), module.path.clone())));
            self.modules.insert(module.path.clone(), (index, module));
        }
        children
    }

    /// A crate made of `(module path, text)`, for tests.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            let path = path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
            tree.add(PathBuf::from(format!("{path:?}")), text, path);
        }
        tree
    }

    pub(super) fn file_count(&self) -> usize {
        self.files.len()
    }

    pub(super) fn file(&self, index: usize) -> String {
        let file = self.files.get(index).map(|file| file.display().to_string()).unwrap_or_default();
        let root = crate::process::root().display().to_string();
        file.strip_prefix(&root).map_or(file.clone(), |rest| rest.trim_start_matches('/').to_owned())
    }

    /// Every module with the file it stands in.
    pub(super) fn modules(&self) -> impl Iterator<Item = (usize, &Module)> {
        self.modules.values().map(|(file, module)| (*file, module))
    }

    /// Whether `file` holds a module below `module`.
    pub(super) fn is_below(&self, file: usize, module: &Path) -> bool {
        self.modules().any(|(index, other)| {
            index == file && other.path.len() > module.len() && other.path.starts_with(module)
        })
    }

    /// Follows a path written in `module`, through re-exports, to the file that defines what it names.
    pub(super) fn resolve(&self, module: &Module, path: &[String]) -> Target {
        self.follow(&module.path, path, MAX_HOPS)
    }

    fn follow(&self, from: &Path, path: &[String], hops: usize) -> Target {
        let outside = || Target::Outside(path.to_vec());
        let Some((first, rest)) = path.split_first() else { return outside() };
        match first.as_str() {
            "crate" => self.walk(Vec::new(), rest, hops),
            "self" => self.walk(from.clone(), rest, hops),
            "super" => self.walk(parent(from), rest, hops),
            "::" => Target::Outside(rest.to_vec()),
            _ if self.knows(from, first) => self.walk(from.clone(), path, hops),
            _ => outside(),
        }
    }

    /// Whether `name` is something that `module` declares or imports by name.
    fn knows(&self, module: &Path, name: &str) -> bool {
        self.child(module, name).is_some()
            || self.modules.get(module).is_some_and(|(_, module)| {
                module.defines.contains(name) || module.imports.iter().any(|import| import.alias == name)
            })
    }

    fn child(&self, module: &Path, name: &str) -> Option<Path> {
        let mut path = module.clone();
        path.push(name.to_owned());
        self.modules.contains_key(&path).then_some(path)
    }

    fn walk(&self, mut at: Path, mut path: &[String], hops: usize) -> Target {
        loop {
            let Some((file, module)) = self.modules.get(&at) else { return Target::Outside(path.to_vec()) };
            let Some((name, rest)) = path.split_first() else { return Target::File(*file) };
            if name == "super" {
                at = parent(&at);
            } else if let Some(child) = self.child(&at, name) {
                at = child;
            } else {
                return self.named(*file, module, name, rest, hops);
            }
            path = rest;
        }
    }

    /// A name that is no child module of `module`.
    fn named(&self, file: usize, module: &Module, name: &String, rest: &[String], hops: usize) -> Target {
        if hops == 0 || module.defines.contains(name) {
            return Target::File(file);
        }
        let by_name = module.imports.iter().find(|import| &import.alias == name);
        if let Some(Import { path, .. }) = by_name {
            let mut path = path.clone();
            // `use http;` names the crate, not itself.
            if path.len() == 1 && path[0] == *name {
                path.insert(0, "::".into());
            }
            path.extend_from_slice(rest);
            return self.follow(&module.path, &path, hops - 1);
        }
        for glob in module.imports.iter().filter(|import| import.alias == "*") {
            if let Some(target) = self.glob_module(module, glob).filter(|target| self.knows(target, name)) {
                let mut path = vec![name.clone()];
                path.extend_from_slice(rest);
                return self.walk(target, &path, hops - 1);
            }
        }
        Target::File(file)
    }

    /// The module that a glob import opens, when it is one of ours.
    fn glob_module(&self, module: &Module, glob: &Import) -> Option<Path> {
        let mut at = match glob.path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" => module.path.clone(),
            "super" => parent(&module.path),
            name => self.child(&module.path, name)?,
        };
        for name in glob.path.get(1..).unwrap_or_default() {
            at = if name == "super" { parent(&at) } else { self.child(&at, name)? };
        }
        Some(at)
    }
}

fn parent(path: &Path) -> Path {
    path.split_last().map_or_else(Vec::new, |(_, parent)| parent.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(tree: &Tree, module: &str, path: &str) -> String {
        let at: Path = module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let path: Path = path.split("::").map(str::to_owned).collect();
        match tree.resolve(&tree.modules[&at].1, &path) {
            Target::File(file) => tree.file(file),
            Target::Outside(path) => path.join("::"),
        }
    }

    #[test]
    fn re_exports_lead_to_where_a_name_is_defined() {
        let tree = Tree::of(&[
            ("", "mod a; mod b; pub use a::A; pub use b::*; pub use a::deep::D as E;"),
            ("a", "pub mod deep; pub struct A; use bytes::Bytes;"),
            ("a::deep", "pub struct D; use super::super::b::B; use super::A;"),
            ("b", "pub struct B; use http;"),
        ]);
        assert_eq!(resolve(&tree, "b", "crate::A"), r#"["a"]"#);
        assert_eq!(resolve(&tree, "a", "crate::B::new"), r#"["b"]"#);
        assert_eq!(resolve(&tree, "b", "crate::E"), r#"["a", "deep"]"#);
        assert_eq!(resolve(&tree, "a::deep", "super::A"), r#"["a"]"#);
        assert_eq!(resolve(&tree, "a::deep", "B"), r#"["b"]"#);
        assert_eq!(resolve(&tree, "a", "deep::D"), r#"["a", "deep"]"#);
        assert_eq!(resolve(&tree, "a", "Bytes"), "bytes::Bytes");
        assert_eq!(resolve(&tree, "b", "http::Uri"), "http::Uri");
        assert_eq!(resolve(&tree, "b", "T"), "T");
        assert_eq!(resolve(&tree, "b", "crate::NotThere"), "[]");
    }

    #[test]
    fn loops_of_re_exports_end() {
        let tree =
            Tree::of(&[("", "mod a; mod b;"), ("a", "pub use super::b::X;"), ("b", "pub use super::a::X;")]);
        assert!(!resolve(&tree, "a", "X").is_empty());
    }
}
