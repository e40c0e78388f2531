//! The secrets of a handshake. rustls gives finished keys for QUIC, of one version and hidden in boxes; it gives the
//! secrets themselves to key logs. From these, all keys are made in one way, and of the version that was agreed on.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::KeyLog;

/// A key log for one connection, in front of the user's.
pub(super) struct Capture {
    behind: Arc<dyn KeyLog>,
    secrets: Mutex<Secrets>,
}

/// By their labels in key logs.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) early: Option<Vec<u8>>,
    pub(super) client_handshake: Option<Vec<u8>>,
    pub(super) server_handshake: Option<Vec<u8>>,
    pub(super) client_traffic: Option<Vec<u8>>,
    pub(super) server_traffic: Option<Vec<u8>>,
}

impl Secrets {
    fn of(&mut self, label: &str) -> Option<&mut Option<Vec<u8>>> {
        Some(match label {
            "CLIENT_EARLY_TRAFFIC_SECRET" => &mut self.early,
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => &mut self.client_handshake,
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => &mut self.server_handshake,
            "CLIENT_TRAFFIC_SECRET_0" => &mut self.client_traffic,
            "SERVER_TRAFFIC_SECRET_0" => &mut self.server_traffic,
            _ => return None,
        })
    }
}

impl Capture {
    pub(super) fn new(behind: Arc<dyn KeyLog>) -> Capture {
        Capture { behind, secrets: Mutex::default() }
    }

    /// Moves out what there is.
    pub(super) fn take<T>(&self, take: impl FnOnce(&mut Secrets) -> T) -> T {
        take(&mut self.secrets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl KeyLog for Capture {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        self.take(|secrets| {
            if let Some(place) = secrets.of(label) {
                *place = Some(secret.to_vec());
            }
        });
        if self.behind.will_log(label) {
            self.behind.log(label, client_random, secret);
        }
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Capture").finish_non_exhaustive()
    }
}
