//! The command line itself.

mod common;

use common::run_text;

#[test]
fn help_has_examples() {
    for (arguments, example) in [
        (&["--help"][..], "wirelace serve public"),
        (&["demo", "--help"], "wirelace demo --plain"),
        (&["serve", "--help"], "wirelace serve ."),
        (&["get", "--help"], "wirelace get -i"),
        (&["probe", "--help"], "wirelace probe --json"),
        (&["conformance", "--help"], "wirelace conformance h2 127.0.0.1:8080"),
        (&["decode", "--help"], "| wirelace decode http1"),
        (&["decode", "http1", "--help"], "| wirelace decode http1"),
        (&["decode", "quic", "--help"], "wirelace decode quic --role server"),
    ] {
        let (code, out, err) = run_text(arguments);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(out.contains("Examples:") && out.contains(example), "{arguments:?}: {out}");
    }
    let (code, out, _) = run_text(&["--version"]);
    assert_eq!((code, out), (Some(0), format!("wirelace {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn what_is_not_there_is_wrong_usage() {
    for arguments in [
        &["no-such-command"][..],
        &["--no-such-option"],
        &["demo", "--listen", "nowhere"],
        &["demo", "--cert", "chain.pem"],
        &["demo", "--plain", "nowhere"],
        &["demo", "--workers", "0"],
        &["serve"],
        &["demo", "-q", "-v"],
        // It would do nothing there.
        &["--plain", "127.0.0.1:0", "get", "http://127.0.0.1:1/"],
        &["--max-body", "1", "decode", "http1"],
    ] {
        assert_eq!(run_text(arguments).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn global_options_stand_anywhere() {
    for arguments in [&["-v", "get", "http://127.0.0.1:1/"], &["get", "-v", "http://127.0.0.1:1/"]] {
        let (code, _, err) = run_text(arguments);
        assert!(code == Some(1) && err.contains("* connecting to 127.0.0.1:1"), "{arguments:?}: {err}");
    }
    let (code, _, err) = run_text(&["-q", "get", "http://127.0.0.1:1/"]);
    assert!(code == Some(1) && err.lines().count() == 1, "{err}");
}
