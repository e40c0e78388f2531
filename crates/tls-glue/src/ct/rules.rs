//! Whether the SCTs that count are enough: the rules of the browsers (Chrome; Android's and Apple's differ little).

use std::collections::HashSet;

use super::sct::LogId;
use super::time::DAY;
use super::verdict::{CheckedSct, CtOutcome, Delivery, Standing};

/// A certificate of at most this lifetime needs two logs, a longer one three; in milliseconds.
const SHORT_LIFETIME: u64 = 180 * DAY;
/// A list that is older says nothing any more; in milliseconds.
const STALE: u64 = 70 * DAY;

/// The whole of the rules but for the age of the list. `lifetime`: from the certificate's first moment to its last, in
/// milliseconds.
pub(super) fn outcome(scts: &[CheckedSct], lifetime: u64) -> CtOutcome {
    let needed = if lifetime <= SHORT_LIFETIME { 2 } else { 3 };
    let counting = |embedded: bool| {
        scts.iter().filter_map(move |sct| {
            let standing = *sct.standing.as_ref().ok()?;
            let counts = (sct.delivery == Delivery::Embedded) == embedded;
            // Who sends SCTs beside the certificate can fetch new ones.
            let counts = counts && (embedded || standing == Standing::Current);
            counts.then_some(Counting { log: sct.log_id?, operator: sct.operator.as_deref()?, standing })
        })
    };
    let embedded = enough(counting(true), needed);
    let beside = enough(counting(false), 2);
    match (embedded, beside) {
        (Ok(logs), _) => CtOutcome::Complies { embedded: true, logs },
        (_, Ok(logs)) => CtOutcome::Complies { embedded: false, logs },
        (Err(CtOutcome::NoneValid), Err(reason)) | (Err(reason), Err(_)) => reason,
    }
}

/// An SCT that counts.
struct Counting<'a> {
    log: LogId,
    operator: &'a str,
    standing: Standing,
}

/// How many logs count, or what is missing.
fn enough<'a>(scts: impl Iterator<Item = Counting<'a>>, needed: usize) -> Result<usize, CtOutcome> {
    let (mut logs, mut operators, mut current) = (HashSet::new(), HashSet::new(), false);
    for sct in scts {
        logs.insert(sct.log);
        operators.insert(sct.operator);
        current |= sct.standing == Standing::Current;
    }
    let mut operators = operators.into_iter();
    let (Some(operator), another) = (operators.next(), operators.next()) else {
        return Err(CtOutcome::NoneValid);
    };
    if !current {
        Err(CtOutcome::NoCurrentLog)
    } else if logs.len() < needed {
        Err(CtOutcome::TooFewLogs { logs: logs.len(), needed })
    } else if another.is_none() {
        Err(CtOutcome::OneOperator { operator: operator.to_owned() })
    } else {
        Ok(logs.len())
    }
}

/// Whether a list of this time is too old; both in milliseconds since 1970.
pub(super) fn is_stale(list: u64, now: u64) -> bool {
    now.saturating_sub(list) > STALE
}
