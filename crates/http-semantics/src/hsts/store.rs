//! What a client remembers (RFC 6797 §8).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;

use super::host::HstsHost;
use super::lines::{self, LinesError};
use super::policy::{HstsError, HstsPolicy};
use super::preload::PreloadList;
use super::upgrade::PlainUrl;

/// The hosts that have asked for TLS, at most so many: beyond them the one goes whose time ends first.
///
/// Give it only what came over TLS without any error of the certificate, or whoever sits on the way writes in it
/// (RFC 6797 §8.1).
#[derive(Clone, Debug)]
pub struct HstsStore {
    hosts: BTreeMap<Arc<str>, Entry>,
    /// The same, in the order of their ends.
    ends: BTreeSet<(u64, Arc<str>)>,
    preload: Option<Arc<PreloadList>>,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    expires: u64,
    include_subdomains: bool,
}

/// Why a host is to be spoken to over TLS only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KnownHost<'a> {
    /// The host that asked for it: the one in question, or one above it.
    pub by: &'a str,
    /// For how long it holds, in seconds since 1970; `None`: it is in the preload list.
    pub expires: Option<u64>,
}

/// What a received policy did to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// It is kept, in place of an earlier one.
    Kept,
    /// `max-age=0`: the earlier one is gone.
    Deleted,
    /// `max-age=0`, or the store is full of what holds longer: there is none.
    None,
}

/// What came of loading a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Loaded {
    /// Hosts taken in.
    pub hosts: usize,
    /// Hosts passed over since their time is over.
    pub expired: usize,
    /// Lines that were none.
    pub broken: usize,
    /// The first of them.
    pub first_error: Option<LinesError>,
}

impl HstsStore {
    /// An empty one for at most `limit` hosts.
    #[must_use]
    pub fn new(limit: usize) -> HstsStore {
        HstsStore { hosts: BTreeMap::new(), ends: BTreeSet::new(), preload: None, limit }
    }

    /// With a list of hosts that are known without having been asked. Its hosts stay known after `max-age=0`.
    #[must_use]
    pub fn with_preload(mut self, list: Arc<PreloadList>) -> HstsStore {
        self.preload = Some(list);
        self
    }

    /// Hosts in it, those of the preload list and those whose time has just ended aside and included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// True without a host.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Takes the first Strict-Transport-Security of a response of `host`.
    ///
    /// # Errors
    /// The value is malformed; the store is as before.
    pub fn receive(&mut self, host: &HstsHost, value: &[u8], now: u64) -> Result<Update, HstsError> {
        let policy = HstsPolicy::parse(value)?;
        Ok(self.update(host, &policy, now))
    }

    /// The same, with a value that is parsed already.
    pub fn update(&mut self, host: &HstsHost, policy: &HstsPolicy, now: u64) -> Update {
        if policy.max_age == 0 {
            return if self.remove(host) { Update::Deleted } else { Update::None };
        }
        let expires = now.saturating_add(policy.max_age);
        self.insert(
            host.as_str().into(),
            Entry { expires, include_subdomains: policy.include_subdomains },
            now,
        )
    }

    /// Forgets what `host` has asked for; true if there was something.
    pub fn remove(&mut self, host: &HstsHost) -> bool {
        let Some((name, entry)) = self.hosts.remove_entry(host.as_str()) else { return false };
        self.ends.remove(&(entry.expires, name))
    }

    /// Forgets the hosts whose time is over.
    pub fn expire(&mut self, now: u64) {
        while let Some((end, _)) = self.ends.first()
            && *end <= now
        {
            self.drop_first();
        }
    }

    fn insert(&mut self, name: Arc<str>, entry: Entry, now: u64) -> Update {
        if let Some(old) = self.hosts.insert(Arc::clone(&name), entry) {
            self.ends.remove(&(old.expires, Arc::clone(&name)));
        }
        self.ends.insert((entry.expires, Arc::clone(&name)));
        if self.hosts.len() > self.limit {
            self.expire(now);
        }
        while self.hosts.len() > self.limit {
            self.drop_first();
        }
        if self.hosts.contains_key(&name) { Update::Kept } else { Update::None }
    }

    fn drop_first(&mut self) {
        if let Some((_, name)) = self.ends.pop_first() {
            self.hosts.remove(&name);
        }
    }

    /// Whether `host` is to be spoken to over TLS only, and why: it, or a host above it for its subdomains, has asked
    /// for that, label by label (RFC 6797 §8.2). A failure of TLS is then final (§8.4).
    #[must_use]
    pub fn known<'a>(&'a self, host: &'a HstsHost, now: u64) -> Option<KnownHost<'a>> {
        let mut itself = true;
        for name in host.with_superdomains() {
            let holds = |include_subdomains: bool| itself || include_subdomains;
            if let Some((by, entry)) = self.hosts.get_key_value(name)
                && entry.expires > now
                && holds(entry.include_subdomains)
            {
                return Some(KnownHost { by, expires: Some(entry.expires) });
            }
            if let Some(list) = &self.preload
                && list.get(name).is_some_and(holds)
            {
                return Some(KnownHost { by: name, expires: None });
            }
            itself = false;
        }
        None
    }

    /// The URL to ask for instead of `url`, if its host is known: see [`upgrade_url`](super::upgrade_url).
    #[must_use]
    pub fn upgrade(&self, url: &str, now: u64) -> Option<String> {
        let plain = PlainUrl::parse(url)?;
        let host = HstsHost::new(plain.host)?;
        self.known(&host, now).map(|_| plain.upgraded())
    }

    /// All hosts as lines of text, in the order of their names; `load` takes them. What is in the preload list only
    /// is not among them.
    #[must_use]
    pub fn save(&self, now: u64) -> String {
        let mut text =
            String::from("# HSTS: host (with a dot before it: and those below), end in seconds since 1970\n");
        for (name, entry) in self.hosts.iter().filter(|(_, entry)| entry.expires > now) {
            lines::write(&mut text, name, entry.include_subdomains, entry.expires);
        }
        text
    }

    /// Takes in the hosts of a text that [`save`](HstsStore::save) wrote. A line that is broken is passed over: one bad
    /// octet must not open all hosts to attack.
    pub fn load(&mut self, text: &str, now: u64) -> Loaded {
        let mut loaded = Loaded::default();
        for (index, line) in text.lines().enumerate() {
            self.load_line(&mut loaded, line, index + 1, now);
        }
        loaded
    }

    fn load_line(&mut self, loaded: &mut Loaded, text: &str, line: usize, now: u64) {
        match lines::parse(text, true) {
            Ok(None) => {}
            Ok(Some(line)) => {
                let expires = line.expires.unwrap_or_default();
                if expires <= now {
                    loaded.expired += 1;
                    return;
                }
                let entry = Entry { expires, include_subdomains: line.include_subdomains };
                if self.insert(line.host.as_str().into(), entry, now) == Update::Kept {
                    loaded.hosts += 1;
                }
            }
            Err(rule) => loaded.fail(LinesError { rule, line }),
        }
    }
}

impl Loaded {
    fn fail(&mut self, error: LinesError) {
        self.broken += 1;
        self.first_error.get_or_insert(error);
    }
}

#[cfg(feature = "std")]
mod io {
    use std::io::{self, BufRead, Read as _, Write};

    use super::super::lines::{LineRule, LinesError, MAX_LINE};
    use super::{HstsStore, Loaded};

    impl HstsStore {
        /// Writes what [`save`](HstsStore::save) makes.
        ///
        /// # Errors
        /// The writer's.
        pub fn write_to(&self, writer: &mut impl Write, now: u64) -> io::Result<()> {
            writer.write_all(self.save(now).as_bytes())
        }

        /// As [`load`](HstsStore::load), a line at a time.
        ///
        /// # Errors
        /// The reader's; the hosts up to there are taken in.
        pub fn read_from(&mut self, reader: &mut impl BufRead, now: u64) -> io::Result<Loaded> {
            let (mut loaded, mut bytes) = (Loaded::default(), alloc::vec::Vec::new());
            for line in 1.. {
                bytes.clear();
                // With its end, and one more if it is too long.
                if reader.by_ref().take(MAX_LINE as u64 + 2).read_until(b'\n', &mut bytes)? == 0 {
                    break;
                }
                if bytes.len() > MAX_LINE + 1 && !bytes.ends_with(b"\n") {
                    loaded.fail(LinesError { rule: LineRule::TooLong, line });
                    skip_line(reader)?;
                    continue;
                }
                match core::str::from_utf8(&bytes) {
                    Ok(text) => self.load_line(&mut loaded, text.trim_end_matches(['\n', '\r']), line, now),
                    Err(_) => loaded.fail(LinesError { rule: LineRule::Text, line }),
                }
            }
            Ok(loaded)
        }
    }

    /// The rest of a line, without keeping it.
    fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
        loop {
            let buffer = reader.fill_buf()?;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let length = end.map_or(buffer.len(), |end| end + 1);
            reader.consume(length);
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }
}
