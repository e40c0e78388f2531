//! This side's settings: what was said, and what the peer knows of it (RFC 9113 §6.5.3).

use std::time::Instant;

use wirelace_http2_frames::{SettingId, write_settings, write_window_update};

use super::Connection;
use crate::settings::{MAX_WINDOW, Role, SettingsChange};

impl Connection {
    /// Tells the peer other settings (RFC 9113 §6.5). What it has in flight then counts by the old ones until it
    /// acknowledges them. The window of the connection grows where that of the streams does, and never shrinks.
    pub fn change_settings(&mut self, change: SettingsChange, now: Instant) {
        if self.finished || self.failed.is_some() {
            return;
        }
        let mut settings = Vec::with_capacity(3);
        let mut said = self.own.last;
        if let Some(window) = change.window {
            said.window = window.clamp(1, MAX_WINDOW);
            settings.push((SettingId::INITIAL_WINDOW_SIZE, said.window));
        }
        if let Some(streams) = change.streams
            && self.role == Role::Server
        {
            self.own.streams = streams.max(1);
            settings.push((SettingId::MAX_CONCURRENT_STREAMS, self.own.streams));
        }
        if let Some(table) = change.decoder_table {
            said.table = table;
            settings.push((SettingId::HEADER_TABLE_SIZE, table));
        }
        if settings.is_empty() {
            return;
        }
        self.own.last = said;
        self.own.unacknowledged.push_back(said);
        self.timers.settings_sent(now);
        write_settings(self.output.inline(), &settings);
        let all =
            u64::from(said.window) * u64::from(self.own.streams) + u64::from(self.limits.window_reserve);
        let all = u32::try_from(all).unwrap_or(MAX_WINDOW).min(MAX_WINDOW);
        let more = all.saturating_sub(self.window.size());
        if more > 0 {
            self.window.grow(more);
            let increment = self.window.update();
            write_window_update(self.output.inline(), 0, increment);
        }
    }

    /// The peer knows the oldest of this side's settings: they count from here on.
    pub(super) fn on_settings_ack(&mut self, now: Instant) {
        let Some(said) = self.own.unacknowledged.pop_front() else { return };
        self.stats.round_trip = self.timers.settings_acknowledged(now, self.own.unacknowledged.is_empty());
        self.decoder.set_max_table_size(said.table as usize);
        let by = i64::from(said.window) - i64::from(self.stream_window);
        self.stream_window = said.window;
        if by == 0 {
            return;
        }
        for key in self.streams.keys() {
            if let Some(stream) = self.streams.get_mut(key) {
                stream.window.shift(by);
            }
            // What came back is more of a smaller window than it was of the larger one.
            self.grant(now, key);
        }
    }
}
