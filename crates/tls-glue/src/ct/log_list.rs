//! Which logs there are.

use std::collections::HashMap;

use super::json::{self, LogListError};
use super::log::Log;
use super::sct::LogId;

/// The logs that somebody (Google, Apple, Mozilla) has looked at, as a JSON file of the form `v3`. This crate has none
/// inside: one that is old is worse than none.
///
/// Google publishes its list at <https://www.gstatic.com/ct/log_list/v3/log_list.json>.
#[derive(Debug, Clone)]
pub struct LogList {
    timestamp: u64,
    version: Option<String>,
    logs: Vec<Log>,
    by_id: HashMap<LogId, usize>,
}

impl LogList {
    /// Reads a list of the form `v3`. What is not known in it is passed over; so is a log's state that is not known
    /// (then nothing of the log counts) and a kind of key that is not supported.
    ///
    /// # Errors
    ///
    /// It is longer than [`MAX_LOG_LIST`](json::MAX_LOG_LIST), is not JSON, or a field is missing or wrong; the error
    /// names the field.
    pub fn from_json(text: &[u8]) -> Result<LogList, LogListError> {
        let json::Parsed { timestamp, version, logs } = json::parse(text)?;
        let by_id = logs.iter().enumerate().map(|(index, log)| (log.id, index)).collect();
        Ok(LogList { timestamp, version, logs, by_id })
    }

    /// When it was made, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// Its version, as its maker counts.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// All logs, in the order of the list.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The log with this id.
    #[must_use]
    pub fn get(&self, id: &LogId) -> Option<&Log> {
        self.by_id.get(id).and_then(|&index| self.logs.get(index))
    }
}
