//! What may come: the verdicts.

use std::time::Instant;

use wirelace_http2_frames::ErrorCode;

use super::conn::Conn;
use super::receive::Seen;
use super::response::Response;
use super::words::{code as name, codes as names};
use crate::conformance::link::Got;
use crate::conformance::verdict::{Verdict, failed, skipped};

/// Nobody else sends this.
const ALIVE: [u8; 8] = *b"alive?!\0";

impl Conn<'_> {
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.target.timeout
    }

    /// The server's first frame is SETTINGS.
    pub(crate) fn server_preface(&mut self) -> Verdict {
        let deadline = self.deadline();
        match self.next(deadline)? {
            Seen::Settings => Ok(()),
            seen => self.instead("SETTINGS as the first frame (RFC 9113 §3.4)", seen),
        }
    }

    /// Our settings are acknowledged, all of them.
    pub(crate) fn settings_acknowledged(&mut self) -> Verdict {
        let deadline = self.deadline();
        while !self.unacknowledged.is_empty() {
            let expected = "SETTINGS with ACK (RFC 9113 §6.5.3)";
            match self.next(deadline)? {
                Seen::Closed | Seen::Silence | Seen::GoAway(..) => {
                    return self.instead(expected, Seen::Closed);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The failure: what came is not what had to.
    fn instead<T>(&self, expected: &str, seen: Seen) -> Verdict<T> {
        let mut came = self.came.join(", ");
        if came.is_empty() {
            came.push_str("nothing");
        }
        if seen == Seen::Silence {
            came += &format!(", and nothing more in {:?}", self.target.timeout);
        }
        failed(expected, came)
    }

    /// The connection ends for one of these reasons: GOAWAY with its code, or without a word (RFC 9113 §5.4.1). Another
    /// reason will do if the connection does end, but not with `--strict`.
    pub(crate) fn connection_error(&mut self, codes: &[ErrorCode]) -> Verdict {
        let expected = format!("GOAWAY ({}), or the end of the connection", names(codes));
        let deadline = self.deadline();
        loop {
            match self.next(deadline)? {
                Seen::GoAway(_, code) if codes.contains(&code) => return Ok(()),
                seen @ Seen::GoAway(..) if self.is_wrong_reason(seen) => {
                    return self.instead(&expected, seen);
                }
                Seen::Closed => return Ok(()),
                Seen::Silence => return self.instead(&expected, Seen::Silence),
                _ => {}
            }
        }
    }

    /// A polite server announces its leaving first, which is no reason at all.
    fn is_wrong_reason(&self, seen: Seen) -> bool {
        self.is_strict() && matches!(seen, Seen::GoAway(_, code) if code != ErrorCode::NO_ERROR)
    }

    /// The server closes the connection; what it says before does not count.
    pub(crate) fn closes(&mut self) -> Verdict {
        let deadline = self.deadline();
        loop {
            match self.next(deadline)? {
                Seen::Closed => return Ok(()),
                Seen::Silence => return self.instead("the end of the connection", Seen::Silence),
                _ => {}
            }
        }
    }

    /// The server closes the connection, or speaks HTTP/1.x; frames are not asked for.
    pub(crate) fn closes_somehow(&mut self) -> Verdict {
        self.flush();
        let deadline = self.deadline();
        loop {
            match self.link.read(&mut self.input, deadline) {
                Ok(Got::Some) if self.input.starts_with(b"HTTP/1.") => return Ok(()),
                Ok(Got::Some) => {}
                Ok(Got::End) => return Ok(()),
                Ok(Got::Nothing) => {
                    let octets = self.input.len();
                    return failed("the end of the connection", format!("{octets} octets, and no end"));
                }
                Err(error) => return failed("the end of the connection", error.to_string()),
            }
        }
    }

    /// The stream, or the whole connection, ends for one of these reasons (RFC 9113 §5.4.2).
    pub(crate) fn stream_error(&mut self, stream: u32, codes: &[ErrorCode]) -> Verdict {
        self.stream_error_or(stream, codes, "", |_| false)
    }

    /// The request counts as malformed: a stream error, after a response in 4xx or 5xx or instead of it (RFC 9113 §8.1.1).
    pub(crate) fn malformed(&mut self, stream: u32) -> Verdict {
        self.refused_for(stream, &[ErrorCode::PROTOCOL_ERROR])
    }

    /// The same, for one of these reasons.
    pub(crate) fn refused_for(&mut self, stream: u32, codes: &[ErrorCode]) -> Verdict {
        let strict = self.is_strict();
        let or = if strict { "" } else { ", or a 4xx response" };
        self.stream_error_or(stream, codes, or, |response| !strict && response.ended && response.is_refusal())
    }

    fn stream_error_or(
        &mut self,
        stream: u32,
        codes: &[ErrorCode],
        or: &str,
        good: impl Fn(&Response) -> bool,
    ) -> Verdict {
        let expected = format!("RST_STREAM or GOAWAY ({}), or the end of the connection{or}", names(codes));
        let deadline = self.deadline();
        loop {
            match self.next(deadline)? {
                Seen::Reset(reset, code) if reset == stream && codes.contains(&code) => return Ok(()),
                Seen::GoAway(_, code) if codes.contains(&code) => return Ok(()),
                seen @ Seen::GoAway(..) if self.is_wrong_reason(seen) => {
                    return self.instead(&expected, seen);
                }
                Seen::Closed => return Ok(()),
                // The answer was complete before the rest of the request was looked at (RFC 9113 §8.1).
                Seen::Reset(reset, code) if reset == stream && code != ErrorCode::NO_ERROR => {
                    return self.instead(&expected, Seen::Reset(reset, code));
                }
                Seen::Silence => return self.instead(&expected, Seen::Silence),
                _ if good(&self.seen(stream)) => return Ok(()),
                _ => {}
            }
        }
    }

    /// The frame is an error for one of these reasons, or nothing happens at all.
    pub(crate) fn error_or_ignored(&mut self, codes: &[ErrorCode]) -> Verdict {
        self.ping(ALIVE);
        let expected = format!("RST_STREAM or GOAWAY ({}), or the answer to a PING", names(codes));
        let deadline = self.deadline();
        loop {
            match self.next(deadline)? {
                Seen::Pong(ALIVE) | Seen::Closed => return Ok(()),
                Seen::Reset(_, code) | Seen::GoAway(_, code) if codes.contains(&code) => return Ok(()),
                Seen::Reset(_, ErrorCode::NO_ERROR) | Seen::GoAway(_, ErrorCode::NO_ERROR) => {}
                seen @ (Seen::GoAway(..) | Seen::Reset(..) | Seen::Silence) => {
                    return self.instead(&expected, seen);
                }
                _ => {}
            }
        }
    }

    /// With `--strict` an error; else it may be ignored, too.
    pub(crate) fn error_unless_ignored(&mut self, stream: u32, codes: &[ErrorCode]) -> Verdict {
        if self.is_strict() { self.stream_error(stream, codes) } else { self.error_or_ignored(codes) }
    }

    /// A whole response, whatever its status.
    pub(crate) fn response(&mut self, stream: u32) -> Verdict<Response> {
        let expected = format!("a response on stream {stream}");
        self.until(&expected, |conn| {
            let response = conn.seen(stream);
            (response.ended && response.status.is_some()).then_some(response)
        })
    }

    /// The head of a response.
    pub(crate) fn head(&mut self, stream: u32) -> Verdict<Response> {
        let expected = format!("the head of a response on stream {stream}");
        self.until(&expected, |conn| {
            let response = conn.seen(stream);
            response.status.is_some().then_some(response)
        })
    }

    /// Waits for something while the connection goes on, and no stream is reset.
    pub(crate) fn until<T>(&mut self, expected: &str, done: impl Fn(&Conn<'_>) -> Option<T>) -> Verdict<T> {
        let deadline = self.deadline();
        loop {
            if let Some(done) = done(self) {
                return Ok(done);
            }
            match self.next(deadline)? {
                Seen::Reset(_, ErrorCode::NO_ERROR) | Seen::GoAway(_, ErrorCode::NO_ERROR) => {}
                seen @ (Seen::Reset(..) | Seen::GoAway(..) | Seen::Closed | Seen::Silence) => {
                    if let Some(done) = done(self) {
                        return Ok(done);
                    }
                    return self.instead(expected, seen);
                }
                _ => {}
            }
        }
    }

    /// The connection goes on: the server answers a PING.
    pub(crate) fn alive(&mut self) -> Verdict {
        self.pong(ALIVE)
    }

    /// The answer to a PING with this.
    pub(crate) fn pong(&mut self, data: [u8; 8]) -> Verdict {
        self.ping(data);
        let expected = "PING with ACK and the same octets: the connection goes on";
        let deadline = self.deadline();
        loop {
            match self.next(deadline)? {
                Seen::Pong(answer) if answer == data => return Ok(()),
                Seen::Pong(_) => return self.instead(expected, Seen::Other),
                Seen::GoAway(_, ErrorCode::NO_ERROR) => {}
                seen @ (Seen::GoAway(..) | Seen::Closed | Seen::Silence) => {
                    return self.instead(expected, seen);
                }
                _ => {}
            }
        }
    }

    /// The connection goes on, and no stream was reset.
    pub(crate) fn accepted(&mut self) -> Verdict {
        self.alive()?;
        let reset =
            self.streams.iter().find_map(|(stream, response)| response.reset.map(|code| (*stream, code)));
        match reset {
            Some((stream, code)) if code != ErrorCode::NO_ERROR => {
                failed("no error", format!("RST_STREAM on stream {stream} ({})", name(code.0)))
            }
            _ => Ok(()),
        }
    }

    /// Some octets of a body, when nothing else comes any more: all that was allowed, and no more.
    pub(crate) fn exactly(&mut self, stream: u32, octets: usize) -> Verdict {
        let expected = format!("{octets} octets of DATA on stream {stream}, no more");
        let done = self.until(&expected, |conn| {
            let response = conn.seen(stream);
            (response.body >= octets || response.ended).then_some(response)
        })?;
        if done.ended && done.body < octets {
            return skipped(format!(
                "the answer has a body of {} octets: another --path is needed",
                done.body
            ));
        }
        // More would break the windows, and was noticed if it came.
        self.alive()
    }
}
