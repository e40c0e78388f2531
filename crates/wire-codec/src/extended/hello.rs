//! The hello: how both sides agree on the extended form.

use alloc::vec::Vec;

use wirelace_wire::varint::{VARINT_MAX, decode_varint, write_varint};

use crate::error::{DecodeError, HelloRule};

/// The first octets of a hello, in the payload of a heartbeat.
pub const MAGIC: [u8; 4] = *b"WLX\0";

/// Feature bit: CRC32C on every frame.
const FEATURE_CHECKSUM: u8 = 0x01;

/// Who says hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The side that opened the connection; its exchanges have odd ids.
    Initiator,
    /// The side that accepted it; its exchanges have even ids.
    Acceptor,
}

/// What the sender of a hello takes from its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Key 1: the largest length field it takes, at least 1,024 octets.
    pub max_frame: u32,
    /// Key 2: octets of payload that each direction of an exchange may send before there is credit.
    pub exchange_window: u64,
    /// Key 3: the same for the connection.
    pub connection_window: u64,
    /// Key 4: exchanges that may be under way at once.
    pub exchanges: u64,
    /// Key 5: after so many milliseconds without a sign of life it sends a ping; 0: never.
    pub heartbeat_ms: u64,
}

impl Settings {
    /// The least that key 1 may say.
    pub const MIN_MAX_FRAME: u32 = 1024;
}

/// What holds for a hello that says nothing.
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            max_frame: 16_384,
            exchange_window: 65_536,
            connection_window: 262_144,
            exchanges: 16,
            heartbeat_ms: 0,
        }
    }
}

/// A hello, the payload of a heartbeat of the base form.
///
/// ```text
/// "WLX\0" | role u8 | lowest version u8 | highest version u8 | features u8 | (key varint, value varint)*
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// Who says it.
    pub role: Role,
    /// The lowest version that is offered; in an answer, the chosen one.
    pub min_version: u8,
    /// The highest version that is offered; in an answer, the chosen one.
    pub max_version: u8,
    /// Whether every frame shall have a checksum; it has one when both sides say so.
    pub checksum: bool,
    /// What the sender takes.
    pub settings: Settings,
}

impl Hello {
    /// The hello in a heartbeat's payload; `None`: it is an ordinary heartbeat.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Result<Hello, DecodeError>> {
        payload.starts_with(&MAGIC).then(|| decode(payload))
    }

    /// The payload on the wire. Values above 2^62 - 1 are written as that.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let role = match self.role {
            Role::Initiator => 0,
            Role::Acceptor => 1,
        };
        let features = if self.checksum { FEATURE_CHECKSUM } else { 0 };
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[role, self.min_version, self.max_version, features]);
        let settings = &self.settings;
        let values = [
            u64::from(settings.max_frame),
            settings.exchange_window,
            settings.connection_window,
            settings.exchanges,
            settings.heartbeat_ms,
        ];
        for (key, value) in (1..).zip(values) {
            // Both are in range.
            let _ = write_varint(&mut out, key) && write_varint(&mut out, value.min(VARINT_MAX));
        }
        out
    }
}

fn decode(payload: &[u8]) -> Result<Hello, DecodeError> {
    let wrong = |rule, offset| Err(DecodeError::Hello { rule, offset });
    let Some(([_, _, _, _, role, min_version, max_version, features], mut rest)) =
        payload.split_first_chunk::<8>()
    else {
        return wrong(HelloRule::Truncated, payload.len());
    };
    let role = match role {
        0 => Role::Initiator,
        1 => Role::Acceptor,
        _ => return wrong(HelloRule::Role, 4),
    };
    if min_version > max_version {
        return wrong(HelloRule::Versions, 5);
    }
    let mut settings = Settings::default();
    let mut seen = 0_u8;
    while !rest.is_empty() {
        let offset = payload.len() - rest.len();
        let Some((key, value, taken)) = pair(rest) else { return wrong(HelloRule::Truncated, payload.len()) };
        rest = rest.get(taken..).unwrap_or_default();
        if !(1..=5).contains(&key) {
            continue;
        }
        let bit = 1_u8 << key;
        if seen & bit != 0 {
            return wrong(HelloRule::Repeated, offset);
        }
        seen |= bit;
        match key {
            1 => match u32::try_from(value) {
                Ok(max) if max >= Settings::MIN_MAX_FRAME => settings.max_frame = max,
                _ => return wrong(HelloRule::Range, offset),
            },
            2 => settings.exchange_window = value,
            3 => settings.connection_window = value,
            4 => settings.exchanges = value,
            _ => settings.heartbeat_ms = value,
        }
    }
    let checksum = features & FEATURE_CHECKSUM != 0;
    Ok(Hello { role, min_version: *min_version, max_version: *max_version, checksum, settings })
}

fn pair(input: &[u8]) -> Option<(u64, u64, usize)> {
    let (key, key_len) = decode_varint(input)?;
    let (value, value_len) = decode_varint(input.get(key_len..)?)?;
    Some((key, value, key_len + value_len))
}
