//! The part of `cargo metadata` that the checks need.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// The name in `use`: the rename if there is one, with underscores.
    pub(super) ident: String,
    pub(super) optional: bool,
    pub(super) dev: bool,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Package {
    pub(super) name: String,
    /// False for packages that never leave the repository.
    pub(super) publish: bool,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) features: BTreeMap<String, Vec<String>>,
    /// Root source files of the library and the binaries.
    pub(super) roots: Vec<String>,
}

impl Package {
    /// Whether the default features switch on this optional dependency.
    pub(super) fn default_enables(&self, dependency: &str) -> bool {
        let mut todo = vec!["default".to_owned()];
        let mut seen = BTreeSet::new();
        while let Some(feature) = todo.pop() {
            let bare = feature.strip_prefix("dep:").unwrap_or(&feature);
            // `name/feature` switches `name` on too, `name?/feature` does not.
            let switched = bare.split_once('/').map_or(bare, |(name, _)| name);
            if switched == dependency && (feature != "default") {
                return true;
            }
            if seen.insert(feature.clone()) {
                todo.extend(self.features.get(&feature).into_iter().flatten().cloned());
            }
        }
        false
    }
}

/// Reads the output of `cargo metadata --format-version 1 --no-deps`.
pub(super) fn parse(text: &str) -> Result<Vec<Package>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = value["packages"].as_array().ok_or("cargo metadata: no packages")?;
    Ok(packages.iter().map(package).collect())
}

fn package(value: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let dependencies = list(&value["dependencies"]).into_iter().map(|dependency| {
        let name = text(&dependency["name"]);
        let ident = dependency["rename"].as_str().unwrap_or(&name).replace('-', "_");
        let optional = dependency["optional"].as_bool().unwrap_or(false);
        Dependency { ident, optional, dev: dependency["kind"].as_str() == Some("dev"), name }
    });
    let features = value["features"].as_object().into_iter().flatten();
    let targets = list(&value["targets"]);
    let roots = targets.iter().filter(|target| {
        list(&target["kind"]).iter().any(|kind| matches!(kind.as_str(), Some("lib" | "bin")))
    });
    Package {
        name: text(&value["name"]),
        // `publish = false` is an empty list of registries, anything else null or names.
        publish: value["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        dependencies: dependencies.collect(),
        features: features.map(|(name, on)| (name.clone(), list(on).iter().map(text).collect())).collect(),
        roots: roots.map(|target| text(&target["src_path"])).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"packages": [{
        "name": "wirelace-x", "publish": null,
        "dependencies": [
            {"name": "http-body", "rename": null, "optional": true, "kind": null},
            {"name": "tokio", "rename": "tk", "optional": false, "kind": "dev"}],
        "features": {"default": ["std"], "std": ["dep:http-body", "bytes?/std"]},
        "targets": [{"kind": ["lib"], "src_path": "/x/src/lib.rs"}, {"kind": ["test"], "src_path": "/x/t.rs"}]
    }, {"name": "xtask", "publish": [], "dependencies": [], "features": {}, "targets": []}]}"#;

    #[test]
    fn reads_packages() {
        let packages = parse(SAMPLE).unwrap();
        assert_eq!(packages.len(), 2);
        assert!(packages[0].publish && !packages[1].publish);
        assert_eq!(packages[0].dependencies[0].ident, "http_body");
        assert!(packages[0].dependencies[0].optional && !packages[0].dependencies[0].dev);
        assert_eq!(packages[0].dependencies[1].ident, "tk");
        assert!(packages[0].dependencies[1].dev);
        assert_eq!(packages[0].roots, ["/x/src/lib.rs"]);
    }

    #[test]
    fn follows_default_features() {
        let packages = parse(SAMPLE).unwrap();
        assert!(packages[0].default_enables("http-body"));
        assert!(!packages[0].default_enables("bytes"));
        assert!(!packages[0].default_enables("tokio"));
    }
}
