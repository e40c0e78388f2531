//! Which suites there are and what each needs.

/// How a suite's script is run.
pub(super) enum Language {
    /// Python's standard library alone.
    Python,
    /// Python with these packages from PyPI.
    PythonWith(&'static [&'static str]),
    /// Node.js, no packages.
    Node,
}

/// One script under `interop/PROTOCOL`.
pub(super) struct Suite {
    pub(super) protocol: &'static str,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) script: &'static str,
    pub(super) language: Language,
    /// Programs that must be installed.
    pub(super) tools: &'static [&'static str],
    /// Whether it wants a demo server of its own.
    pub(super) demo: bool,
    /// Upper bound for the whole suite; single checks have their own inside the script.
    pub(super) seconds: u64,
}

pub(super) const SUITES: &[Suite] = &[
    Suite {
        protocol: "http1",
        name: "curl",
        about: "every demo endpoint, over HTTP/1.1 and 1.0",
        script: "curl.py",
        language: Language::Python,
        tools: &["python3", "curl"],
        demo: true,
        seconds: 300,
    },
    Suite {
        protocol: "http1",
        name: "python",
        about: "http.client and h11",
        script: "python_peers.py",
        language: Language::PythonWith(&["h11==0.16.0"]),
        tools: &["python3"],
        demo: true,
        seconds: 120,
    },
    Suite {
        protocol: "http1",
        name: "node",
        about: "node's http client",
        script: "node_client.mjs",
        language: Language::Node,
        tools: &["node"],
        demo: true,
        seconds: 120,
    },
    Suite {
        protocol: "http1",
        name: "wrk",
        about: "load, plain and pipelined, without an error",
        script: "wrk.py",
        language: Language::Python,
        tools: &["python3", "wrk"],
        demo: true,
        seconds: 60,
    },
    Suite {
        protocol: "http1",
        name: "chromium",
        about: "a browser loads the page and calls the endpoints",
        script: "chromium.mjs",
        language: Language::Node,
        tools: &["node", "chromium"],
        demo: true,
        seconds: 120,
    },
    Suite {
        protocol: "http1",
        name: "verdicts",
        about: "requests that must be accepted or refused",
        script: "verdicts.py",
        language: Language::Python,
        tools: &["python3"],
        demo: true,
        seconds: 180,
    },
    Suite {
        protocol: "http1",
        name: "get",
        about: "our client against node and nginx",
        script: "get.py",
        language: Language::Python,
        tools: &["python3", "node", "nginx"],
        demo: false,
        seconds: 180,
    },
    Suite {
        protocol: "http1",
        name: "serve",
        about: "our file server, and what must never leave it",
        script: "serve.py",
        language: Language::Python,
        tools: &["python3", "curl"],
        demo: false,
        seconds: 120,
    },
    Suite {
        protocol: "http1",
        name: "attacks",
        about: "slow, flooding and malformed peers",
        script: "attacks.py",
        language: Language::Python,
        tools: &["python3"],
        demo: true,
        seconds: 240,
    },
    Suite {
        protocol: "frame",
        name: "frame-tcp",
        about: "the base form over TCP, against a Python client and server",
        script: "tcp.py",
        language: Language::Python,
        tools: &["python3"],
        demo: false,
        seconds: 180,
    },
    Suite {
        protocol: "frame",
        name: "frame-udp",
        about: "datagrams, against a Python client and server, a third of them lost on the way",
        script: "udp.py",
        language: Language::Python,
        tools: &["python3"],
        demo: false,
        seconds: 240,
    },
];
