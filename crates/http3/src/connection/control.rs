//! The peer's control stream (RFC 9114 §6.2.1, §7.2).

use wirelace_http_semantics::{Event, Reason, StreamId};
use wirelace_quic_lite::{Connection as Quic, StreamId as QuicStream};

use super::Connection;
use crate::error::Error;
use crate::frame::{FrameHeader, FrameType, Reader, read_id};
use crate::settings::{self, Role, Settings};
use crate::stream_type::StreamType;

/// Bytes of frames that carry an id; a PRIORITY_UPDATE has a value too.
const MOST_BYTES: u64 = 1024;

impl Connection {
    pub(super) fn read_control(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        reader: &mut Reader,
    ) -> Result<(), Error> {
        while let Some(header) = reader.header() {
            let frame = header.kind;
            let unexpected = Error::FrameUnexpected { frame, stream: stream.0 };
            if self.peer_settings.is_none() && frame != FrameType::SETTINGS {
                return Err(Error::MissingSettings { frame });
            }
            let most = match frame {
                FrameType::SETTINGS if self.peer_settings.is_some() => return Err(unexpected),
                FrameType::SETTINGS => settings::MOST_BYTES,
                FrameType::GOAWAY | FrameType::CANCEL_PUSH => MOST_BYTES,
                FrameType::MAX_PUSH_ID
                | FrameType::PRIORITY_UPDATE_REQUEST
                | FrameType::PRIORITY_UPDATE_PUSH
                    if self.role == Role::Server =>
                {
                    MOST_BYTES
                }
                FrameType::DATA
                | FrameType::HEADERS
                | FrameType::PUSH_PROMISE
                | FrameType::MAX_PUSH_ID
                | FrameType::PRIORITY_UPDATE_REQUEST
                | FrameType::PRIORITY_UPDATE_PUSH => return Err(unexpected),
                frame if frame.is_http2() => return Err(unexpected),
                _ => {
                    if self.discard(reader)? {
                        continue;
                    }
                    break;
                }
            };
            if header.length > most {
                return Err(Error::FrameSize { frame, stream: stream.0, length: header.length, limit: most });
            }
            let Some(payload) = reader.whole() else { break };
            if frame != FrameType::SETTINGS {
                self.rates.control(self.now)?;
            }
            self.on_control_frame(quic, stream, frame, &payload)?;
        }
        if reader.fin {
            return Err(Error::ClosedCriticalStream { kind: StreamType::CONTROL, stream: stream.0 });
        }
        Ok(())
    }

    /// Throws a part of an unknown frame away; true when all of it is gone.
    pub(super) fn discard(&mut self, reader: &mut Reader) -> Result<bool, Error> {
        let part = reader.part();
        self.stats.discarded += part.len() as u64;
        let over = reader.frame().is_none();
        if over {
            self.rates.control(self.now)?;
        }
        self.rates.unknown(self.now, part.len())?;
        Ok(over)
    }

    fn on_control_frame(
        &mut self,
        quic: &mut Quic,
        stream: QuicStream,
        frame: FrameType,
        payload: &[u8],
    ) -> Result<(), Error> {
        match frame {
            FrameType::SETTINGS => return self.on_settings(Settings::read(payload, stream.0)?),
            FrameType::PRIORITY_UPDATE_REQUEST | FrameType::PRIORITY_UPDATE_PUSH => {
                return self.on_priority_update(quic, stream, frame, payload);
            }
            _ => {}
        }
        let Some(id) = read_id(payload) else { return Err(Error::Frame { frame, stream: stream.0 }) };
        match frame {
            FrameType::GOAWAY => self.on_goaway(quic, id),
            FrameType::MAX_PUSH_ID => self.pushes.raise(id),
            _ => self.on_cancel_push(quic, id),
        }
    }

    fn on_settings(&mut self, settings: Settings) -> Result<(), Error> {
        self.timers.settings_came();
        self.encoder.set_peer_limits(settings.qpack_max_table_capacity, settings.qpack_blocked_streams)?;
        self.peer_settings = Some(settings);
        Ok(())
    }

    /// RFC 9114 §5.2: from a server, the first request that it does not take; from a client, the first push.
    fn on_goaway(&mut self, quic: &mut Quic, id: u64) -> Result<(), Error> {
        let wrong = Error::Id { frame: FrameType::GOAWAY, id };
        let client = self.role == Role::Client;
        if self.peer_ending.is_some_and(|before| id > before) || client && !id.is_multiple_of(4) {
            return Err(wrong);
        }
        self.peer_ending = Some(id);
        if client {
            let mut refused: Vec<u64> = self
                .exchanges
                .keys()
                .copied()
                .filter(|&own| own >= id && own < super::exchange::PUSH)
                .collect();
            refused.sort_unstable();
            for own in refused {
                self.abandon(quic, own, crate::ErrorCode::H3_REQUEST_CANCELLED);
                self.events.push_back(Event::Reset { stream: StreamId(own), reason: Reason::Refused });
            }
        }
        let last = StreamId(id.saturating_sub(if client { 4 } else { 1 }));
        self.events.push_back(Event::GoAway { last, reason: Reason::NoError });
        Ok(())
    }

    /// What a frame whose header is there may not be where messages are.
    pub(super) fn is_for_messages(header: FrameHeader) -> bool {
        !matches!(
            header.kind,
            FrameType::CANCEL_PUSH
                | FrameType::SETTINGS
                | FrameType::GOAWAY
                | FrameType::MAX_PUSH_ID
                | FrameType::PRIORITY_UPDATE_REQUEST
                | FrameType::PRIORITY_UPDATE_PUSH
        ) && !header.kind.is_http2()
    }
}
