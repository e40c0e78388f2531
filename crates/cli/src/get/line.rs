//! The order in which requests come to a connection that they share.
//!
//! Responses are written in order, and one whose turn has not come keeps its stream. Where a server takes few streams,
//! a request that came late would wait for those behind it, which wait for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::url::Url;

/// The lines of all origins.
pub(super) struct Lines {
    /// For each URL: its line, its place among the URLs of that line, and how many those are.
    by_url: Vec<(Arc<Line>, u64, u64)>,
}

struct Line {
    /// Those who have passed although others are before them.
    ahead: Mutex<BTreeSet<u64>>,
    /// All before it have passed.
    first: watch::Sender<u64>,
}

/// A request's place in its line. Dropping it lets the others pass.
pub(super) struct Place {
    line: Arc<Line>,
    place: u64,
    passed: bool,
}

impl Lines {
    pub(super) fn new(urls: &[Url]) -> Lines {
        let mut by_url: Vec<(Arc<Line>, u64, u64)> = Vec::new();
        for (at, url) in urls.iter().enumerate() {
            let before = urls.iter().take(at).position(|other| other.origin == url.origin);
            let line = match before.and_then(|first| by_url.get(first)) {
                Some((line, ..)) => Arc::clone(line),
                None => Arc::new(Line { ahead: Mutex::default(), first: watch::Sender::new(0) }),
            };
            let same = |urls: &[Url]| urls.iter().filter(|other| other.origin == url.origin).count() as u64;
            by_url.push((line, same(urls.get(..at).unwrap_or_default()), same(urls)));
        }
        Lines { by_url }
    }

    /// The place of a request, of all that are made in rounds over the URLs.
    pub(super) fn place(&self, number: u64) -> Option<Place> {
        let urls = self.by_url.len() as u64;
        let (line, rank, of) = self.by_url.get(usize::try_from(number.checked_rem(urls)?).ok()?)?;
        Some(Place { line: Arc::clone(line), place: number / urls * of + rank, passed: false })
    }
}

impl Place {
    /// Waits until all before it have passed.
    pub(super) async fn reach(&self) {
        if !self.passed {
            // The sender lives in the line.
            let _ = self.line.first.subscribe().wait_for(|first| *first >= self.place).await;
        }
    }

    /// Lets those behind it go on.
    pub(super) fn pass(&mut self) {
        if std::mem::replace(&mut self.passed, true) {
            return;
        }
        let mut ahead = self.line.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.insert(self.place);
        self.line.first.send_if_modified(|first| {
            let before = *first;
            while ahead.remove(first) {
                *first += 1;
            }
            *first != before
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pass();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(place: &Place) -> bool {
        *place.line.first.borrow() >= place.place
    }

    #[test]
    fn each_origin_has_a_line() {
        let urls = ["http://a/1", "http://b/1", "http://a/2"].map(|url| Url::parse(url).unwrap());
        let lines = Lines::new(&urls);
        let places: Vec<_> = (0..6).map(|number| lines.place(number).unwrap().place).collect();
        assert_eq!(places, [0, 0, 1, 2, 1, 3]);
        assert!(Lines::new(&[]).place(0).is_none());
    }

    #[test]
    fn nobody_passes_before_those_in_front() {
        let lines = Lines::new(&[Url::parse("http://a/").unwrap()]);
        let mut places: Vec<_> = (0..4).map(|number| lines.place(number).unwrap()).collect();
        assert!(reached(&places[0]) && !reached(&places[1]));
        places[2].pass();
        places[1].pass();
        places[1].pass();
        assert!(!reached(&places[3]));
        drop(places.remove(0));
        assert!(places.iter().all(reached));
    }
}
