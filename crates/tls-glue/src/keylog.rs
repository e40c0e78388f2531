//! Secrets in a file, for Wireshark and its like.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the secrets of connections are written, in the format of `SSLKEYLOGFILE`. Whoever reads that file can read
/// the connections.
#[derive(Debug, Clone, Default)]
pub struct KeyLog(Option<Arc<Log>>);

#[derive(Debug)]
struct Log(Mutex<File>);

impl KeyLog {
    /// Appends to this file.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub fn to_file(path: &Path) -> std::io::Result<KeyLog> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        // Nobody else's business.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(KeyLog(Some(Arc::new(Log(Mutex::new(options.open(path)?))))))
    }

    pub(crate) fn rustls(&self) -> Arc<dyn rustls::KeyLog> {
        match &self.0 {
            Some(log) => Arc::clone(log) as _,
            None => Arc::new(rustls::NoKeyLog),
        }
    }
}

impl rustls::KeyLog for Log {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        // A full disk must not end connections.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}
