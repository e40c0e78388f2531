//! A certificate for this machine alone, made on the spot: https while a service is being written.
//!
//! No browser trusts it by itself; `localhost.pem` can be given to one, or to `curl --cacert`. It is its own authority
//! and cannot issue others: whoever gets hold of its key can pass for `localhost` and for nothing else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fd_lock::RwLock;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};

use crate::identity::{Identity, IdentityError};
use crate::x509::Certificate;
use crate::x509::time::date;

const DAY: i64 = 86_400;
/// Days that it is good for.
const LIFETIME: i64 = 365;
/// Days before its end when another one is made.
const RENEWAL: i64 = 7;

const DNS_NAMES: [&str; 2] = ["localhost", "*.localhost"];
const ADDRESSES: [&str; 2] = ["127.0.0.1", "::1"];

/// Why there is no development certificate.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentError {
    /// A file or folder cannot be read, written or made.
    #[error("cannot {action} {}: {error}", .path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// What was just written cannot be used.
    #[error("{0}")]
    Identity(#[from] IdentityError),
    /// No certificate can be made.
    #[error("cannot make a certificate: {0}")]
    Make(String),
}

/// Where [`identity`] may keep its files: `wirelace` in the user's cache folder (`$XDG_CACHE_HOME`, else `~/.cache`;
/// `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows). `None`: there is no such folder.
#[must_use]
pub fn default_dir() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = if cfg!(windows) {
        set("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        set("HOME").map(|home| home.join("Library").join("Caches"))
    } else {
        set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))
    };
    cache.map(|cache| cache.join("wirelace"))
}

/// The development certificate of `dir` (`localhost.pem` and `localhost.key`), for `localhost`, `*.localhost`,
/// `127.0.0.1` and `::1` (many clients take no wildcard right below the root, `*.localhost` neither): ECDSA on P-256, signed by itself. It is made if it is not there, is broken, or expires within
/// seven days, and stays the same otherwise. Processes that start at the same time have the same one.
///
/// # Errors
///
/// A file cannot be read or written: the error names it.
pub fn identity(dir: &Path) -> Result<Identity, DevelopmentError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    at(dir, i64::try_from(now).unwrap_or(i64::MAX))
}

fn at(dir: &Path, now: i64) -> Result<Identity, DevelopmentError> {
    let (certificate, key) = (dir.join("localhost.pem"), dir.join("localhost.key"));
    if let Some(identity) = usable(&certificate, &key, now)? {
        return Ok(identity);
    }
    fs::create_dir_all(dir).map_err(|error| failed("make", dir, error))?;
    let path = dir.join("localhost.lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let mut lock = RwLock::new(lock.map_err(|error| failed("open", &path, error))?);
    let _held = lock.write().map_err(|error| failed("lock", &path, error))?;
    // Another process may have been quicker.
    if let Some(identity) = usable(&certificate, &key, now)? {
        return Ok(identity);
    }
    let (chain, private) = make(now)?;
    // A key without its certificate is made anew at the next start, and so is the reverse.
    write(&key, private.as_bytes())?;
    write(&certificate, chain.as_bytes())?;
    Ok(Identity::from_pem_files(&certificate, &key)?)
}

/// `None`: one has to be made.
fn usable(certificate: &Path, key: &Path, now: i64) -> Result<Option<Identity>, DevelopmentError> {
    let identity = match Identity::from_pem_files(certificate, key) {
        Ok(identity) => identity,
        // To write another one would fail, too, or take away what the user has put there.
        Err(IdentityError::Read { path, error }) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed("read", &path, error));
        }
        Err(_) => return Ok(None),
    };
    let fits = identity.certificates().next().and_then(Certificate::parse).is_some_and(|certificate| {
        let names = certificate.names();
        let all = DNS_NAMES.iter().chain(&ADDRESSES).all(|name| names.iter().any(|there| there == name));
        all && certificate.not_before <= now && now + RENEWAL * DAY < certificate.not_after
    });
    Ok(fits.then_some(identity))
}

/// Certificate and key, in PEM.
fn make(now: i64) -> Result<(String, String), DevelopmentError> {
    let made = |error: rcgen::Error| DevelopmentError::Make(error.to_string());
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(made)?;
    let names = DNS_NAMES.map(str::to_owned).to_vec();
    let mut params = CertificateParams::new(names).map_err(made)?;
    let addresses = ADDRESSES.iter().filter_map(|address| address.parse::<IpAddr>().ok());
    params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
    params.distinguished_name.push(DnType::CommonName, "wirelace development certificate");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let midnight = |days: i64| {
        let (year, month, day) = date(days);
        let small = |value: i64| u8::try_from(value).unwrap_or(1);
        date_time_ymd(i32::try_from(year).unwrap_or(9999).min(9999), small(month), small(day))
    };
    // Clocks of containers and virtual machines differ a little.
    let today = now.div_euclid(DAY);
    params.not_before = midnight(today - 1);
    params.not_after = midnight(today + LIFETIME);
    let certificate = params.self_signed(&key).map_err(made)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

/// All of it or nothing, and nobody else may read it.
fn write(path: &Path, text: &[u8]) -> Result<(), DevelopmentError> {
    let new = path.with_extension(format!("{}.new", path.extension().unwrap_or_default().to_string_lossy()));
    // Left by a process that was killed here; the lock is held.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("remove", &new, error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let filled = options.open(&new).and_then(|mut file: File| {
        file.write_all(text)?;
        file.sync_all()
    });
    filled.map_err(|error| failed("write", &new, error))?;
    fs::rename(&new, path).map_err(|error| failed("write", path, error))
}

fn failed(action: &'static str, path: &Path, error: io::Error) -> DevelopmentError {
    DevelopmentError::File { action, path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    /// Its own, empty at first.
    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("wirelace-development-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn der(identity: &Identity) -> Vec<u8> {
        identity.certificates().next().unwrap().to_vec()
    }

    #[test]
    fn it_stays_until_it_has_to_go() {
        let dir = folder("stays");
        let first = der(&at(&dir, NOW).unwrap());
        assert_eq!(der(&at(&dir, NOW).unwrap()), first);
        let end = Certificate::parse(&first).unwrap().not_after;
        assert_eq!(der(&at(&dir, end - 7 * DAY - 1).unwrap()), first);
        let second = der(&at(&dir, end - 7 * DAY).unwrap());
        assert_ne!(second, first);
        // A clock that went back.
        assert_ne!(der(&at(&dir, NOW - 300 * DAY).unwrap()), second);
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn it_is_for_this_machine() {
        let dir = folder("names");
        let identity = at(&dir, NOW).unwrap();
        assert_eq!(identity.names()[0], "localhost");
        let der = der(&identity);
        let certificate = Certificate::parse(&der).unwrap();
        assert_eq!(certificate.names(), ["localhost", "*.localhost", "127.0.0.1", "::1"]);
        assert_eq!(certificate.authority(), (false, None));
        assert_eq!(certificate.called(), "CN=wirelace development certificate");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.join("localhost.key")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_is_broken_is_made_anew() {
        let dir = folder("broken");
        let (pem, key) = (dir.join("localhost.pem"), dir.join("localhost.key"));
        let mut before = der(&at(&dir, NOW).unwrap());
        let other = {
            let dir = folder("other");
            at(&dir, NOW).unwrap();
            let text = fs::read(dir.join("localhost.key")).unwrap();
            fs::remove_dir_all(&dir).unwrap();
            text
        };
        let foreign = rcgen::generate_simple_self_signed(["example.com".to_owned()]).unwrap();
        let breaks: [&dyn Fn(); 6] = [
            &|| fs::remove_file(&pem).unwrap(),
            &|| fs::remove_file(&key).unwrap(),
            &|| fs::write(&pem, "").unwrap(),
            &|| fs::write(&key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap(),
            &|| fs::write(&key, &other).unwrap(),
            // A pair, and for another name.
            &|| {
                fs::write(&pem, foreign.cert.pem()).unwrap();
                fs::write(&key, foreign.signing_key.serialize_pem()).unwrap();
            },
        ];
        for spoil in breaks {
            spoil();
            // Left behind by one who was killed.
            fs::write(dir.join("localhost.key.new"), "half").unwrap();
            let made = der(&at(&dir, NOW).unwrap());
            assert_ne!(made, before);
            assert_eq!(der(&at(&dir, NOW).unwrap()), made);
            before = made;
        }
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn all_who_start_at_once_have_the_same() {
        let dir = folder("once");
        for round in 0..5 {
            let start = std::sync::Barrier::new(8);
            let all: Vec<_> = std::thread::scope(|scope| {
                let one = || {
                    start.wait();
                    der(&at(&dir, NOW + round * 400 * DAY).unwrap())
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(all.iter().all(|one| *one == all[0]), "round {round}");
            assert_eq!(der(&at(&dir, NOW + round * 400 * DAY).unwrap()), all[0]);
        }
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn errors_name_the_file() {
        let dir = folder("errors");
        fs::create_dir_all(dir.join("localhost.pem")).unwrap();
        let error = at(&dir, NOW).unwrap_err().to_string();
        assert!(error.contains("localhost.pem") && error.starts_with("cannot read"), "{error}");
        fs::remove_dir_all(&dir).unwrap();
        // A file where the folder should be.
        fs::write(&dir, "").unwrap();
        let error = at(&dir, NOW).unwrap_err().to_string();
        assert!(error.contains(&*dir.to_string_lossy()), "{error}");
        fs::remove_file(&dir).unwrap();
    }

    #[test]
    fn the_folder_is_the_cache() {
        assert!(default_dir().is_none_or(|dir| dir.ends_with("wirelace") && dir.is_absolute()));
    }
}
