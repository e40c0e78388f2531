//! What came out, SCT by SCT and as a whole.

use std::fmt;

use super::error::{DerError, SctError};
use super::log::LogState;
use super::policy::CtMode;
use super::sct::LogId;
use super::time::Utc;

/// How an SCT came here (RFC 6962 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Inside the certificate.
    Embedded,
    /// In a stapled OCSP response.
    Ocsp,
    /// In an extension of the TLS handshake.
    Tls,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Delivery::Embedded => "in the certificate",
            Delivery::Ocsp => "in the OCSP response",
            Delivery::Tls => "in the TLS extension",
        })
    }
}

/// Why an SCT does not count.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SctFault {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Encoding(SctError),
    /// Its log is not in the list.
    #[error("comes from a log that the list does not have")]
    UnknownLog,
    /// Its log has a key of a kind that no SCT is accepted from.
    #[error("comes from a log whose key is of a kind that is not accepted")]
    UnsupportedKey,
    /// It says that it is signed in another way than its log signs: always with SHA-256, and as the key is.
    #[error("is signed with hash {hash} and algorithm {algorithm}, which its log does not use")]
    Algorithm {
        /// The hash, a number of TLS 1.2.
        hash: u8,
        /// The algorithm, a number of TLS 1.2.
        algorithm: u8,
    },
    /// It is from the future.
    #[error("is from the future: look at this machine's clock")]
    Future,
    /// What was signed depends on the issuer's key, and the issuer is not there.
    #[error("cannot be checked: the issuer's certificate is not in the chain")]
    NoIssuer,
    /// The certificate is longer than a log can sign.
    #[error("cannot belong to a certificate of this length")]
    EntryTooLong,
    /// Its log did not sign this certificate with this time.
    #[error("has a wrong signature: its log did not sign this certificate")]
    Signature,
    /// Its log does not take certificates that end when this one does.
    #[error("comes from a log for certificates that end from {} until {}", Utc(*.start), Utc(*.end))]
    Interval {
        /// Milliseconds since 1970.
        start: u64,
        /// The first moment that is too late, in milliseconds since 1970.
        end: u64,
    },
    /// Its log is not one that counts.
    #[error("comes from a log that is {}", .0.parts().0)]
    State(LogState),
    /// Its log was retired before.
    #[error("is not older than its log's retirement on {}", Utc(*.retired))]
    AfterRetirement {
        /// Milliseconds since 1970.
        retired: u64,
    },
}

/// How much a valid SCT is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its log is trusted now.
    Current,
    /// Its log was trusted at the time. It counts beside one that is current, where it is inside the certificate.
    Retired,
}

/// One SCT, and what was found.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSct {
    /// How it came here.
    pub delivery: Delivery,
    /// Where in its list, from 0.
    pub position: usize,
    /// Its log; `None` where it cannot be read.
    pub log_id: Option<LogId>,
    /// What the log is called; `None`: the list does not have it.
    pub log: Option<String>,
    /// Who ran the log when it made the SCT.
    pub operator: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub timestamp: Option<u64>,
    /// Its worth, or why it does not count.
    pub standing: Result<Standing, SctFault>,
}

impl fmt::Display for CheckedSct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SCT {} {}", self.position + 1, self.delivery)?;
        match (&self.log, &self.operator, &self.log_id) {
            (Some(log), Some(operator), _) => write!(f, " ({log}, {operator})")?,
            (_, _, Some(id)) => write!(f, " (log {id})")?,
            _ => {}
        }
        match (&self.standing, self.timestamp) {
            (Err(fault), _) => write!(f, " {fault}"),
            (Ok(_), Some(time)) => write!(f, " is valid, of {}", Utc(time)),
            (Ok(_), None) => f.write_str(" is valid"),
        }
    }
}

/// A whole list of SCTs, or what holds it, that cannot be read.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// The list.
    #[error("the list of SCTs {0} cannot be read: {1}")]
    List(Delivery, SctError),
    /// What it is in.
    #[error("whether SCTs are {0} cannot be seen: {1}")]
    Holder(Delivery, DerError),
}

/// What came out as a whole.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CtOutcome {
    /// Nothing was looked at.
    Off,
    /// Enough logs have signed it.
    Complies {
        /// Whether those that count are inside the certificate; otherwise they came beside it.
        embedded: bool,
        /// How many logs count.
        logs: usize,
    },
    /// The log list is older than 70 days: nobody knows what has become of its logs since, so nothing is refused.
    Stale {
        /// When it was made, in milliseconds since 1970.
        list_timestamp: u64,
        /// What would have come out.
        otherwise: Box<CtOutcome>,
    },
    /// The certificate cannot be read, or there is none.
    Unreadable(DerError),
    /// There are no SCTs.
    NoScts,
    /// None of the SCTs counts.
    NoneValid,
    /// None of the logs that count is trusted now.
    NoCurrentLog,
    /// Too few different logs.
    TooFewLogs {
        /// How many logs count.
        logs: usize,
        /// How many are needed.
        needed: usize,
    },
    /// All logs that count have one operator.
    OneOperator {
        /// Who.
        operator: String,
    },
}

impl CtOutcome {
    const fn is_failure(&self) -> bool {
        !matches!(self, CtOutcome::Off | CtOutcome::Complies { .. } | CtOutcome::Stale { .. })
    }

    /// What to do; empty where nothing has to be done.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            CtOutcome::Off | CtOutcome::Complies { .. } => "",
            CtOutcome::Stale { .. } => "get a newer log list",
            CtOutcome::Unreadable(_) => "have a new certificate issued",
            CtOutcome::NoScts => "have one issued by an authority that logs it",
            CtOutcome::NoneValid => "get a newer log list, or have the certificate issued anew and logged",
            CtOutcome::NoCurrentLog | CtOutcome::TooFewLogs { .. } => {
                "have one issued that is in more logs, or get a newer log list"
            }
            CtOutcome::OneOperator { .. } => "have one issued that is in the logs of two operators",
        }
    }
}

impl fmt::Display for CtOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CtOutcome::Off => f.write_str("not looked at"),
            CtOutcome::Complies { embedded, logs } => {
                let place = if *embedded { "in the certificate" } else { "beside the certificate" };
                write!(f, "the certificate complies, with SCTs of {logs} logs {place}")
            }
            CtOutcome::Stale { list_timestamp, otherwise } => write!(
                f,
                "not enforced, the log list of {} is older than 70 days (by it: {otherwise})",
                Utc(*list_timestamp)
            ),
            CtOutcome::Unreadable(error) => write!(f, "the certificate cannot be read: {error}"),
            CtOutcome::NoScts => {
                f.write_str("the certificate comes without SCTs: nothing shows that it was logged")
            }
            CtOutcome::NoneValid => f.write_str("none of the SCTs counts"),
            CtOutcome::NoCurrentLog => f.write_str(
                "all logs that have the certificate were retired, one that is trusted now is needed",
            ),
            CtOutcome::TooFewLogs { logs, needed } => {
                let noun = if *logs == 1 { "log" } else { "logs" };
                write!(f, "SCTs of {logs} {noun} count, {needed} are needed")?;
                f.write_str(if *needed > 2 { " for a certificate of more than 180 days" } else { "" })
            }
            CtOutcome::OneOperator { operator } => {
                write!(
                    f,
                    "all logs that have the certificate are run by {operator}, two operators are needed"
                )
            }
        }
    }
}

/// What was found about a certificate. `Display` says what is missing and what to do.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CtVerdict {
    /// What is done with it.
    pub mode: CtMode,
    /// As a whole.
    pub outcome: CtOutcome,
    /// SCT by SCT.
    pub scts: Vec<CheckedSct>,
    /// Lists that cannot be read.
    pub unreadable: Vec<ListFault>,
}

impl CtVerdict {
    /// The certificate is to be refused: it does not comply, the policy is enforced, and the list is new enough.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.mode == CtMode::Enforce && self.outcome.is_failure()
    }

    /// Enough logs have signed it, by a list that is new enough.
    #[must_use]
    pub fn complies(&self) -> bool {
        matches!(self.outcome, CtOutcome::Complies { .. })
    }

    /// What does not count, and why.
    pub(crate) fn faults(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.unreadable {
            write!(f, "; {fault}")?;
        }
        for sct in self.scts.iter().filter(|sct| sct.standing.is_err()) {
            write!(f, "; {sct}")?;
        }
        Ok(())
    }
}

impl fmt::Display for CtVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate Transparency: {}", self.outcome)?;
        if !self.outcome.hint().is_empty() {
            write!(f, "; {}", self.outcome.hint())?;
        }
        self.faults(f)
    }
}
