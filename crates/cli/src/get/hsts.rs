//! Hosts that are to be spoken to over TLS only (RFC 6797), kept in a file.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use wirelace::semantics::Fields;
use wirelace::semantics::hsts::{HstsHost, HstsPolicy, HstsStore, Update, upgrade_url};
use wirelace::tls_glue::{HandshakeReport, Verification};

use super::url::Url;
use crate::failure::Failure;
use crate::voice::Voice;

/// Hosts that are kept, at most: a line has some 30 octets.
const LIMIT: usize = 100_000;

/// The store, and the file that it came from.
pub(super) struct Hsts {
    path: PathBuf,
    state: Mutex<State>,
    voice: Voice,
}

struct State {
    store: HstsStore,
    changed: bool,
}

impl Hsts {
    /// A file that is not there is an empty store.
    ///
    /// # Errors
    /// It cannot be read, or has no line that belongs into it: then it is something else, and is not to be
    /// overwritten.
    pub(super) fn open(path: &Path, voice: Voice) -> Result<Hsts, Failure> {
        let unread = |error: io::Error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
        let mut store = HstsStore::new(LIMIT);
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unread(error)),
            Ok(file) => {
                let loaded = store.read_from(&mut BufReader::new(file), now()).map_err(unread)?;
                if let Some(error) = loaded.first_error {
                    let path = path.display();
                    if loaded.hosts + loaded.expired == 0 {
                        return Err(Failure::Usage(format!("{path} is no list of HSTS hosts: {error}")));
                    }
                    let broken = loaded.broken;
                    voice.say(format_args!(
                        "{path}: broken lines are passed over: {broken}, such as: {error}"
                    ));
                }
            }
        }
        Ok(Hsts { path: path.to_owned(), state: Mutex::new(State { store, changed: false }), voice })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The URL to fetch instead, if the host is known; `None`: this one.
    ///
    /// # Errors
    /// The host is known, and there is no such URL: nothing may be sent.
    pub(super) fn upgrade(&self, url: &Url) -> Result<Option<Url>, String> {
        let Some(host) = HstsHost::new(&url.origin.host).filter(|_| !url.origin.tls) else { return Ok(None) };
        let state = self.state();
        let Some(known) = state.store.known(&host, now()) else { return Ok(None) };
        self.voice.detail(format_args!("* over TLS, as {} has asked for (HSTS)", known.by));
        let text = upgrade_url(&url.text).ok_or_else(|| format!("{}: only over TLS (HSTS)", url.text))?;
        let url = Url::parse(&text)?;
        Ok(Some(Url { upgraded: true, ..url }))
    }

    /// What a response says; heard only from a server whose certificate was verified (RFC 6797 §8.1).
    pub(super) fn learn(&self, url: &Url, fields: &Fields, handshake: Option<&HandshakeReport>) {
        let verified = handshake.is_some_and(|report| {
            matches!(report.verification, Verification::Chain | Verification::ChainAndPin)
        });
        let Some(host) = HstsHost::new(&url.origin.host).filter(|_| verified) else { return };
        match HstsPolicy::from_fields(fields) {
            Ok(None) => {}
            Ok(Some(policy)) => {
                let mut state = self.state();
                let update = state.store.update(&host, &policy, now());
                state.changed |= update != Update::None;
                self.voice.detail(format_args!("* HSTS: {host} {policy}"));
            }
            Err(error) => self.voice.detail(format_args!("* HSTS: passed over: {error}")),
        }
    }

    /// Writes the file, if there is something new.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save(&self) -> Result<(), Failure> {
        let state = self.state();
        if !state.changed {
            return Ok(());
        }
        let failed = |error| Failure::Peer(format!("cannot write {}: {error}", self.path.display()));
        replace(&self.path, &state.store.save(now())).map_err(failed)
    }
}

/// All or nothing: half a list would leave hosts open to attack.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A pipe or a device stays what it is.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, text);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(name);
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Perhaps it was never made.
        let _ = fs::remove_file(&new);
    }
    written
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
