//! The Date field (RFC 9110 §6.6.1), formatted once a second in each thread.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wirelace_http_semantics::date::HttpDate;

type Text = [u8; HttpDate::LENGTH];

thread_local! {
    /// The text, and when it is out of date.
    static CACHED: Cell<Option<(Instant, Text)>> = const { Cell::new(None) };
}

/// The current date; `now` is a recent reading of the monotonic clock.
pub(crate) fn current(now: Instant) -> Text {
    match CACHED.get() {
        Some((until, text)) if now < until => text,
        _ => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let seconds = i64::try_from(since.as_secs()).unwrap_or(0);
            let text = HttpDate::from_unix(seconds).unwrap_or(HttpDate::MAX).format();
            let rest = Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into());
            CACHED.set(Some((now + rest, text)));
            text
        }
    }
}
