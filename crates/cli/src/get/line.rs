//! The order in which requests come to a connection that they share.
//!
//! Responses are written in order, and one whose turn has not come keeps its stream. Where a server takes few streams,
//! a request that came late would wait for those behind it, which wait for it. So requests queue up, and a connection
//! takes none that comes after one of those behind it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedMutexGuard, watch};

use super::url::Url;

/// The lines of all origins.
pub(super) struct Lines {
    /// For each URL: its line, its place among the URLs of that line, and how many those are.
    by_url: Vec<(Arc<Line>, u64, u64)>,
    ordered: bool,
}

struct Line {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    /// All before it have passed at least once.
    first: u64,
    /// Those who have passed although others are before them.
    ahead: BTreeSet<u64>,
    /// Those who have passed and came back.
    again: BTreeSet<u64>,
}

/// A request's place in its line. Dropping it lets the others pass.
pub(super) struct Place {
    line: Arc<Line>,
    place: u64,
    /// Among all requests.
    number: u64,
    passed: bool,
    ordered: bool,
}

/// The door of a connection, which one request passes at a time.
#[derive(Clone)]
pub(super) struct Door {
    free: Arc<tokio::sync::Mutex<()>>,
    /// Who came last.
    newest: watch::Sender<Option<u64>>,
}

impl Default for Door {
    fn default() -> Door {
        Door { free: Arc::default(), newest: watch::Sender::new(None) }
    }
}

/// The right to be the next on a connection, for as long as it is held.
pub(super) struct Admission {
    _held: Option<OwnedMutexGuard<()>>,
}

impl Lines {
    /// `ordered`: responses wait for each other. Otherwise nobody waits for anything.
    pub(super) fn new(urls: &[Url], ordered: bool) -> Lines {
        let mut by_url: Vec<(Arc<Line>, u64, u64)> = Vec::new();
        for (at, url) in urls.iter().enumerate() {
            let before = urls.iter().take(at).position(|other| other.origin == url.origin);
            let line = match before.and_then(|first| by_url.get(first)) {
                Some((line, ..)) => Arc::clone(line),
                None => Arc::new(Line { state: Mutex::default(), changed: watch::Sender::new(()) }),
            };
            let same = |urls: &[Url]| urls.iter().filter(|other| other.origin == url.origin).count() as u64;
            by_url.push((line, same(urls.get(..at).unwrap_or_default()), same(urls)));
        }
        Lines { by_url, ordered }
    }

    /// The place of a request, of all that are made in rounds over the URLs.
    pub(super) fn place(&self, number: u64) -> Option<Place> {
        let urls = self.by_url.len() as u64;
        let (line, rank, of) = self.by_url.get(usize::try_from(number.checked_rem(urls)?).ok()?)?;
        let (line, place) = (Arc::clone(line), number / urls * of + rank);
        Some(Place { line, place, number, passed: false, ordered: self.ordered })
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lets(&self, place: u64) -> bool {
        let state = self.state();
        state.first >= place && state.again.first().is_none_or(|first| *first >= place)
    }
}

impl Place {
    /// Waits for those in front, and then at the door of the connection. `None`: somebody from behind came first.
    pub(super) async fn admit(&self, door: &Door) -> Option<Admission> {
        if !self.ordered {
            return Some(Admission { _held: None });
        }
        // The senders live as long as the line and the door.
        let _ = self.line.changed.subscribe().wait_for(|()| self.line.lets(self.place)).await;
        let mut newest = door.newest.subscribe();
        let held = tokio::select! {
            biased;
            // That one may wait at the door for others, who wait for this.
            _ = newest.wait_for(|newest| newest.is_some_and(|newest| newest > self.number)) => return None,
            held = Arc::clone(&door.free).lock_owned() => held,
        };
        door.newest.send_replace(Some(self.number));
        Some(Admission { _held: Some(held) })
    }

    /// Lets those behind it go on.
    pub(super) fn pass(&mut self) {
        if std::mem::replace(&mut self.passed, true) || !self.ordered {
            return;
        }
        let mut state = self.line.state();
        if !state.again.remove(&self.place) {
            state.ahead.insert(self.place);
            let State { first, ahead, .. } = &mut *state;
            while ahead.remove(first) {
                *first += 1;
            }
        }
        drop(state);
        self.line.changed.send_replace(());
    }

    /// It has to be sent again: those behind it who have not passed yet wait.
    pub(super) fn come_back(&mut self) {
        if std::mem::take(&mut self.passed) && self.ordered {
            self.line.state().again.insert(self.place);
        }
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
        place.line.lets(place.place)
    }

    fn line(places: u64) -> Vec<Place> {
        let lines = Lines::new(&[Url::parse("http://a/").unwrap()], true);
        (0..places).map(|number| lines.place(number).unwrap()).collect()
    }

    #[test]
    fn each_origin_has_a_line() {
        let urls = ["http://a/1", "http://b/1", "http://a/2"].map(|url| Url::parse(url).unwrap());
        let lines = Lines::new(&urls, true);
        let places: Vec<_> = (0..6).map(|number| lines.place(number).unwrap().place).collect();
        assert_eq!(places, [0, 0, 1, 2, 1, 3]);
        assert!(Lines::new(&[], true).place(0).is_none());
    }

    #[test]
    fn nobody_passes_before_those_in_front() {
        let mut places = line(4);
        assert!(reached(&places[0]) && !reached(&places[1]));
        places[2].pass();
        places[1].pass();
        places[1].pass();
        assert!(!reached(&places[3]));
        drop(places.remove(0));
        assert!(places.iter().all(reached));
        places[0].come_back();
        assert!(reached(&places[0]) && !reached(&places[2]));
        places[0].pass();
        assert!(places.iter().all(reached));
    }

    #[tokio::test]
    async fn a_connection_takes_none_that_comes_after_one_from_behind() {
        let mut places = line(3);
        let door = Door::default();
        for place in &mut places[..2] {
            assert!(place.admit(&door).await.is_some());
            place.pass();
        }
        places[0].come_back();
        assert!(places[0].admit(&door).await.is_none());
        assert!(places[0].admit(&Door::default()).await.is_some(), "another connection");
        places[1].come_back();
        places[0].pass();
        assert!(places[1].admit(&door).await.is_some());
        places[1].pass();
        assert!(places[2].admit(&door).await.is_some());
    }
}
