//! The heads of `h1_cases.json` against the parser alone: no wrong verdict where the head's grammar
//! decides, and one verdict for every split.

mod head_support;
mod support;

use head_support::{Kind, REQUESTS, RESPONSES, in_pieces, once};
use support::{data, input_of};
use wirelace_http1::head::{HeadError, Status};

/// Cases to be refused whose heads are well-formed: fields that contradict each other, targets in the
/// wrong form, bodies. The connection decides.
fn is_decided_later(name: &str) -> bool {
    let families = ["host-", "cl-", "te-", "chunk-", "trailer-", "incomplete-cl-", "resp-cl-", "garden-"];
    families.iter().any(|family| name.starts_with(family))
        || matches!(name, "rl-get-asterisk" | "rl-connect-path" | "rl-relative-target")
}

/// The verdict on the head, the same in every split (in some, where the input is long).
fn verdict<K: Kind>(kind: &K, input: &[u8]) -> Result<Status<()>, HeadError> {
    let whole = once(kind, input);
    let step = input.len() / 500 + 1;
    for cut in (0..=input.len()).step_by(step) {
        assert_eq!(in_pieces(kind, input, [cut]).1, whole, "cut at {cut}: {}", input.escape_ascii());
    }
    assert_eq!(in_pieces(kind, input, (0..input.len()).step_by(step)).1, whole);
    whole.0.map(|status| match status {
        Status::Complete(_) => Status::Complete(()),
        Status::Partial => Status::Partial,
    })
}

#[test]
fn verdicts() {
    let Some(cases) = data("h1_cases.json") else { return };
    let mut wrong = Vec::new();
    let mut refused = 0;
    for case in &cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let (name, expect, input) = (text("name"), text("expect"), input_of(case));
        let found = match text("kind") {
            "request" => verdict(&REQUESTS, &input),
            "response" => verdict(&RESPONSES, &input),
            kind => panic!("unknown kind {kind}"),
        };
        refused += usize::from(found.is_err());
        let fine = match expect {
            "accept" => found == Ok(Status::Complete(())),
            "reject" if is_decided_later(name) => true,
            // What is cut off is neither accepted nor refused by a parser.
            "reject" => found != Ok(Status::Complete(())),
            "either" => true,
            _ => false,
        };
        if !fine {
            wrong.push(format!("{name}: expected {expect}, found {found:?} ({})", text("why")));
        }
    }
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases.len() >= 216 && refused >= 60, "only {} cases, {refused} refused", cases.len());
    println!("{} heads, {refused} refused, 0 wrong verdicts", cases.len());
}
