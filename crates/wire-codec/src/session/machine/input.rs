//! Taking frames out of the input.

use std::time::Instant;

use bytes::BytesMut;

use super::{Phase, Session};
use crate::base::{self, HEADER_LEN, Header};
use crate::error::DecodeError;
use crate::extended::{self, Checksum, Rules};
use crate::session::{Error, Event};

impl Session {
    /// Takes frames until one of them is an event.
    pub(super) fn next(&mut self, now: Instant, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        while self.may_take() {
            if self.run.is_empty() && !self.refill(now, input)? {
                if self.eof {
                    if self.partial > 0 {
                        return Err(Error::UnexpectedEnd { offset: self.offset + self.partial as u64 });
                    }
                    self.input_over();
                }
                return Ok(None);
            }
            let event = self.take_frame(now)?;
            if event.is_some() || !self.events.is_empty() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    fn version(&self) -> u8 {
        if self.phase == Phase::Extended { extended::VERSION } else { base::VERSION }
    }

    fn take_frame(&mut self, now: Instant) -> Result<Option<Event>, Error> {
        let before = self.run.len();
        let offset = self.offset;
        let decode = |error| Error::Decode { error, offset };
        if self.phase == Phase::Extended {
            let checksum = if self.checksum { Checksum::On } else { Checksum::Off };
            let rules = Rules { max_length: self.limits.frame, checksum };
            let Some(frame) = extended::decode_owned(&mut self.run, rules).map_err(decode)? else {
                return Ok(None);
            };
            self.offset += (before - self.run.len()) as u64;
            self.stats.frames_received += 1;
            return self.on_extended(now, frame);
        }
        let Some(frame) = base::decode_owned(&mut self.run, self.limits.frame).map_err(decode)? else {
            return Ok(None);
        };
        self.offset += (before - self.run.len()) as u64;
        self.stats.frames_received += 1;
        match self.phase {
            Phase::Hello => self.on_hello_answer(now, frame),
            Phase::First => self.on_first(now, frame),
            _ => self.on_base(now, frame),
        }
    }

    /// Splits the complete frames off `input`, all at once: splitting each off by itself is what costs. False: there
    /// is none.
    fn refill(&mut self, now: Instant, input: &mut BytesMut) -> Result<bool, Error> {
        // The first frame decides on the version of the second.
        let one = matches!(self.phase, Phase::Hello | Phase::First);
        let version = self.version();
        let mut complete = 0_usize;
        while let Some(rest) = input.get(complete..) {
            let header = match Header::decode(rest) {
                Some(header) if header.version == version && header.length as usize <= self.limits.frame => {
                    header
                }
                Some(header) if header.version == version => {
                    if complete > 0 {
                        break;
                    }
                    let error = DecodeError::FrameTooLong { length: header.length, limit: self.limits.frame };
                    return Err(Error::Decode { error, offset: self.offset });
                }
                _ => match rest.first() {
                    Some(&found) if found != version && complete == 0 => {
                        let error = DecodeError::Version { found, expected: version };
                        return Err(Error::Decode { error, offset: self.offset });
                    }
                    _ => break,
                },
            };
            let end = complete + HEADER_LEN + header.length as usize;
            if end > input.len() {
                break;
            }
            complete = end;
            if one {
                break;
            }
        }
        if complete == 0 {
            if input.len() > self.partial {
                self.timers.received(now);
            }
            self.partial = input.len();
            self.timers.frame(now, self.partial);
            return Ok(false);
        }
        self.run = input.split_to(complete).freeze();
        self.partial = input.len();
        self.timers.received(now);
        self.timers.next_frame(now, self.partial);
        Ok(true)
    }
}
