//! Which crate may depend on which.

use super::metadata::Package;

/// The crates from the ground up; a crate may use only what stands in an earlier row.
const ROWS: &[&[&str]] = &[
    &["wirelace-wire"],
    &["wirelace-http-semantics", "wirelace-wire-codec", "wirelace-hpack", "wirelace-tls-glue"],
    &[
        "wirelace-http1",
        "wirelace-http-messages",
        "wirelace-http2-frames",
        "wirelace-quic-lite",
        "wirelace-qpack",
    ],
    &["wirelace-http2", "wirelace-http3"],
    &["wirelace-realtime"],
    &["wirelace-runtime", "wirelace-resilience"],
    &["wirelace-server", "wirelace-client"],
    &["wirelace"],
    &["wirelace-cli"],
];

/// Codecs and machines: no tokio, and no foreign types in the API.
const PROTOCOL: &[&str] = &[
    "wirelace-wire",
    "wirelace-http-semantics",
    "wirelace-http1",
    "wirelace-wire-codec",
    "wirelace-hpack",
    "wirelace-http-messages",
    "wirelace-http2-frames",
    "wirelace-http2",
    "wirelace-quic-lite",
    "wirelace-qpack",
    "wirelace-http3",
    "wirelace-realtime",
    SIM,
];

/// Only tests may use it.
const SIM: &str = "wirelace-sim";

/// Has machines too, with thin tower layers over them behind a feature.
const RESILIENCE: &str = "wirelace-resilience";

pub(super) fn is_protocol_crate(name: &str) -> bool {
    PROTOCOL.contains(&name)
}

fn row(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

/// Findings over all packages of the workspace.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.publish) {
        if row(&package.name).is_none() && package.name != SIM {
            findings.push(format!("{}: not in the layer order of xtask/src/layers/order.rs", package.name));
        }
        arrows(package, packages, &mut findings);
        if is_protocol_crate(&package.name) || package.name == RESILIENCE {
            tokio(package, &mut findings);
        }
    }
    findings
}

fn arrows(package: &Package, packages: &[Package], findings: &mut Vec<String>) {
    let name = &package.name;
    for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
        let Some(target) = packages.iter().find(|package| package.name == dependency.name) else { continue };
        let allowed = match (row(name), row(&target.name)) {
            // The simulator drives machines through their shared traits.
            (None, Some(to)) if name == SIM => to < 2,
            (Some(from), Some(to)) => to < from,
            _ => false,
        };
        if !allowed {
            findings.push(format!("{name}: must not depend on {} (points up, or sideways)", target.name));
        }
    }
}

fn tokio(package: &Package, findings: &mut Vec<String>) {
    for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
        let name = &dependency.name;
        if name != "tokio" && !name.starts_with("tokio-") {
            continue;
        }
        if !dependency.optional {
            findings.push(format!("{}: depends on {name}, which must be optional here", package.name));
        } else if package.default_enables(name) {
            findings.push(format!("{}: default features switch on {name}", package.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Dependency;
    use super::*;

    fn package(name: &str, dependencies: &[Dependency]) -> Package {
        Package {
            name: name.into(),
            publish: true,
            dependencies: dependencies.to_vec(),
            ..Package::default()
        }
    }

    fn dependency(name: &str) -> Dependency {
        Dependency { name: name.into(), ident: name.replace('-', "_"), ..Dependency::default() }
    }

    #[test]
    fn arrows_may_only_go_down() {
        let wire = package("wirelace-wire", &[]);
        let http1 = package("wirelace-http1", &[dependency("wirelace-wire")]);
        assert!(check(&[wire.clone(), http1.clone()]).is_empty());
        let up = package("wirelace-wire", &[dependency("wirelace-http1")]);
        assert_eq!(check(&[up, http1]).len(), 1);
        let server = package("wirelace-server", &[dependency("wirelace-client")]);
        assert_eq!(check(&[server, package("wirelace-client", &[])]).len(), 1);
    }

    #[test]
    fn the_simulator_is_for_tests() {
        let sim = package("wirelace-sim", &[dependency("wirelace-wire")]);
        let test_only = Dependency { dev: true, ..dependency("wirelace-sim") };
        let wire = package("wirelace-wire", &[test_only]);
        assert!(check(&[wire.clone(), sim.clone()]).is_empty());
        let http1 = package("wirelace-http1", &[dependency("wirelace-sim")]);
        assert_eq!(check(&[wire, sim, http1]).len(), 1);
    }

    #[test]
    fn unknown_crates_are_named() {
        assert_eq!(check(&[package("wirelace-mystery", &[])]).len(), 1);
    }

    #[test]
    fn tokio_is_optional_and_off_below_the_runtime() {
        assert_eq!(check(&[package("wirelace-http1", &[dependency("tokio")])]).len(), 1);
        assert!(check(&[package("wirelace-runtime", &[dependency("tokio")])]).is_empty());
        let optional = Dependency { optional: true, ..dependency("tokio-util") };
        let mut codec = package("wirelace-wire-codec", &[optional]);
        assert!(check(std::slice::from_ref(&codec)).is_empty());
        codec.features.insert("default".into(), vec!["dep:tokio-util".into()]);
        assert_eq!(check(&[codec]).len(), 1);
    }
}
