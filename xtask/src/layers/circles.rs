//! Circles of files that import each other.

use super::source::Visibility;
use super::tree::{Target, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// From file to file, with one line that makes the edge.
type Edges = BTreeMap<usize, BTreeMap<usize, usize>>;

/// One finding for each circle.
pub(super) fn check(tree: &Tree) -> Vec<String> {
    let edges = edges(tree);
    let mut findings = Vec::new();
    for circle in circles(tree.file_count(), &edges) {
        let mut text = String::from("files import in a circle:");
        for (from, to, line) in circle.iter().flat_map(|from| {
            let targets = edges.get(from).into_iter().flatten();
            targets.filter(|(to, _)| circle.contains(to)).map(move |(to, line)| (from, to, line))
        }) {
            text.push_str(&format!("\n  {}:{line} uses {}", tree.file(*from), tree.file(*to)));
        }
        findings.push(text);
    }
    findings
}

fn edges(tree: &Tree) -> Edges {
    let mut edges = Edges::new();
    let mut add = |from: usize, target: Target, line: usize| {
        if let Target::File(to) = target
            && to != from
        {
            edges.entry(from).or_default().entry(to).or_insert(line);
        }
    };
    for (file, module) in tree.modules() {
        for import in &module.imports {
            let target = tree.resolve(module, &import.path);
            // A module that only passes on what its children define does not use them.
            let passes_on = import.visibility != Visibility::Private
                && matches!(target, Target::File(to) if tree.is_below(to, &module.path));
            if !passes_on {
                add(file, target, import.line);
            }
        }
        for (path, line) in &module.mentions {
            add(file, tree.resolve(module, path), *line);
        }
    }
    edges
}

/// Sets of files that reach each other, by reachability: crates are small.
fn circles(files: usize, edges: &Edges) -> Vec<BTreeSet<usize>> {
    let reached: Vec<BTreeSet<usize>> = (0..files).map(|file| reach(file, edges)).collect();
    let mut circles: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
    for (file, set) in reached.iter().enumerate() {
        if set.contains(&file) {
            circles.insert(set.iter().copied().filter(|other| reached[*other].contains(&file)).collect());
        }
    }
    circles.into_iter().collect()
}

fn reach(from: usize, edges: &Edges) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![from];
    while let Some(file) = todo.pop() {
        for &next in edges.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if seen.insert(next) {
                todo.push(next);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_no_circle() {
        let tree = Tree::of(&[
            ("", "mod a; mod b; pub use a::A; pub use b::B; pub mod prelude { pub use crate::a::A; }"),
            ("a", "use crate::B; pub struct A; fn f() { super::b::g(); }"),
            ("b", "pub struct B; pub fn g() {} #[cfg(test)] mod tests { use crate::a::A; }"),
        ]);
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }

    #[test]
    fn a_circle_through_re_exports_is_seen() {
        let tree = Tree::of(&[
            ("", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a", "use crate::B; pub struct A;"),
            ("b", "\nuse crate::A; pub struct B;"),
        ]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains(r#"["b"]:2 uses ["a"]"#), "{}", findings[0]);
    }

    #[test]
    fn a_parent_that_uses_its_child_closes_a_circle() {
        let passing = Tree::of(&[
            ("", "mod a;"),
            ("a", "mod c; pub use c::C; pub struct P;"),
            ("a::c", "use super::P; pub struct C;"),
        ]);
        assert!(check(&passing).is_empty());
        let using = Tree::of(&[
            ("", "mod a;"),
            ("a", "mod c; use c::C; pub struct P;"),
            ("a::c", "use super::P; pub struct C;"),
        ]);
        assert_eq!(check(&using).len(), 1);
        let naming = Tree::of(&[
            ("", "mod a;"),
            ("a", "mod c; pub struct P; fn f() { c::g() }"),
            ("a::c", "use super::P; pub fn g() {}"),
        ]);
        assert_eq!(check(&naming).len(), 1);
    }

    #[test]
    fn long_circles_are_one_finding() {
        let tree = Tree::of(&[
            ("", "mod a; mod b; mod c; mod d;"),
            ("a", "use crate::b::B;"),
            ("b", "use crate::c::C; pub struct B;"),
            ("c", "pub struct C; fn f(x: crate::a::X) {}"),
            ("d", "use crate::a;"),
        ]);
        let findings = check(&tree);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].matches(" uses ").count(), 3);
    }
}
