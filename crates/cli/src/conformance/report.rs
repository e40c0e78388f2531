//! What is printed: for people and for machines.

use std::io::{self, Write};

use serde_json::json;

use super::case::Case;
use super::run::Outcome;
use super::verdict::Trouble;
use crate::failure::Failure;

/// The outcomes of a run.
#[derive(Debug)]
pub(crate) struct Report<'a>(pub(crate) &'a [Outcome<'a>]);

/// How many ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

/// More frames than this are not listed.
const LISTED: usize = 8;

impl Report<'_> {
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for outcome in self.0 {
            match &outcome.verdict {
                Ok(()) => counts.passed += 1,
                Err(Trouble::Skipped(_)) => counts.skipped += 1,
                Err(_) => counts.failed += 1,
            }
        }
        counts
    }

    /// A line for each case that did not pass, and the counts.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for Outcome { case, verdict, sent } in self.0 {
            let Case { id, title, section, .. } = case;
            match verdict {
                Err(Trouble::Failed { expected, came }) => {
                    let sent = list(sent);
                    text += &format!(
                        "failed {id}, {title}: sent {sent}; expected {expected} ({section}); came {came}\n"
                    );
                }
                Err(Trouble::Skipped(why)) => text += &format!("skipped {id}, {title}: {why}\n"),
                _ => {}
            }
        }
        let Counts { passed, failed, skipped } = self.counts();
        text + &format!("{passed} passed, {failed} failed, {skipped} skipped\n")
    }

    /// One object.
    pub(crate) fn json(&self) -> String {
        let cases = self.0.iter().map(|Outcome { case, verdict, sent }| {
            let mut object = json!({"id": case.id, "title": case.title, "section": case.section});
            match verdict {
                Ok(()) => object["result"] = json!("passed"),
                Err(Trouble::Skipped(why) | Trouble::Unreachable(why)) => {
                    object["result"] = json!("skipped");
                    object["reason"] = json!(why);
                }
                Err(Trouble::Failed { expected, came }) => {
                    object["result"] = json!("failed");
                    object["sent"] = json!(sent);
                    object["expected"] = json!(expected);
                    object["came"] = json!(came);
                }
            }
            object
        });
        let cases: Vec<_> = cases.collect();
        let Counts { passed, failed, skipped } = self.counts();
        let object = json!({"passed": passed, "failed": failed, "skipped": skipped, "cases": cases});
        format!("{object}\n")
    }
}

/// What was sent, shortened in the middle of many.
fn list(sent: &[String]) -> String {
    if sent.is_empty() {
        return "nothing".to_owned();
    }
    if sent.len() <= LISTED {
        return sent.join(", ");
    }
    let more = sent.len() - LISTED;
    let (first, last) = (sent.iter().take(LISTED - 1), sent.last().into_iter());
    let first: Vec<_> = first.map(String::as_str).collect();
    let last: Vec<_> = last.map(String::as_str).collect();
    format!("{}, {more} more, {}", first.join(", "), last.join(""))
}

/// A case in a list.
pub(crate) fn listed(case: &Case) -> String {
    let strict = if case.strict { " (strict)" } else { "" };
    format!("{:<20} {}: {}{strict}\n", case.id, case.section, case.title)
}

/// To standard output; whoever reads may have seen enough.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Peer(error.to_string())),
        _ => Ok(()),
    }
}
