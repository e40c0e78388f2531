//! The side that asks.

mod calls;

use core::time::Duration;
use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use wirelace_wire::varint::VARINT_MAX;

use self::calls::{Call, Calls, Due};
use super::event::{CallId, ClientEvent, ClientStats, SendError};
use super::frame;
use super::options::ClientOptions;
use super::random::Random;
use super::rtt::RoundTrip;
use crate::base::{self, FrameType};
use crate::error::ErrorCode;
use crate::extended::{Checksum, Frame};
use crate::session::Form;

/// A longer timeout counts as this one.
const LONGEST: Duration = Duration::from_secs(1 << 32);

/// A client: it asks one server, sends again what is not answered, and gives up in time.
///
/// In the extended form it makes any number of calls, many at once, over one socket. In the base form it makes one
/// call or heartbeat in its life: answers have no ids there, so each call needs a socket of its own with a fresh
/// port, and a machine of its own. What one has measured, `stats().rto`, may be the next one's
/// [`initial_rto`](super::Timing::initial_rto).
///
/// The driver gives it only datagrams that come from the server's address, and sends each of [`poll_transmit`] there.
///
/// A call is sent at once. Without an answer it is sent again after the round trip timeout (RFC 6298, over all calls
/// of this client), and after twice as long each further time, up to a limit and with some jitter, until its deadline.
/// The time that the server takes to answer counts as round trip.
///
/// [`poll_transmit`]: DatagramClient::poll_transmit
#[derive(Debug)]
pub struct DatagramClient {
    options: ClientOptions,
    random: Random,
    next_id: u64,
    /// Base form: the one call was made.
    used: bool,
    calls: Calls,
    round_trip: RoundTrip,
    /// Messages and cancellations, as they go out.
    waiting: VecDeque<Bytes>,
    events: VecDeque<ClientEvent>,
    stats: ClientStats,
}

impl DatagramClient {
    /// A client. `seed` decides its first id and its jitter: a fresh random number for each client, so that the ids
    /// of one that has the same address soon after are others.
    #[must_use]
    pub fn new(options: ClientOptions, seed: u64) -> DatagramClient {
        let options = options.checked();
        let mut random = Random::new(seed);
        DatagramClient {
            next_id: 1 + random.next() % VARINT_MAX,
            random,
            used: false,
            calls: Calls::default(),
            round_trip: RoundTrip::new(&options.timing),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
            stats: ClientStats::default(),
            options,
        }
    }

    /// Asks the server. It ends with one event, at the latest after `timeout` (by default
    /// [`Timing::timeout`](super::Timing::timeout)), unless it is cancelled. In the extended form the server is told
    /// with each send how much of that is left.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`]: as many calls are under way, or have events not taken yet, as may be; in the base form,
    /// always after the first. [`SendError::TooLong`]: the request does not fit into a datagram.
    pub fn call(
        &mut self,
        now: Instant,
        payload: Bytes,
        timeout: Option<Duration>,
    ) -> Result<CallId, SendError> {
        let timeout = self.timeout(timeout);
        let length = match self.options.form {
            Form::Base => payload.len().saturating_add(base::HEADER_LEN),
            Form::Extended { checksum } => {
                let frame = Frame::Request {
                    id: self.next_id,
                    end: true,
                    timeout: Some(ms(timeout)),
                    payload: &payload[..],
                };
                frame::length_of(&frame, checksum)
            }
        };
        let limit = self.options.limits.datagram;
        if length > limit {
            return Err(SendError::TooLong { length, limit });
        }
        self.open(now, Some(payload), timeout)
    }

    /// Asks the server for a sign of life; sent again and ended like a call.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], as [`call`](DatagramClient::call).
    pub fn heartbeat(&mut self, now: Instant, timeout: Option<Duration>) -> Result<CallId, SendError> {
        self.open(now, None, self.timeout(timeout))
    }

    /// Sends a message, once: nobody knows whether it arrives, or how often.
    ///
    /// # Errors
    ///
    /// [`SendError::Unsupported`] in the base form. [`SendError::Full`]: too many wait to be sent.
    /// [`SendError::TooLong`]: it does not fit into a datagram.
    pub fn send_message(&mut self, _now: Instant, payload: Bytes) -> Result<(), SendError> {
        let Form::Extended { checksum } = self.options.form else { return Err(SendError::Unsupported) };
        let limits = &self.options.limits;
        if self.waiting.len() >= limits.calls as usize {
            return Err(SendError::Full);
        }
        let frame = Frame::Message { payload: &payload[..] };
        self.waiting.push_back(frame::encode_extended(frame, checksum, limits.datagram)?);
        Ok(())
    }

    /// Gives a call up; no event comes for it any more. In the extended form the server is told, once; nobody knows
    /// whether that arrives. A call that is over is left alone, with its event.
    pub fn cancel(&mut self, _now: Instant, id: CallId) {
        let Some(call) = self.calls.end(id.0) else { return };
        let Form::Extended { checksum } = self.options.form else { return };
        let limits = &self.options.limits;
        if call.sends == 0 || call.payload.is_none() || self.waiting.len() >= limits.calls as usize {
            return;
        }
        let frame = Frame::Cancel { id: id.0, code: ErrorCode::CANCELLED };
        self.waiting.extend(frame::encode_extended(frame, checksum, limits.datagram));
    }

    /// Takes a datagram that came from the server. One that is wrong or unexpected is counted, no more. A response's
    /// payload is a slice of it.
    pub fn receive(&mut self, now: Instant, datagram: Bytes) {
        self.stats.received += 1;
        let taken = datagram.len() <= self.options.limits.datagram
            && match self.options.form {
                Form::Base => self.receive_base(now, datagram),
                Form::Extended { checksum } => self.receive_extended(now, datagram, checksum),
            };
        if !taken {
            self.stats.wrong += 1;
        }
    }

    /// How calls ended, one after the other.
    pub fn poll_event(&mut self, _now: Instant) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// The next datagram for the server; to be asked until there is none after each of the other calls.
    pub fn poll_transmit(&mut self, now: Instant) -> Option<Bytes> {
        self.on_deadline(now);
        let datagram = match self.waiting.pop_front() {
            Some(datagram) => datagram,
            None => self.next_call(now)?,
        };
        self.stats.sent += 1;
        Some(datagram)
    }

    /// When [`on_deadline`](DatagramClient::on_deadline) has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.calls.deadline()
    }

    /// Sends again and gives up what is due at `now`.
    pub fn on_deadline(&mut self, now: Instant) {
        while let Some(due) = self.calls.due(now) {
            if let Due::TimedOut(id, call) = due {
                self.stats.timed_out += 1;
                self.events.push_back(ClientEvent::TimedOut { id: CallId(id), sends: call.sends });
            }
        }
    }

    /// Whether no call is under way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.len() == 0
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        ClientStats {
            under_way: self.calls.len(),
            events: self.events.len(),
            waiting: self.waiting.len(),
            round_trip: self.round_trip.smoothed(),
            rto: self.round_trip.rto(),
            ..self.stats
        }
    }

    fn timeout(&self, timeout: Option<Duration>) -> Duration {
        timeout.unwrap_or(self.options.timing.timeout).min(LONGEST)
    }

    fn open(&mut self, now: Instant, payload: Option<Bytes>, timeout: Duration) -> Result<CallId, SendError> {
        let full = match self.options.form {
            Form::Base => self.used,
            // What has ended counts until its event is taken, so that events are bounded, too.
            Form::Extended { .. } => {
                self.calls.len() + self.events.len() >= self.options.limits.calls as usize
            }
        };
        if full {
            return Err(SendError::Full);
        }
        self.used = true;
        let id = self.next_id;
        self.next_id = if id >= VARINT_MAX { 1 } else { id + 1 };
        self.calls.open(now, id, payload, timeout);
        Ok(CallId(id))
    }

    /// Encodes the next call that is to be sent.
    fn next_call(&mut self, now: Instant) -> Option<Bytes> {
        let id = self.calls.next_ready()?;
        let call = self.calls.get(id)?;
        let limit = self.options.limits.datagram;
        let datagram = match (self.options.form, &call.payload) {
            (Form::Base, Some(payload)) => frame::encode_base(FrameType::REQUEST, payload, limit),
            (Form::Base, None) => frame::encode_base(FrameType::HEARTBEAT, &[], limit),
            (Form::Extended { checksum }, Some(payload)) => {
                // Never more than at first, for which there is room.
                let left = call.deadline.saturating_duration_since(now).min(call.timeout);
                let timeout = Some(ms(left));
                let frame = Frame::Request { id, end: true, timeout, payload: &payload[..] };
                frame::encode_extended(frame, checksum, limit)
            }
            (Form::Extended { checksum }, None) => {
                let frame = Frame::Ping { answer: false, payload: &id.to_be_bytes()[..] };
                frame::encode_extended(frame, checksum, limit)
            }
        };
        let again = call.sends > 0;
        let wait = if again { self.round_trip.twice(call.wait) } else { self.round_trip.rto() };
        let jittered = self.random.around(wait, self.options.timing.jitter_percent);
        self.calls.sent(now, id, wait, jittered.max(Duration::from_millis(1)));
        self.stats.retransmitted += u64::from(again);
        // It fitted when the call was made.
        datagram.ok()
    }

    /// False: the datagram is wrong.
    fn receive_base(&mut self, now: Instant, datagram: Bytes) -> bool {
        let Ok(base::Frame { kind, payload }) = frame::decode_base(datagram) else { return false };
        // There is one call at most.
        let id = self.calls.only();
        match kind {
            FrameType::RESPONSE => self.on_response(now, id, payload),
            FrameType::HEARTBEAT => self.on_alive(now, id),
            FrameType::ERROR => self.on_error(now, id, ErrorCode::APPLICATION, &payload),
            _ => return false,
        }
        true
    }

    /// False: the datagram is wrong.
    fn receive_extended(&mut self, now: Instant, datagram: Bytes, checksum: bool) -> bool {
        let rule = if checksum { Checksum::On } else { Checksum::Either };
        let Ok(frame) = frame::decode_extended(datagram, rule) else { return false };
        match frame {
            Frame::Response { id, end: true, payload } => self.on_response(now, Some(id), payload),
            Frame::Error { id, code, text } => self.on_error(now, Some(id), code, &text),
            Frame::Ping { answer: true, payload } => {
                let id = payload.first_chunk().map(|id| u64::from_be_bytes(*id));
                self.on_alive(now, id.filter(|_| payload.len() == 8));
            }
            _ => return false,
        }
        true
    }

    /// Ends the call `id`, if it is one that `fits`, and learns from it how long an answer takes.
    fn answered(
        &mut self,
        now: Instant,
        id: Option<u64>,
        fits: impl FnOnce(&Call) -> bool,
    ) -> Option<(CallId, Call)> {
        let call = id.and_then(|id| self.calls.get(id)).filter(|call| call.sends > 0 && fits(call));
        let (Some(id), true) = (id, call.is_some()) else {
            self.stats.duplicates += 1;
            return None;
        };
        let call = self.calls.end(id)?;
        match call.first_sent {
            Some(sent) if call.sends == 1 => self.round_trip.sample(now.saturating_duration_since(sent)),
            _ => self.round_trip.ambiguous(call.wait),
        }
        Some((CallId(id), call))
    }

    fn on_response(&mut self, now: Instant, id: Option<u64>, payload: Bytes) {
        if let Some((id, _)) = self.answered(now, id, |call| call.payload.is_some()) {
            self.events.push_back(ClientEvent::Response { id, payload });
        }
    }

    fn on_alive(&mut self, now: Instant, id: Option<u64>) {
        if let Some((id, call)) = self.answered(now, id, |call| call.payload.is_none()) {
            let round_trip = now.saturating_duration_since(call.first_sent.unwrap_or(now));
            self.events.push_back(ClientEvent::Alive { id, round_trip });
        }
    }

    fn on_error(&mut self, now: Instant, id: Option<u64>, code: ErrorCode, text: &[u8]) {
        if let Some((id, _)) = self.answered(now, id, |_| true) {
            let text = String::from_utf8_lossy(text).into_owned();
            self.events.push_back(ClientEvent::Failed { id, code, text });
        }
    }
}

/// Whole milliseconds, rounded up: what is not over has at least one.
fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(VARINT_MAX).min(VARINT_MAX)
}
