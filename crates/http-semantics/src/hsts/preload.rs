//! Hosts that are known without having been asked: a list that the application brings along.

use alloc::string::String;
use alloc::vec::Vec;

use super::host::HstsHost;
use super::json::{self, JsonError};
use super::lines::{self, LinesError};

/// A preload list. About as large as its names: browsers' lists have more than 100,000.
#[derive(Clone, Default, Debug)]
pub struct PreloadList {
    /// All names, in order and without anything between them.
    names: String,
    /// Where each name ends, and whether it stands for those below.
    index: Vec<(u32, bool)>,
}

impl PreloadList {
    /// From lines of text: `example.com`, and `.example.com` for the names below it as well; `#` begins a remark.
    ///
    /// # Errors
    /// The first line that is no host.
    pub fn from_lines(text: &str) -> Result<PreloadList, LinesError> {
        let mut hosts = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let parsed = lines::parse(line, false).map_err(|rule| LinesError { rule, line: index + 1 })?;
            hosts.extend(parsed.map(|line| (line.host, line.include_subdomains)));
        }
        Ok(PreloadList::new(hosts))
    }

    /// From Chromium's `transport_security_state_static.json`: its entries with the mode `force-https`. Comments (`//`)
    /// are passed over, and so are names that are no host's.
    ///
    /// # Errors
    /// It is not JSON with an array of `entries`.
    pub fn from_chromium(text: &str) -> Result<PreloadList, JsonError> {
        json::entries(text).map(PreloadList::new)
    }

    fn new(mut hosts: Vec<(HstsHost, bool)>) -> PreloadList {
        // Of two with the same name, the one for the names below counts.
        hosts.sort_unstable_by(|(a, a_below), (b, b_below)| a.cmp(b).then(b_below.cmp(a_below)));
        hosts.dedup_by(|(a, _), (b, _)| a == b);
        let mut list = PreloadList::default();
        for (host, include_subdomains) in hosts {
            list.names.push_str(host.as_str());
            // 4 GiB of names do not fit into the text that they come from.
            let Ok(end) = u32::try_from(list.names.len()) else { break };
            list.index.push((end, include_subdomains));
        }
        list
    }

    /// Hosts in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True without a host.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Whether this very name, in lower case, stands for the names below, too; `None`: it is not in the list.
    pub(super) fn get(&self, name: &str) -> Option<bool> {
        let (mut low, mut high) = (0, self.index.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, include_subdomains) = self.at(middle)?;
            match found.cmp(name) {
                core::cmp::Ordering::Equal => return Some(include_subdomains),
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn at(&self, position: usize) -> Option<(&str, bool)> {
        let start = match position.checked_sub(1) {
            Some(before) => self.index.get(before)?.0,
            None => 0,
        };
        let (end, include_subdomains) = *self.index.get(position)?;
        Some((self.names.get(start as usize..end as usize)?, include_subdomains))
    }
}
