//! SETTINGS (RFC 9113 §6.5): what this side says, and what the peer said.

use std::collections::VecDeque;

use wirelace_http2_frames::{SettingId, Settings};

use crate::error::Error;
use crate::limits::Limits;

/// Which side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// A stream's window before SETTINGS change it (RFC 9113 §6.9.2).
pub(crate) const DEFAULT_WINDOW: u32 = 65_535;
/// The largest window (RFC 9113 §6.9.1).
pub(crate) const MAX_WINDOW: u32 = (1 << 31) - 1;
const DEFAULT_FRAME: u32 = 16_384;
const MAX_FRAME: u32 = (1 << 24) - 1;
const DEFAULT_TABLE: u32 = 4096;
/// Streams that a client assumes it may open before it knows.
const ASSUMED_STREAMS: u32 = 100;

/// What the peer has said, or the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PeerSettings {
    pub(crate) received: bool,
    pub(crate) table: u32,
    pub(crate) push: bool,
    pub(crate) streams: u32,
    pub(crate) window: u32,
    pub(crate) frame: u32,
    pub(crate) connect_protocol: bool,
    no_rfc7540_priorities: u32,
}

impl PeerSettings {
    pub(crate) fn new() -> PeerSettings {
        PeerSettings {
            received: false,
            table: DEFAULT_TABLE,
            push: true,
            streams: ASSUMED_STREAMS,
            window: DEFAULT_WINDOW,
            frame: DEFAULT_FRAME,
            connect_protocol: false,
            no_rfc7540_priorities: 0,
        }
    }

    /// Takes one frame's settings, in their order. `role`: this side's.
    pub(crate) fn apply(&mut self, settings: &Settings<'_>, role: Role) -> Result<(), Error> {
        if !core::mem::replace(&mut self.received, true) {
            // Unlimited is what silence means (RFC 9113 §6.5.2).
            self.streams = u32::MAX;
        } else {
            // What the first frame did not say stays as it was taken to be (RFC 9218 §2.1).
            return self.apply_each(settings, role, false);
        }
        self.apply_each(settings, role, true)
    }

    fn apply_each(&mut self, settings: &Settings<'_>, role: Role, first: bool) -> Result<(), Error> {
        for (setting, value) in settings.iter() {
            let bad = Err(Error::Setting { setting, value });
            match setting {
                SettingId::HEADER_TABLE_SIZE => self.table = value,
                SettingId::ENABLE_PUSH => {
                    // A server does not take pushes (RFC 9113 §8.4).
                    if value > 1 || role == Role::Client && value == 1 {
                        return bad;
                    }
                    self.push = value == 1;
                }
                SettingId::MAX_CONCURRENT_STREAMS => self.streams = value,
                SettingId::INITIAL_WINDOW_SIZE => {
                    if value > MAX_WINDOW {
                        return bad;
                    }
                    self.window = value;
                }
                SettingId::MAX_FRAME_SIZE => {
                    if !(DEFAULT_FRAME..=MAX_FRAME).contains(&value) {
                        return bad;
                    }
                    self.frame = value;
                }
                SettingId::ENABLE_CONNECT_PROTOCOL => {
                    // Once offered, it stays (RFC 8441 §3).
                    if value > 1 || value == 0 && self.connect_protocol {
                        return bad;
                    }
                    self.connect_protocol = value == 1;
                }
                SettingId::NO_RFC7540_PRIORITIES => {
                    if value > 1 || !first && value != self.no_rfc7540_priorities {
                        return bad;
                    }
                    self.no_rfc7540_priorities = value;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What this side says in its first SETTINGS.
pub(crate) fn own(limits: &Limits, role: Role) -> Vec<(SettingId, u32)> {
    let mut settings = Vec::with_capacity(8);
    if limits.decoder_table != DEFAULT_TABLE {
        settings.push((SettingId::HEADER_TABLE_SIZE, limits.decoder_table));
    }
    match role {
        Role::Client => {
            settings.push((SettingId::ENABLE_PUSH, u32::from(limits.push)));
            if limits.push {
                settings.push((SettingId::MAX_CONCURRENT_STREAMS, limits.pushes));
            }
        }
        Role::Server => settings.push((SettingId::MAX_CONCURRENT_STREAMS, limits.streams.max(1))),
    }
    let window = window(limits);
    if window != DEFAULT_WINDOW {
        settings.push((SettingId::INITIAL_WINDOW_SIZE, window));
    }
    let frame = frame(limits);
    if frame != DEFAULT_FRAME {
        settings.push((SettingId::MAX_FRAME_SIZE, frame));
    }
    settings.push((SettingId::MAX_HEADER_LIST_SIZE, limits.header_list));
    if role == Role::Server && limits.connect_protocol {
        settings.push((SettingId::ENABLE_CONNECT_PROTOCOL, 1));
    }
    settings.push((SettingId::NO_RFC7540_PRIORITIES, 1));
    settings
}

/// The largest frame that this side takes.
pub(crate) fn frame(limits: &Limits) -> u32 {
    limits.frame.clamp(DEFAULT_FRAME, MAX_FRAME)
}

/// The window that a stream begins with.
pub(crate) fn window(limits: &Limits) -> u32 {
    limits.window.clamp(1, MAX_WINDOW)
}

/// The window of the connection: each stream has its own share of it, so that those which are not read cannot keep
/// the others waiting; the reserve is for those that are read fast.
pub(crate) fn connection_window(limits: &Limits) -> u32 {
    let pushes = if limits.push { limits.pushes } else { 0 };
    let streams = u64::from(limits.streams.max(1)) + u64::from(pushes);
    let all = u64::from(window(limits)) * streams + u64::from(limits.window_reserve);
    u32::try_from(all).unwrap_or(MAX_WINDOW).clamp(DEFAULT_WINDOW, MAX_WINDOW)
}

/// Settings that are to change; `None` stays as it is.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettingsChange {
    /// As [`Limits::window`](crate::Limits::window): for streams to come and those that are open.
    pub window: Option<u32>,
    /// Server: as [`Limits::streams`](crate::Limits::streams).
    pub streams: Option<u32>,
    /// As [`Limits::decoder_table`](crate::Limits::decoder_table).
    pub decoder_table: Option<u32>,
}

/// What counts once the peer has acknowledged it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said {
    pub(crate) window: u32,
    pub(crate) table: u32,
}

/// SETTINGS that were not acknowledged yet, in their order, and the last of all.
#[derive(Debug)]
pub(crate) struct OwnSettings {
    pub(crate) streams: u32,
    pub(crate) last: Said,
    pub(crate) unacknowledged: VecDeque<Said>,
}
