//! What stands in a token.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use super::super::error::ProtectionError;
use super::super::retry::MAX_CONNECTION_ID;

/// Octets, at most: the time, the kind, an address, a port, and two connection ids with their lengths.
pub(super) const MAX_CONTENT: usize = 8 + 1 + 16 + 2 + 2 * (1 + MAX_CONNECTION_ID);
/// Octets at least: the time, the kind, a short address.
pub(super) const MIN_CONTENT: usize = 8 + 1 + 4;

/// The kind: two bits.
const IS_V6: u8 = 1;
const IS_RETRY: u8 = 2;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content<'a> {
    /// Milliseconds since 1970.
    pub(super) issued: u64,
    pub(super) address: IpAddr,
    pub(super) retry: Option<Retry<'a>>,
}

/// What a Retry packet's token has beside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Retry<'a> {
    pub(super) port: u16,
    pub(super) original: &'a [u8],
    pub(super) source: &'a [u8],
}

impl<'a> Content<'a> {
    pub(super) fn encode(&self) -> Result<Vec<u8>, ProtectionError> {
        let mut octets = Vec::with_capacity(MAX_CONTENT);
        octets.extend_from_slice(&self.issued.to_be_bytes());
        let retry = if self.retry.is_some() { IS_RETRY } else { 0 };
        match self.address.to_canonical() {
            IpAddr::V4(address) => {
                octets.push(retry);
                octets.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                octets.push(retry | IS_V6);
                octets.extend_from_slice(&address.octets());
            }
        }
        if let Some(retry) = &self.retry {
            octets.extend_from_slice(&retry.port.to_be_bytes());
            for id in [retry.original, retry.source] {
                let length = u8::try_from(id.len()).ok().filter(|_| id.len() <= MAX_CONNECTION_ID);
                octets.push(length.ok_or(ProtectionError::ConnectionId(id.len()))?);
                octets.extend_from_slice(id);
            }
        }
        Ok(octets)
    }

    /// `None`: nobody here has written that.
    pub(super) fn decode(octets: &'a [u8]) -> Option<Content<'a>> {
        let (issued, octets) = octets.split_first_chunk::<8>()?;
        let (kind, octets) = octets.split_first().filter(|(kind, _)| **kind <= IS_V6 | IS_RETRY)?;
        let (address, mut octets) = if kind & IS_V6 == 0 {
            let (address, octets) = octets.split_first_chunk::<4>()?;
            (IpAddr::V4(Ipv4Addr::from(*address)), octets)
        } else {
            let (address, octets) = octets.split_first_chunk::<16>()?;
            (IpAddr::V6(Ipv6Addr::from(*address)), octets)
        };
        let retry = if kind & IS_RETRY == 0 {
            None
        } else {
            let (port, rest) = octets.split_first_chunk::<2>()?;
            let (original, rest) = connection_id(rest)?;
            let (source, rest) = connection_id(rest)?;
            octets = rest;
            Some(Retry { port: u16::from_be_bytes(*port), original, source })
        };
        octets.is_empty().then_some(Content { issued: u64::from_be_bytes(*issued), address, retry })
    }

    /// When it was made.
    pub(super) fn issued(&self) -> Option<SystemTime> {
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.issued))
    }
}

fn connection_id(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, octets) = octets.split_first()?;
    octets.split_at_checked((*length).into()).filter(|(id, _)| id.len() <= MAX_CONNECTION_ID)
}

/// In milliseconds; 0 for what was before.
pub(super) fn since_epoch(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(u64::MAX)
}
