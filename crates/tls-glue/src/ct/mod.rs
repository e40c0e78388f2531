//! Certificate Transparency (RFC 6962): whether public logs have a certificate, so that nobody can have one issued for
//! a foreign name unseen.
//!
//! A log answers for a certificate with a *signed certificate timestamp* (SCT). [`check`] finds them inside the
//! certificate, in a stapled OCSP response and in the TLS extension, checks their signatures with the keys of a
//! [`LogList`] that the caller brings, and applies the rules of the browsers:
//!
//! | SCTs | enough |
//! |---|---|
//! | inside the certificate | two logs, three where it is valid for more than 180 days; two operators; one of the logs trusted now, the others now or, if retired, at the time |
//! | in OCSP or TLS | two logs that are trusted now, of two operators |
//! | log list older than 70 days | nothing is enforced, and the verdict says so |
//!
//! Two SCTs of one log count once. One from the future, or from a log that does not take certificates that end when
//! this one does, counts nothing.
//!
//! ```
//! use wirelace_tls_glue::ct::{CtPolicy, Evidence, LogList, check};
//!
//! # fn verdict(json: &[u8], chain: &[&[u8]]) -> Result<(), Box<dyn std::error::Error>> {
//! let policy = CtPolicy::enforce(LogList::from_json(json)?);
//! let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis() as u64;
//! let verdict = check(&policy, &Evidence { chain, ..Evidence::default() }, now);
//! if verdict.refuses() {
//!     return Err(verdict.to_string().into());
//! }
//! # Ok(()) }
//! ```

mod certificate;
mod check;
pub(crate) mod der;
mod error;
mod json;
mod key;
mod log;
mod log_list;
mod ocsp;
mod policy;
mod rules;
mod sct;
mod signed;
mod time;
mod verdict;

#[cfg(feature = "report")]
pub(crate) use certificate::EMBEDDED_SCTS;
pub use certificate::precertificate_tbs;
pub use check::{Evidence, check};
pub use error::{DerError, DerRule, SctError, SctRule};
pub use json::{FieldRule, LogListError, MAX_LOG_LIST};
pub use key::KeyKind;
pub use log::{Log, LogState, PreviousOperator};
pub use log_list::LogList;
pub use policy::{CtMode, CtPolicy};
pub use sct::{LogId, MAX_SCTS, Sct, parse_list};
pub use verdict::{CheckedSct, CtOutcome, CtVerdict, Delivery, ListFault, SctFault, Standing};
