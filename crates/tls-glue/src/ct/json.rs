//! Reads a log list of the form `v3`, by hand: the errors say which field of which log is wrong.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::error::DerError;
use super::key::{LogKey, log_id};
use super::log::{Log, LogState, PreviousOperator};
use super::sct::LogId;
use super::time;

/// A list may have so many octets. Google's has about 100,000.
pub const MAX_LOG_LIST: usize = 8 << 20;

/// What is wrong with a field of a log list.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldRule {
    /// It is not there.
    #[error("is missing")]
    Missing,
    /// It is of another kind.
    #[error("is not {0}")]
    Kind(&'static str),
    /// Not base64.
    #[error("is not base64")]
    Base64,
    /// Not a public key.
    #[error("is not a public key: {0}")]
    Key(DerError),
    /// Not the hash of the key.
    #[error("is not the SHA-256 of the log's key, which is {0}")]
    LogId(LogId),
    /// The same log was there before.
    #[error("is that of an earlier log")]
    Duplicate,
    /// Not a time.
    #[error("is not a time such as 2026-04-15T08:00:00Z")]
    Time,
    /// More than one state.
    #[error("has more than one state")]
    States,
    /// The end is not after the start.
    #[error("does not end after its start")]
    Interval,
}

/// Why a log list is not taken.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogListError {
    /// More octets than are read.
    #[error("the log list has {length} octets, at most {limit} are read")]
    TooLong {
        /// Octets that it has.
        length: usize,
        /// How many are read.
        limit: usize,
    },
    /// Not JSON.
    #[error("the log list is not JSON: {reason}")]
    Json {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// A field that is missing or wrong.
    #[error("the log list's {field} {rule}")]
    Field {
        /// Which, as `operators[0].logs[2].key`.
        field: String,
        /// What is wrong.
        rule: FieldRule,
    },
}

/// What is in a list.
pub(super) struct Parsed {
    pub(super) timestamp: u64,
    pub(super) version: Option<String>,
    pub(super) logs: Vec<Log>,
}

pub(super) fn parse(text: &[u8]) -> Result<Parsed, LogListError> {
    if text.len() > MAX_LOG_LIST {
        return Err(LogListError::TooLong { length: text.len(), limit: MAX_LOG_LIST });
    }
    let value: Value =
        serde_json::from_slice(text).map_err(|error| LogListError::Json { reason: error.to_string() })?;
    let Value::Object(map) = &value else {
        return Err(LogListError::Json { reason: "it is not an object".to_owned() });
    };
    let top = Object { path: String::new(), map };
    let timestamp = top.time("log_list_timestamp")?;
    let version = top.optional_text("version")?.map(str::to_owned);
    let mut logs = Vec::new();
    let mut seen = HashSet::new();
    for operator in top.objects("operators")?.ok_or_else(|| top.error("operators", FieldRule::Missing))? {
        let name = operator.text("name")?;
        for (list, tiled) in [("logs", false), ("tiled_logs", true)] {
            for entry in operator.objects(list)?.unwrap_or_default() {
                let log = read_log(&entry, name, tiled)?;
                if !seen.insert(log.id) {
                    return Err(entry.error("log_id", FieldRule::Duplicate));
                }
                logs.push(log);
            }
        }
    }
    Ok(Parsed { timestamp, version, logs })
}

fn read_log(entry: &Object<'_>, operator: &str, tiled: bool) -> Result<Log, LogListError> {
    let key_octets = entry.base64("key")?;
    let key = LogKey::parse(&key_octets).map_err(|error| entry.error("key", FieldRule::Key(error)))?;
    let id = log_id(&key_octets);
    if entry.base64("log_id")? != id.0 {
        return Err(entry.error("log_id", FieldRule::LogId(id)));
    }
    let url = match entry.optional_text("submission_url")? {
        Some(url) if tiled => Some(url),
        _ => entry.optional_text("url")?,
    };
    let description = entry.optional_text("description")?.or(url);
    let mut previous_operators = Vec::new();
    for previous in entry.objects("previous_operators")?.unwrap_or_default() {
        let (name, until) = (previous.text("name")?.to_owned(), previous.time("end_time")?);
        previous_operators.push(PreviousOperator { name, until });
    }
    previous_operators.sort_by_key(|previous| previous.until);
    Ok(Log {
        id,
        key,
        description: description.map_or_else(|| id.to_string(), str::to_owned),
        operator: operator.to_owned(),
        previous_operators,
        url: url.map(str::to_owned),
        tiled,
        state: read_state(entry)?,
        interval: read_interval(entry)?,
    })
}

fn read_state(entry: &Object<'_>) -> Result<LogState, LogListError> {
    let Some(states) = entry.object("state")? else { return Ok(LogState::Unknown) };
    let mut found = None;
    for name in states.map.keys() {
        let state: fn(u64) -> LogState = match name.as_str() {
            "pending" => LogState::Pending,
            "qualified" => LogState::Qualified,
            "usable" => LogState::Usable,
            "readonly" => LogState::ReadOnly,
            "retired" => LogState::Retired,
            "rejected" => LogState::Rejected,
            _ => continue,
        };
        if found.is_some() {
            return Err(entry.error("state", FieldRule::States));
        }
        let since = states.object(name)?.ok_or_else(|| states.error(name, FieldRule::Missing))?;
        found = Some(state(since.time("timestamp")?));
    }
    Ok(found.unwrap_or(LogState::Unknown))
}

fn read_interval(entry: &Object<'_>) -> Result<Option<(u64, u64)>, LogListError> {
    let Some(interval) = entry.object("temporal_interval")? else { return Ok(None) };
    let (start, end) = (interval.time("start_inclusive")?, interval.time("end_exclusive")?);
    if start >= end {
        return Err(entry.error("temporal_interval", FieldRule::Interval));
    }
    Ok(Some((start, end)))
}

/// An object, and where it is.
struct Object<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn error(&self, name: &str, rule: FieldRule) -> LogListError {
        LogListError::Field { field: self.path(name), rule }
    }

    /// A field that is there and not null.
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn optional_text(&self, name: &str) -> Result<Option<&'a str>, LogListError> {
        let text = |value: &'a Value| value.as_str().ok_or(self.error(name, FieldRule::Kind("a text")));
        self.get(name).map(text).transpose()
    }

    fn text(&self, name: &str) -> Result<&'a str, LogListError> {
        self.optional_text(name)?.ok_or_else(|| self.error(name, FieldRule::Missing))
    }

    fn time(&self, name: &str) -> Result<u64, LogListError> {
        time::rfc3339(self.text(name)?).ok_or_else(|| self.error(name, FieldRule::Time))
    }

    fn base64(&self, name: &str) -> Result<Vec<u8>, LogListError> {
        STANDARD.decode(self.text(name)?).map_err(|_| self.error(name, FieldRule::Base64))
    }

    fn object(&self, name: &str) -> Result<Option<Object<'a>>, LogListError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Object { path: self.path(name), map })),
            Some(_) => Err(self.error(name, FieldRule::Kind("an object"))),
        }
    }

    fn objects(&self, name: &str) -> Result<Option<Vec<Object<'a>>>, LogListError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let all = value.as_array().ok_or_else(|| self.error(name, FieldRule::Kind("a list")))?;
        let object = |(index, value): (usize, &'a Value)| {
            let path = format!("{}[{index}]", self.path(name));
            match value {
                Value::Object(map) => Ok(Object { path, map }),
                _ => Err(LogListError::Field { field: path, rule: FieldRule::Kind("an object") }),
            }
        };
        all.iter().enumerate().map(object).collect::<Result<_, _>>().map(Some)
    }
}
