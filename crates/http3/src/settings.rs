//! SETTINGS (RFC 9114 §7.2.4): what each side takes.

use wirelace_wire::varint::varint;

use crate::error::Error;
use crate::frame::{FrameHeader, FrameType, put_varint};
use crate::limits::Limits;

/// Which side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

const QPACK_MAX_TABLE_CAPACITY: u64 = 0x01;
const MAX_FIELD_SECTION_SIZE: u64 = 0x06;
const QPACK_BLOCKED_STREAMS: u64 = 0x07;
const ENABLE_CONNECT_PROTOCOL: u64 = 0x08;
const H3_DATAGRAM: u64 = 0x33;

/// Bytes of a SETTINGS frame that are taken.
pub(crate) const MOST_BYTES: u64 = 4096;

/// What a side says, or the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Settings {
    /// SETTINGS_QPACK_MAX_TABLE_CAPACITY (RFC 9204 §5).
    pub qpack_max_table_capacity: u64,
    /// SETTINGS_QPACK_BLOCKED_STREAMS.
    pub qpack_blocked_streams: u64,
    /// SETTINGS_MAX_FIELD_SECTION_SIZE (RFC 9114 §7.2.4.1); `None`: no limit.
    pub max_field_section_size: Option<u64>,
    /// SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 9220 §5).
    pub enable_connect_protocol: bool,
    /// SETTINGS_H3_DATAGRAM (RFC 9297 §2.1.1).
    pub h3_datagram: bool,
    /// Others, as they were said: of extensions, or unknown.
    pub other: Vec<(u64, u64)>,
}

impl Settings {
    /// The setting of that number, where it is none that has a name here.
    #[must_use]
    pub fn other(&self, id: u64) -> Option<u64> {
        self.other.iter().find(|(other, _)| *other == id).map(|(_, value)| *value)
    }

    /// What this side says. `more`: those of extensions.
    pub(crate) fn own(limits: &Limits, role: Role, more: &[(u64, u64)], grease: u64) -> Settings {
        let mut other = more.to_vec();
        if limits.grease {
            other.push((reserved(grease), grease & 0xffff));
        }
        Settings {
            qpack_max_table_capacity: limits.qpack.table_capacity,
            qpack_blocked_streams: limits.qpack.blocked_streams,
            max_field_section_size: Some(limits.field_section),
            enable_connect_protocol: limits.connect_protocol && role == Role::Server,
            h3_datagram: limits.datagrams,
            other,
        }
    }

    /// Appends the frame.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        let known = [
            (QPACK_MAX_TABLE_CAPACITY, self.qpack_max_table_capacity),
            (QPACK_BLOCKED_STREAMS, self.qpack_blocked_streams),
            (ENABLE_CONNECT_PROTOCOL, self.enable_connect_protocol.into()),
            (H3_DATAGRAM, self.h3_datagram.into()),
        ];
        let known = known.into_iter().filter(|(_, value)| *value > 0);
        let size = self.max_field_section_size.map(|size| (MAX_FIELD_SECTION_SIZE, size));
        for (id, value) in known.chain(size).chain(self.other.iter().copied()) {
            put_varint(&mut payload, id);
            put_varint(&mut payload, value);
        }
        FrameHeader { kind: FrameType::SETTINGS, length: payload.len() as u64 }.write(out);
        out.extend_from_slice(&payload);
    }

    /// Reads a frame's payload.
    pub(crate) fn read(payload: &[u8], stream: u64) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        let mut seen = Vec::new();
        let mut rest = payload;
        while !rest.is_empty() {
            let cut = Error::Frame { frame: FrameType::SETTINGS, stream };
            let Ok((after, id)) = varint(rest) else { return Err(cut) };
            let Ok((after, value)) = varint(after) else { return Err(cut) };
            rest = after;
            // 0x02 to 0x05 are of HTTP/2 (RFC 9114 §7.2.4.1), and so is 0x00, which no setting has.
            let flag = matches!(id, ENABLE_CONNECT_PROTOCOL | H3_DATAGRAM);
            if matches!(id, 0x00 | 0x02..=0x05) || flag && value > 1 {
                return Err(Error::Setting { id, value });
            }
            seen.push(id);
            match id {
                QPACK_MAX_TABLE_CAPACITY => settings.qpack_max_table_capacity = value,
                QPACK_BLOCKED_STREAMS => settings.qpack_blocked_streams = value,
                MAX_FIELD_SECTION_SIZE => settings.max_field_section_size = Some(value),
                ENABLE_CONNECT_PROTOCOL => settings.enable_connect_protocol = value == 1,
                H3_DATAGRAM => settings.h3_datagram = value == 1,
                _ => settings.other.push((id, value)),
            }
        }
        // Sorted: a payload of 2000 settings is no 2000 searches.
        seen.sort_unstable();
        if let Some(pair) = seen.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(Error::Setting { id: pair.first().copied().unwrap_or_default(), value: 0 });
        }
        Ok(settings)
    }
}

/// A number that is reserved to be ignored: for settings, frames and streams alike (RFC 9114 §7.2.8).
pub(crate) fn reserved(seed: u64) -> u64 {
    0x21 + 0x1f * (seed % (1 << 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &[u8]) -> Result<Settings, Error> {
        Settings::read(payload, 2)
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for role in [Role::Client, Role::Server] {
            let limits = Limits { connect_protocol: role == Role::Server, ..Limits::default() };
            let settings = Settings::own(&limits, role, &[(0x2b60_3742, 1)], 7);
            let mut out = Vec::new();
            settings.write(&mut out);
            let (header, taken) = FrameHeader::decode(&out).unwrap();
            assert_eq!((header.kind, header.length as usize), (FrameType::SETTINGS, out.len() - taken));
            let read = read(&out[taken..]).unwrap();
            assert_eq!(read, settings);
            assert_eq!(read.other(0x2b60_3742), Some(1));
            assert_eq!(read.other(0x21 + 0x1f * 7), Some(7));
        }
    }

    #[test]
    fn settings_that_must_not_be() {
        // Twice, of HTTP/2, a flag of 2.
        for payload in [
            &[0x06, 0x05, 0x06, 0x05][..],
            &[0x21, 0, 0x21, 1],
            &[0x00, 0],
            &[0x02, 0],
            &[0x05, 1],
            &[0x08, 2],
            &[0x33, 2],
        ] {
            assert!(matches!(read(payload), Err(Error::Setting { .. })), "{payload:?}");
        }
        for payload in [&[0x06][..], &[0x40], &[0x06, 0x40]] {
            assert!(matches!(read(payload), Err(Error::Frame { .. })), "{payload:?}");
        }
        assert_eq!(read(&[]).unwrap(), Settings::default());
    }
}
