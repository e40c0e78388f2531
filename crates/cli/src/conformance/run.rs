//! Runs cases, several at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::case::Case;
use super::http2::conn::Conn;
use super::link::Target;
use super::verdict::{Trouble, Verdict};
use crate::failure::Failure;
use crate::voice::Voice;

/// How a case ended.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    pub(crate) case: &'a Case,
    pub(crate) verdict: Verdict,
    /// What was sent, frame by frame.
    pub(crate) sent: Vec<String>,
}

/// The outcomes in the order of the cases, and why there are no more: the server cannot be reached, or not any more.
pub(crate) fn all<'a>(
    target: &Target,
    cases: &[&'a Case],
    parallel: usize,
    voice: Voice,
) -> (Vec<Outcome<'a>>, Option<Failure>) {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..parallel.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let at = std::time::Instant::now();
                    let (verdict, sent) = one(target, case);
                    let word = match &verdict {
                        Ok(()) => "passed",
                        Err(Trouble::Skipped(_)) => "skipped",
                        Err(_) => "failed",
                    };
                    let took = at.elapsed().as_millis();
                    voice.detail(format_args!("* {} {word} ({took} ms): {}", case.id, case.title));
                    let unreachable = matches!(verdict, Err(Trouble::Unreachable(_)));
                    // Nobody panics while holding it.
                    if let Ok(mut outcomes) = outcomes.lock() {
                        outcomes.push(Outcome { case, verdict, sent });
                    }
                    if unreachable {
                        next.store(cases.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap_or_default();
    let gone = outcomes.iter().find_map(|outcome| match &outcome.verdict {
        Err(Trouble::Unreachable(why)) => Some(why.clone()),
        _ => None,
    });
    let is_done = |outcome: &Outcome| !matches!(outcome.verdict, Err(Trouble::Unreachable(_)));
    let mut done: Vec<_> = outcomes.into_iter().filter(is_done).collect();
    done.sort_by_key(|outcome| cases.iter().position(|case| case.id == outcome.case.id));
    let left = cases.len() - done.len();
    let failure = gone.map(|why| match done.len() {
        0 => Failure::Peer(why),
        _ => Failure::Peer(format!("{why}; it was there before, and {left} cases were not run")),
    });
    (done, failure)
}

fn one(target: &Target, case: &Case) -> (Verdict, Vec<String>) {
    let mut conn = match Conn::open(target, case.start) {
        Ok(conn) => conn,
        Err(trouble) => return (Err(trouble), Vec::new()),
    };
    let verdict = (case.run)(&mut conn);
    (verdict, conn.sent())
}
