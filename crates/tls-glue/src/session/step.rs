//! rustls's states, one by one.

use bytes::BytesMut;
use rustls::Error;
use rustls::client::ClientConnectionData;
use rustls::server::ServerConnectionData;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, ReadEarlyData, TransmitTlsData, UnbufferedStatus,
};
use wirelace_wire::Output;

use super::record::{MAX_CONTENT, content};
use crate::alert::Alert;
use crate::error::{RecordRule, TlsError};
use crate::verify::{CertificateError, refusal};

/// What one state of rustls led to.
pub(super) enum Progress {
    /// At once again.
    Again,
    /// With one more record.
    More,
    Done,
    /// The peer closed.
    Closed,
}

/// One state of rustls, done.
pub(super) struct Step {
    pub(super) progress: Progress,
    /// Octets that were sent.
    pub(super) sent: usize,
    /// Octets of early data that came.
    pub(super) early: usize,
}

impl From<Progress> for Step {
    fn from(progress: Progress) -> Step {
        Step { progress, sent: 0, early: 0 }
    }
}

/// What only one side does.
pub(super) trait Side: Sized {
    /// Takes early data.
    fn read_early(early: ReadEarlyData<'_, '_, Self>, plaintext: &mut BytesMut);

    /// Early data may be sent in this state.
    fn may_send_early(transmit: &mut TransmitTlsData<'_, Self>) -> bool;
}

impl Side for ClientConnectionData {
    fn read_early(_: ReadEarlyData<'_, '_, Self>, _: &mut BytesMut) {}

    fn may_send_early(transmit: &mut TransmitTlsData<'_, Self>) -> bool {
        transmit.may_encrypt_early_data().is_some()
    }
}

impl Side for ServerConnectionData {
    fn read_early(mut early: ReadEarlyData<'_, '_, Self>, plaintext: &mut BytesMut) {
        while let Some(Ok(record)) = early.next_record() {
            plaintext.extend_from_slice(record.payload);
        }
    }

    fn may_send_early(_: &mut TransmitTlsData<'_, Self>) -> bool {
        false
    }
}

/// And octets of input that are done with.
pub(super) type Stepped = (Result<Step, TlsError>, usize);

/// Does what one state of rustls asks for. `waits`: early data may be sent first.
pub(super) fn step<Data: Side>(
    status: UnbufferedStatus<'_, '_, Data>,
    waits: bool,
    plaintext: &mut BytesMut,
    output: &mut Output,
) -> Stepped {
    let mut discard = status.discard;
    let state = match status.state {
        Ok(state) => state,
        Err(error) => return (Err(failure(error)), discard),
    };
    let step = match state {
        ConnectionState::EncodeTlsData(mut data) => {
            encode(&mut data, output).map(|sent| Step { sent, ..Step::from(Progress::Again) })
        }
        // Once this is said to be done, rustls takes no early data any more.
        ConnectionState::TransmitTlsData(mut data) => {
            if waits && Data::may_send_early(&mut data) {
                Ok(Progress::More.into())
            } else {
                data.done();
                Ok(Progress::Again.into())
            }
        }
        ConnectionState::ReadTraffic(mut traffic) => {
            let mut failed = None;
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        plaintext.extend_from_slice(record.payload);
                        discard += record.discard;
                    }
                    Err(error) => failed = Some(failure(error)),
                }
            }
            failed.map_or(Ok(Progress::Again.into()), Err)
        }
        ConnectionState::BlockedHandshake => Ok(Progress::More.into()),
        ConnectionState::WriteTraffic(_) => Ok(Progress::Done.into()),
        ConnectionState::PeerClosed | ConnectionState::Closed => Ok(Progress::Closed.into()),
        ConnectionState::ReadEarlyData(early) => {
            let before = plaintext.len();
            Data::read_early(early, plaintext);
            Ok(Step { early: plaintext.len() - before, ..Step::from(Progress::Again) })
        }
        _ => Err(TlsError::Local("rustls is in a state that is not known here".to_owned())),
    };
    (step, discard)
}

/// Returns the octets that it sends, but for a change_cipher_spec of TLS 1.3: that goes out on the way, and nobody
/// answers it.
fn encode<Data>(data: &mut EncodeTlsData<'_, Data>, output: &mut Output) -> Result<usize, TlsError> {
    let mut size = 0;
    loop {
        let out = output.inline();
        let start = out.len();
        out.resize(start + size, 0);
        match data.encode(out.get_mut(start..).unwrap_or_default()) {
            Ok(written) => {
                out.truncate(start + written);
                return Ok(if out.get(start) == Some(&content::CHANGE_CIPHER_SPEC) { 0 } else { written });
            }
            Err(EncodeError::InsufficientSize(needed)) if size < needed.required_size => {
                out.truncate(start);
                size = needed.required_size;
            }
            Err(error) => {
                out.truncate(start);
                return Err(TlsError::Local(error.to_string()));
            }
        }
    }
}

/// rustls's errors in our words.
pub(crate) fn failure(error: Error) -> TlsError {
    match error {
        Error::AlertReceived(alert) => TlsError::Alert(Alert(u8::from(alert))),
        Error::InvalidCertificate(error) => TlsError::Certificate(Box::new(refusal(&error))),
        Error::NoCertificatesPresented => TlsError::Certificate(Box::new(CertificateError::missing())),
        Error::DecryptError => TlsError::Decrypt,
        Error::PeerSentOversizedRecord => {
            TlsError::Record(RecordRule::TooLong { length: MAX_CONTENT + 1, limit: MAX_CONTENT })
        }
        Error::PeerIncompatible(why) => TlsError::Incompatible(words(&format!("{why:?}"))),
        Error::NoApplicationProtocol => TlsError::Incompatible("no application protocol (ALPN)".to_owned()),
        Error::PeerMisbehaved(why) => TlsError::Handshake(words(&format!("{why:?}"))),
        Error::General(why) => TlsError::Local(why),
        error => TlsError::Handshake(error.to_string()),
    }
}

/// `NoCipherSuitesInCommon` as a person says it.
fn words(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase()
            && text.ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit())
        {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
