//! The browsers' rules, each threshold from both sides.

use serde_json::{Value, json};
use wirelace_tls_glue::ct::{CtMode, CtOutcome, CtPolicy, CtVerdict, Evidence, SctFault, check};

use crate::world::{
    Authority, DAY, Entry, LISTED, Leaf, NOW, SIGNED, START, TestLog, list, list_json, log_json, tbs_of, text,
};

const SHORT: u64 = 90 * DAY;
const LONG: u64 = 398 * DAY;
const USABLE: (&str, u64) = ("usable", START);

/// A log of the list: who runs it, and what is thought of it since when.
type Spec = (&'static str, (&'static str, u64));

/// A situation: a certificate with SCTs of logs in certain states.
struct Case {
    lifetime: u64,
    logs: Vec<Spec>,
    /// Which log, and when.
    scts: Vec<(usize, u64)>,
    list_time: u64,
    now: u64,
    /// Changes a log of the list.
    change: fn(usize, &mut Value),
}

impl Case {
    /// One SCT of each log, made at [`SIGNED`].
    fn new(lifetime: u64, logs: &[Spec]) -> Case {
        let scts = (0..logs.len()).map(|log| (log, SIGNED)).collect();
        Case { lifetime, logs: logs.to_vec(), scts, list_time: LISTED, now: NOW, change: |_, _| {} }
    }

    fn scts(self, scts: &[(usize, u64)]) -> Case {
        Case { scts: scts.to_vec(), ..self }
    }

    fn change(self, change: fn(usize, &mut Value)) -> Case {
        Case { change, ..self }
    }

    fn at(self, list_time: u64, now: u64) -> Case {
        Case { list_time, now, ..self }
    }

    fn verdict(&self, policy: fn(wirelace_tls_glue::ct::LogList) -> CtPolicy) -> CtVerdict {
        let (authority, leaf) = (Authority::shared(), Leaf::new(self.lifetime));
        let plain = leaf.plain(authority);
        let entry = Entry::Precertificate { tbs: tbs_of(&plain), issuer_key: &authority.key };
        let scts: Vec<Vec<u8>> =
            self.scts.iter().map(|&(log, time)| TestLog::shared(log).sign(&entry, time, b"")).collect();
        let certificate = if scts.is_empty() { plain.clone() } else { leaf.with_scts(authority, &scts) };
        let logs = self.logs.iter().enumerate().map(|(index, &(operator, (state, since)))| {
            let mut log = log_json(&TestLog::shared(index).public_key(), state, since);
            (self.change)(index, &mut log);
            (operator, vec![log])
        });
        let list = list(&list_json(self.list_time, &logs.collect::<Vec<_>>()));
        let chain: [&[u8]; 2] = [&certificate, &authority.certificate];
        check(&policy(list), &Evidence { chain: &chain, ..Evidence::default() }, self.now)
    }
}

fn complies(logs: usize) -> CtOutcome {
    CtOutcome::Complies { embedded: true, logs }
}

fn few(logs: usize, needed: usize) -> CtOutcome {
    CtOutcome::TooFewLogs { logs, needed }
}

fn one_operator() -> CtOutcome {
    CtOutcome::OneOperator { operator: "A".to_owned() }
}

fn retired(since: u64) -> (&'static str, u64) {
    ("retired", since)
}

/// Sold to `B` a day after the SCTs were made.
fn sold_later(index: usize, log: &mut Value) {
    if index == 1 {
        log["previous_operators"] = json!([{ "name": "A", "end_time": text(SIGNED + DAY) }]);
    }
}

/// Sold to `B` in the moment in which the SCTs were made.
fn sold_then(index: usize, log: &mut Value) {
    if index == 1 {
        log["previous_operators"] = json!([{ "name": "A", "end_time": text(SIGNED) }]);
    }
}

/// Sold by `A` to `C`, and by `C` to `B`; at the time, `C` had it. The list is not in the order of time.
fn sold_twice(index: usize, log: &mut Value) {
    if index == 1 {
        log["previous_operators"] = json!([
            { "name": "C", "end_time": text(SIGNED + DAY) },
            { "name": "A", "end_time": text(SIGNED - 1) },
        ]);
    }
}

fn interval(log: &mut Value, start: u64, end: u64) {
    log["temporal_interval"] = json!({ "start_inclusive": text(start), "end_exclusive": text(end) });
}

/// The situations, by name.
#[allow(clippy::too_many_lines)]
fn cases() -> Vec<(&'static str, Case, CtOutcome)> {
    let (a, b, c) = (("A", USABLE), ("B", USABLE), ("C", USABLE));
    let ended = |when| ("B", retired(when));
    vec![
        ("no SCT", Case::new(SHORT, &[a, b]).scts(&[]), CtOutcome::NoScts),
        ("short, one log", Case::new(SHORT, &[a]), few(1, 2)),
        ("short, two logs", Case::new(SHORT, &[a, b]), complies(2)),
        ("short, three logs", Case::new(SHORT, &[a, b, c]), complies(3)),
        ("long, two logs", Case::new(LONG, &[a, b]), few(2, 3)),
        ("long, three logs", Case::new(LONG, &[a, b, c]), complies(3)),
        ("long, three logs of two", Case::new(LONG, &[a, a, b]), complies(3)),
        ("180 days less a second", Case::new(180 * DAY - 1000, &[a, b]), complies(2)),
        ("180 days", Case::new(180 * DAY, &[a, b]), complies(2)),
        ("180 days and a second", Case::new(180 * DAY + 1000, &[a, b]), few(2, 3)),
        ("180 days and a second, three", Case::new(180 * DAY + 1000, &[a, b, c]), complies(3)),
        ("two logs of one operator", Case::new(SHORT, &[a, a]), one_operator()),
        ("three logs of one operator", Case::new(LONG, &[a, a, a]), one_operator()),
        ("one log twice", Case::new(SHORT, &[a, b]).scts(&[(0, SIGNED), (0, SIGNED + 1)]), few(1, 2)),
        (
            "one log twice, and another",
            Case::new(LONG, &[a, b]).scts(&[(0, SIGNED), (0, SIGNED + 1), (1, SIGNED)]),
            few(2, 3),
        ),
        ("qualified", Case::new(SHORT, &[("A", ("qualified", START)), b]), complies(2)),
        (
            "read-only",
            Case::new(SHORT, &[("A", ("readonly", START)), ("B", ("readonly", START))]),
            complies(2),
        ),
        ("pending", Case::new(SHORT, &[("A", ("pending", START)), b]), few(1, 2)),
        ("rejected", Case::new(SHORT, &[("A", ("rejected", START)), b]), few(1, 2)),
        ("a state that is not known", Case::new(SHORT, &[("A", ("excellent", START)), b]), few(1, 2)),
        ("only pending", Case::new(SHORT, &[("A", ("pending", START))]), CtOutcome::NoneValid),
        ("retired after the SCT", Case::new(SHORT, &[a, ended(SIGNED + 1)]), complies(2)),
        ("retired with the SCT", Case::new(SHORT, &[a, ended(SIGNED)]), few(1, 2)),
        ("retired before the SCT", Case::new(SHORT, &[a, ended(SIGNED - 1)]), few(1, 2)),
        ("retired now", Case::new(SHORT, &[("A", retired(NOW)), ended(NOW)]), CtOutcome::NoCurrentLog),
        ("retired soon", Case::new(SHORT, &[("A", retired(NOW + 1)), ended(NOW)]), complies(2)),
        (
            "only retired",
            Case::new(LONG, &[("A", retired(NOW)), ended(NOW), ("C", retired(NOW))]),
            CtOutcome::NoCurrentLog,
        ),
        ("two retired, one current", Case::new(LONG, &[("A", retired(NOW)), ended(NOW), c]), complies(3)),
        ("retired, other operator", Case::new(LONG, &[a, a, ended(NOW)]), complies(3)),
        (
            "retired between two SCTs of it",
            Case::new(SHORT, &[a, ended(SIGNED + 1)]).scts(&[(0, SIGNED), (1, SIGNED + 2), (1, SIGNED)]),
            complies(2),
        ),
        ("sold after the SCT", Case::new(SHORT, &[a, b]).change(sold_later), one_operator()),
        ("sold with the SCT", Case::new(SHORT, &[a, b]).change(sold_then), complies(2)),
        ("sold before and after", Case::new(SHORT, &[a, b]).change(sold_twice), complies(2)),
        (
            "bought by the same operator",
            Case::new(SHORT, &[a, ("A", USABLE)]).change(|index, log| {
                if index == 1 {
                    log["previous_operators"] = json!([{ "name": "B", "end_time": text(SIGNED + 1) }]);
                }
            }),
            complies(2),
        ),
        ("now", Case::new(SHORT, &[a, b]).scts(&[(0, NOW), (1, NOW)]), complies(2)),
        ("a moment later", Case::new(SHORT, &[a, b]).scts(&[(0, NOW), (1, NOW + 1)]), few(1, 2)),
        (
            "ends at the start of the log's time",
            Case::new(SHORT, &[a, b]).change(|_, log| interval(log, START + SHORT, START + LONG)),
            complies(2),
        ),
        (
            "ends before the log's time",
            Case::new(SHORT, &[a, b]).change(|_, log| interval(log, START + SHORT + 1, START + LONG)),
            CtOutcome::NoneValid,
        ),
        (
            "ends in the last moment of the log's time",
            Case::new(SHORT, &[a, b]).change(|_, log| interval(log, START, START + SHORT + 1)),
            complies(2),
        ),
        (
            "ends after the log's time",
            Case::new(SHORT, &[a, b]).change(|_, log| interval(log, START, START + SHORT)),
            CtOutcome::NoneValid,
        ),
        ("list of 70 days", Case::new(SHORT, &[a]).at(START, START + 70 * DAY), few(1, 2)),
        (
            "list of more than 70 days",
            Case::new(SHORT, &[a]).at(START, START + 70 * DAY + 1),
            CtOutcome::Stale { list_timestamp: START, otherwise: Box::new(few(1, 2)) },
        ),
        (
            "good, with a list of more than 70 days",
            Case::new(SHORT, &[a, b]).at(START, START + 70 * DAY + 1),
            CtOutcome::Stale { list_timestamp: START, otherwise: Box::new(complies(2)) },
        ),
        ("list from the future", Case::new(SHORT, &[a, b]).at(NOW + DAY, NOW), complies(2)),
    ]
}

#[test]
fn every_situation_has_its_verdict() {
    let cases = cases();
    assert!(cases.len() >= 40);
    for (name, case, expected) in cases {
        let verdict = case.verdict(CtPolicy::enforce);
        assert_eq!(verdict.outcome, expected, "{name}: {verdict}");
        let fine = matches!(expected, CtOutcome::Complies { .. } | CtOutcome::Stale { .. });
        assert_eq!(verdict.refuses(), !fine, "{name}");
        assert_eq!(verdict.complies(), matches!(expected, CtOutcome::Complies { .. }), "{name}");
        // The same is reported where nothing is enforced, and nothing is refused.
        let reported = case.verdict(CtPolicy::report);
        assert_eq!((reported.outcome, reported.mode), (expected, CtMode::Report), "{name}");
        let reported = case.verdict(CtPolicy::report);
        assert!(!reported.refuses(), "{name}");
        let off = case.verdict(|_| CtPolicy::off());
        assert_eq!((off.outcome.clone(), off.refuses()), (CtOutcome::Off, false));
        assert!(off.scts.is_empty());
    }
}

#[test]
fn a_verdict_says_what_is_missing_and_what_to_do() {
    let (a, b) = (("A", USABLE), ("B", USABLE));
    let texts = [
        (Case::new(SHORT, &[a, b]), "the certificate complies, with SCTs of 2 logs in the certificate"),
        (
            Case::new(LONG, &[a, b]),
            "SCTs of 2 logs count, 3 are needed for a certificate of more than 180 days; \
             have one issued that is in more logs, or get a newer log list",
        ),
        (
            Case::new(SHORT, &[a, ("B", retired(SIGNED))]),
            "SCTs of 1 log count, 2 are needed; have one issued that is in more logs, or get a newer log list; \
             SCT 2 in the certificate (a log, B) is not older than its log's retirement on 2026-01-02T00:00:00Z",
        ),
        (
            Case::new(SHORT, &[a, a]),
            "all logs that have the certificate are run by A, two operators are needed; \
             have one issued that is in the logs of two operators",
        ),
        (
            Case::new(SHORT, &[("A", retired(NOW)), ("B", retired(NOW))]),
            "all logs that have the certificate were retired, one that is trusted now is needed; \
             have one issued that is in more logs, or get a newer log list",
        ),
        (
            Case::new(SHORT, &[a]).scts(&[]),
            "the certificate comes without SCTs: nothing shows that it was logged; \
             have one issued by an authority that logs it",
        ),
        (
            Case::new(SHORT, &[a, b]).at(START, START + 71 * DAY),
            "not enforced, the log list of 2026-01-01T00:00:00Z is older than 70 days \
             (by it: the certificate complies, with SCTs of 2 logs in the certificate); get a newer log list",
        ),
        (
            Case::new(SHORT, &[("A", ("pending", START))]),
            "none of the SCTs counts; get a newer log list, or have the certificate issued anew and logged; \
             SCT 1 in the certificate (a log, A) comes from a log that is pending",
        ),
    ];
    for (case, text) in texts {
        assert_eq!(case.verdict(CtPolicy::enforce).to_string(), format!("Certificate Transparency: {text}"));
    }
}

#[test]
fn faults_name_their_reason() {
    let case = Case::new(SHORT, &[("A", USABLE)]).change(|_, log| interval(log, START, START + DAY));
    let verdict = case.verdict(CtPolicy::report);
    let fault = SctFault::Interval { start: START, end: START + DAY };
    assert_eq!(verdict.scts[0].standing, Err(fault.clone()));
    let text =
        "comes from a log for certificates that end from 2026-01-01T00:00:00Z until 2026-01-02T00:00:00Z";
    assert_eq!(fault.to_string(), text);
}
