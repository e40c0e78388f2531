//! A one-way byte stream with the ways of TCP that a protocol has to live with.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::rng::Rng;

/// How a [`StreamLink`] treats what goes through it. The default splits and delays, and loses nothing.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    /// The largest piece that is delivered at once, in bytes; pieces are of random sizes from 1 on.
    pub max_segment: usize,
    /// How many pieces of 100 have one byte.
    pub single_bytes: u8,
    /// How many writes of 100 are accepted only in part.
    pub partial_writes: u8,
    /// How many deliveries of 100 take all that has arrived, instead of one piece.
    pub coalesced_reads: u8,
    /// How long each piece travels; order is kept.
    pub delay: RangeInclusive<Duration>,
    /// Bytes a second; `None`: no limit.
    pub rate: Option<u64>,
    /// Bytes in flight and unread beyond which nothing more is accepted.
    pub window: usize,
    /// Breaks the stream.
    pub cut: Option<Cut>,
}

impl Default for StreamSettings {
    fn default() -> StreamSettings {
        StreamSettings {
            max_segment: 1460,
            single_bytes: 10,
            partial_writes: 25,
            coalesced_reads: 50,
            delay: Duration::ZERO..=Duration::from_millis(20),
            rate: None,
            window: 64 * 1024,
            cut: None,
        }
    }
}

impl StreamSettings {
    /// A link that delivers everything at once, whole.
    #[must_use]
    pub fn ideal() -> StreamSettings {
        StreamSettings {
            max_segment: usize::MAX,
            single_bytes: 0,
            partial_writes: 0,
            coalesced_reads: 100,
            delay: Duration::ZERO..=Duration::ZERO,
            rate: None,
            window: usize::MAX,
            cut: None,
        }
    }
}

/// The end of a stream before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Exactly so many bytes arrive; what is written beyond them vanishes.
    pub after: u64,
    /// What the receiver finds then.
    pub end: Delivery,
}

impl Cut {
    /// The receiver finds the end of the stream; the sender does not notice.
    #[must_use]
    pub const fn eof(after: u64) -> Cut {
        Cut { after, end: Delivery::Eof }
    }

    /// The receiver finds a reset.
    #[must_use]
    pub const fn reset(after: u64) -> Cut {
        Cut { after, end: Delivery::Reset }
    }
}

/// What [`StreamLink::read`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// The end of the stream; nothing comes after it.
    Eof,
    /// The connection was reset; nothing comes after it.
    Reset,
}

/// The stream was closed or reset: it takes no more bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the link is closed or was reset")
    }
}

impl std::error::Error for Broken {}

/// A one-way stream of bytes. The same seed, settings and calls give the same deliveries.
#[derive(Debug)]
pub struct StreamLink {
    rng: Rng,
    settings: StreamSettings,
    segments: VecDeque<(Instant, Bytes)>,
    in_flight: usize,
    /// The end, once it is on its way.
    end: Option<(Instant, Delivery)>,
    end_delivered: bool,
    /// No more writes.
    broken: bool,
    /// The receiver is gone: what arrives is dropped.
    discarding: bool,
    accepted: u64,
    delivered: u64,
    /// Nothing may arrive before this.
    last_arrival: Instant,
    /// When the sender's line is free again (`rate`).
    line_free: Instant,
}

impl StreamLink {
    /// A link that opens at `now`.
    #[must_use]
    pub fn new(seed: u64, settings: StreamSettings, now: Instant) -> StreamLink {
        let mut link = StreamLink {
            rng: Rng::new(seed),
            settings,
            segments: VecDeque::new(),
            in_flight: 0,
            end: None,
            end_delivered: false,
            broken: false,
            discarding: false,
            accepted: 0,
            delivered: 0,
            last_arrival: now,
            line_free: now,
        };
        link.cut_if_due(now);
        link
    }

    /// Takes some of `bytes` and returns how many: all, a part, or none while the window is full.
    ///
    /// # Errors
    /// The link was closed or reset.
    pub fn write(&mut self, now: Instant, bytes: &[u8]) -> Result<usize, Broken> {
        if self.broken {
            return Err(Broken);
        }
        let mut take = bytes.len().min(self.settings.window.saturating_sub(self.in_flight));
        if take > 1 && self.rng.percent(self.settings.partial_writes) {
            take = self.rng.within(1..=take);
        }
        let mut rest = bytes.get(..take).unwrap_or_default();
        if let Some(cut) = self.settings.cut {
            let left = usize::try_from(cut.after.saturating_sub(self.accepted)).unwrap_or(usize::MAX);
            rest = rest.get(..left).unwrap_or(rest);
        }
        self.accepted += take as u64;
        if !self.discarding {
            self.in_flight += rest.len();
            while !rest.is_empty() {
                let single = self.rng.percent(self.settings.single_bytes);
                let longest = self.settings.max_segment.clamp(1, rest.len());
                let len = if single { 1 } else { self.segment_len(longest) };
                let (segment, later) = rest.split_at(len);
                let at = self.arrival(now, len);
                self.segments.push_back((at, Bytes::copy_from_slice(segment)));
                rest = later;
            }
        }
        self.cut_if_due(now);
        Ok(take)
    }

    /// Half-closes: the receiver finds the end of the stream after everything written so far.
    pub fn close(&mut self, now: Instant) {
        self.broken = true;
        if self.end.is_none() {
            self.end = Some((self.arrival(now, 0), Delivery::Eof));
        }
    }

    /// Resets: what has not been read is lost.
    pub fn reset(&mut self, now: Instant) {
        self.broken = true;
        self.segments.clear();
        self.in_flight = 0;
        if !self.end_delivered {
            self.last_arrival = now;
            self.end = Some((self.arrival(now, 0), Delivery::Reset));
        }
    }

    /// The receiver reads no more: whatever was or will be written vanishes.
    pub fn discard(&mut self) {
        self.discarding = true;
        self.end_delivered = true;
        self.segments.clear();
        self.in_flight = 0;
    }

    /// Appends what has arrived by `now` to `into`. The end is delivered once.
    pub fn read(&mut self, now: Instant, into: &mut BytesMut) -> Delivery {
        let all = self.rng.percent(self.settings.coalesced_reads);
        let mut read = 0;
        while let Some((at, segment)) = self.segments.front() {
            if *at > now || (read > 0 && !all) {
                break;
            }
            into.extend_from_slice(segment);
            read += segment.len();
            self.segments.pop_front();
        }
        self.in_flight -= read;
        self.delivered += read as u64;
        if read > 0 {
            return Delivery::Bytes(read);
        }
        match self.end {
            Some((at, end)) if at <= now && self.segments.is_empty() && !self.end_delivered => {
                self.end_delivered = true;
                end
            }
            _ => Delivery::Nothing,
        }
    }

    /// When there is something to read; in the past while it has not been read.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        match self.segments.front() {
            Some((at, _)) => Some(*at),
            None => self.end.filter(|_| !self.end_delivered).map(|(at, _)| at),
        }
    }

    /// Bytes taken from the sender, those that vanished included.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Bytes given to the receiver.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Bytes written and not read.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// True once the sender has written up to the cut of the settings.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.settings.cut.is_some_and(|cut| self.accepted >= cut.after)
    }

    fn cut_if_due(&mut self, now: Instant) {
        if let Some(cut) = self.settings.cut
            && self.accepted >= cut.after
            && self.end.is_none()
        {
            self.end = Some((self.arrival(now, 0), cut.end));
            self.broken |= cut.end == Delivery::Reset;
        }
    }

    /// Small and large pieces are equally likely, whatever the upper end.
    fn segment_len(&mut self, longest: usize) -> usize {
        if self.settings.max_segment == usize::MAX {
            return longest;
        }
        let upper = 1usize.checked_shl(self.rng.within(0..=longest.ilog2() as usize + 1) as u32);
        self.rng.within(1..=upper.unwrap_or(longest).min(longest))
    }

    fn arrival(&mut self, now: Instant, len: usize) -> Instant {
        let mut at = now;
        if let Some(rate) = self.settings.rate {
            let line = Duration::from_nanos((len as u64).saturating_mul(1_000_000_000) / rate.max(1));
            self.line_free = self.line_free.max(now) + line;
            at = self.line_free;
        }
        at += self.rng.duration(&self.settings.delay);
        self.last_arrival = self.last_arrival.max(at);
        self.last_arrival
    }
}
