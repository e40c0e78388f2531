//! SETTINGS (RFC 9113 §6.5).

use core::fmt;

/// The identifier of a setting.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SettingId(pub u16);

impl SettingId {
    /// Octets of the decoder's table (RFC 9113 §6.5.2).
    pub const HEADER_TABLE_SIZE: SettingId = SettingId(0x1);
    /// Whether pushes are taken (RFC 9113 §6.5.2).
    pub const ENABLE_PUSH: SettingId = SettingId(0x2);
    /// Streams that the peer may have open (RFC 9113 §6.5.2).
    pub const MAX_CONCURRENT_STREAMS: SettingId = SettingId(0x3);
    /// The window that streams begin with (RFC 9113 §6.5.2).
    pub const INITIAL_WINDOW_SIZE: SettingId = SettingId(0x4);
    /// The largest payload (RFC 9113 §6.5.2).
    pub const MAX_FRAME_SIZE: SettingId = SettingId(0x5);
    /// The largest field section, as advice (RFC 9113 §6.5.2).
    pub const MAX_HEADER_LIST_SIZE: SettingId = SettingId(0x6);
    /// Whether extended CONNECT is taken (RFC 8441 §3).
    pub const ENABLE_CONNECT_PROTOCOL: SettingId = SettingId(0x8);
    /// Whether RFC 7540's priorities are left out (RFC 9218 §2.1).
    pub const NO_RFC7540_PRIORITIES: SettingId = SettingId(0x9);

    /// Its name; `None` for one that is not known here.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            SettingId::HEADER_TABLE_SIZE => "SETTINGS_HEADER_TABLE_SIZE",
            SettingId::ENABLE_PUSH => "SETTINGS_ENABLE_PUSH",
            SettingId::MAX_CONCURRENT_STREAMS => "SETTINGS_MAX_CONCURRENT_STREAMS",
            SettingId::INITIAL_WINDOW_SIZE => "SETTINGS_INITIAL_WINDOW_SIZE",
            SettingId::MAX_FRAME_SIZE => "SETTINGS_MAX_FRAME_SIZE",
            SettingId::MAX_HEADER_LIST_SIZE => "SETTINGS_MAX_HEADER_LIST_SIZE",
            SettingId::ENABLE_CONNECT_PROTOCOL => "SETTINGS_ENABLE_CONNECT_PROTOCOL",
            SettingId::NO_RFC7540_PRIORITIES => "SETTINGS_NO_RFC7540_PRIORITIES",
            _ => return None,
        })
    }
}

impl fmt::Display for SettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "setting {:#x}", self.0),
        }
    }
}

impl fmt::Debug for SettingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The settings of one frame, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings<'a>(&'a [[u8; 6]]);

impl<'a> Settings<'a> {
    /// The settings of a payload; octets that make no whole one are left out.
    #[must_use]
    pub fn new(payload: &'a [u8]) -> Settings<'a> {
        Settings(payload.as_chunks::<6>().0)
    }

    /// Identifiers and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (SettingId, u32)> + Clone + use<'a> {
        self.0.iter().map(|&[i1, i0, v3, v2, v1, v0]| {
            (SettingId(u16::from_be_bytes([i1, i0])), u32::from_be_bytes([v3, v2, v1, v0]))
        })
    }

    /// The settings as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0.as_flattened()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
