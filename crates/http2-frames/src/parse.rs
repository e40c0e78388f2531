//! Frames from octets: the layout of each type (RFC 9113 §6).

use core::ops::Range;

use crate::error::{FrameError, FrameRule};
use crate::error_code::ErrorCode;
use crate::frame::Frame;
use crate::header::{Flags, FrameHeader, FrameType};
use crate::lists::Origins;
use crate::payload::{Payload, dependency, number31};
use crate::settings::Settings;

/// The flags of ORIGIN that are kept for changes which older clients must not misread (RFC 8336 §2.1).
const ORIGIN_RESERVED: u8 = 0x0f;

/// Where the data lie within the payload of DATA: for those who split the input instead of copying it.
///
/// # Errors
/// It came on stream 0, or its padding is as long as the payload (RFC 9113 §6.1).
#[inline]
pub fn data_range(header: FrameHeader, payload: &[u8]) -> Result<Range<usize>, FrameError> {
    let mut parts = Payload::new(header, payload);
    parts.of_stream()?;
    let padding = parts.padding()?;
    let start = parts.offset();
    Ok(start..start + parts.without(padding)?.len())
}

impl FrameHeader {
    /// Whether the payload is at most `max_frame` octets long (SETTINGS_MAX_FRAME_SIZE, RFC 9113 §4.2): to be asked before
    /// room is made for it.
    ///
    /// # Errors
    /// It is longer: a FRAME_SIZE_ERROR of the connection, whatever the type.
    #[inline]
    pub fn check_length(&self, max_frame: u32) -> Result<(), FrameError> {
        if self.length <= max_frame {
            return Ok(());
        }
        let rule = FrameRule::TooLong { length: self.length, limit: max_frame };
        Err(FrameError::new(self.frame_type, self.stream, 0, rule))
    }
}

impl<'a> Frame<'a> {
    /// Reads a frame; `payload` are the octets that `header.length` counts.
    ///
    /// # Errors
    /// The frame breaks a rule that it alone decides: length, stream 0 or not, padding, an increment of 0.
    #[inline]
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Frame<'a>, FrameError> {
        let mut parts = Payload::new(header, payload);
        let flags = header.flags;
        let (end_stream, ack) = (flags.contains(Flags::END_STREAM), flags.contains(Flags::ACK));
        let end_headers = flags.contains(Flags::END_HEADERS);
        Ok(match header.frame_type {
            FrameType::DATA => {
                let range = data_range(header, payload)?;
                let data = payload.get(range).unwrap_or_default();
                Frame::Data { stream: header.stream, data, end_stream, flow_length: header.length }
            }
            FrameType::HEADERS => {
                let stream = parts.of_stream()?;
                let padding = parts.padding()?;
                let dependency = match flags.contains(Flags::PRIORITY) {
                    true => Some(dependency(parts.take()?)),
                    false => None,
                };
                let fragment = parts.without(padding)?;
                Frame::Headers { stream, fragment, dependency, end_stream, end_headers }
            }
            FrameType::PRIORITY => {
                let stream = parts.of_stream()?;
                Frame::Priority { stream, dependency: dependency(parts.exactly()?) }
            }
            FrameType::RST_STREAM => {
                let stream = parts.of_stream()?;
                Frame::RstStream { stream, code: ErrorCode(u32::from_be_bytes(parts.exactly()?)) }
            }
            FrameType::SETTINGS => {
                parts.of_connection()?;
                if ack && !payload.is_empty() {
                    return parts.wrong(0, FrameRule::AckPayload);
                }
                let settings = Settings::new(payload);
                let whole = settings.len() * 6;
                if whole != payload.len() {
                    return parts.wrong(whole, FrameRule::Settings);
                }
                Frame::Settings { ack, settings }
            }
            FrameType::PUSH_PROMISE => {
                let stream = parts.of_stream()?;
                let padding = parts.padding()?;
                let at = parts.offset();
                let promised = number31(parts.take()?);
                if promised == 0 {
                    return parts.wrong(at, FrameRule::Promised);
                }
                let fragment = parts.without(padding)?;
                Frame::PushPromise { stream, promised, fragment, end_headers }
            }
            FrameType::PING => {
                parts.of_connection()?;
                Frame::Ping { ack, data: parts.exactly()? }
            }
            FrameType::GOAWAY => {
                parts.of_connection()?;
                let [s3, s2, s1, s0, code @ ..] = parts.take::<8>()?;
                let last_stream = number31([s3, s2, s1, s0]);
                Frame::GoAway { last_stream, code: ErrorCode(u32::from_be_bytes(code)), debug: parts.rest() }
            }
            FrameType::WINDOW_UPDATE => {
                let increment = number31(parts.exactly()?);
                if increment == 0 {
                    return parts.wrong(0, FrameRule::Increment);
                }
                Frame::WindowUpdate { stream: header.stream, increment }
            }
            FrameType::CONTINUATION => {
                Frame::Continuation { stream: parts.of_stream()?, fragment: payload, end_headers }
            }
            FrameType::PRIORITY_UPDATE => {
                parts.of_connection()?;
                let stream = number31(parts.take()?);
                if stream == 0 {
                    return parts.wrong(0, FrameRule::Prioritized);
                }
                Frame::PriorityUpdate { stream, value: parts.rest() }
            }
            FrameType::ALTSVC => {
                let length = usize::from(u16::from_be_bytes(parts.take()?));
                let Some((origin, value)) = parts.rest().split_at_checked(length) else {
                    return parts.wrong(0, FrameRule::AltSvcOrigin);
                };
                Frame::AltSvc { stream: header.stream, origin, value }
            }
            FrameType::ORIGIN if header.stream == 0 && flags.0 & ORIGIN_RESERVED == 0 => {
                Frame::Origin { origins: Origins::new(payload) }
            }
            _ => Frame::Unknown { header, payload },
        })
    }
}
