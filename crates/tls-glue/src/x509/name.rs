//! Names in certificates: of subjects and issuers (RFC 5280 §4.1.2.4), and the alternative ones (§4.2.1.6).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::der::{OID, Reader, SEQUENCE, SET};
use super::oid;

/// Characters of a name that are shown: who makes a certificate could fill the screen.
const MOST: usize = 256;
/// Characters of an alternative name that are shown: host names have 253 at most, addresses of the Web more.
const MOST_OF_ONE: usize = 1024;

/// `C=US, O=Example, CN=Example Root`, in the order of the certificate. Empty: it has no name.
pub(crate) fn text(name: &[u8]) -> String {
    let mut text = String::new();
    let attributes = Reader::new(name).filter(|set| set.tag == SET).flat_map(|set| Reader::new(set.content));
    for attribute in attributes.filter(|attribute| attribute.tag == SEQUENCE) {
        let mut attribute = Reader::new(attribute.content);
        let (Some(kind), Some(value)) = (attribute.expect(OID), attribute.next()) else { continue };
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = write!(text, "{}={}", oid::named(kind), string(value.tag, value.content));
        if text.chars().count() > MOST {
            text = text.chars().take(MOST).collect();
            text.push('…');
            break;
        }
    }
    text
}

/// The character strings of X.680; others in hex.
fn string(tag: u8, content: &[u8]) -> String {
    match tag {
        // UTF8String, and those that are ASCII if they are right.
        0x0c | 0x12 | 0x13 | 0x16 | 0x1a => shown(&String::from_utf8_lossy(content)),
        // TeletexString: Latin 1 in practice.
        0x14 => shown(&content.iter().map(|octet| char::from(*octet)).collect::<String>()),
        // BMPString.
        0x1e => {
            let units =
                content.chunks(2).map(|pair| pair.iter().fold(0, |sum, octet| sum << 8 | u16::from(*octet)));
            shown(&char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect::<String>())
        }
        _ => format!("#{}", super::hex(content.get(..content.len().min(64)).unwrap_or_default())),
    }
}

/// Nothing that a terminal takes for a command, or that turns the text around.
pub(crate) fn shown(text: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|letter| if hidden(letter) { '\u{fffd}' } else { letter }).collect()
}

/// An alternative name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum General {
    Dns(String),
    Ip(String),
    /// With its kind in front.
    Other(String),
}

/// Those of the content of a `subjectAltName` extension.
pub(crate) fn general(value: &[u8]) -> Vec<General> {
    let Some(names) = Reader::new(value).expect(SEQUENCE) else { return Vec::new() };
    let latin = |content: &[u8]| {
        let text = shown(&String::from_utf8_lossy(content));
        match text.char_indices().nth(MOST_OF_ONE) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text,
        }
    };
    let read = |name: super::der::Element<'_>| match name.tag {
        0x82 => General::Dns(latin(name.content)),
        0x87 => match (<[u8; 4]>::try_from(name.content), <[u8; 16]>::try_from(name.content)) {
            (Ok(octets), _) => General::Ip(Ipv4Addr::from(octets).to_string()),
            (_, Ok(octets)) => General::Ip(Ipv6Addr::from(octets).to_string()),
            _ => General::Other(format!(
                "IP:#{}",
                super::hex(name.content.get(..name.content.len().min(64)).unwrap_or_default())
            )),
        },
        0x81 => General::Other(format!("email:{}", latin(name.content))),
        0x86 => General::Other(format!("URI:{}", latin(name.content))),
        0xa4 => General::Other(format!(
            "DirName:{}",
            text(Reader::new(name.content).expect(SEQUENCE).unwrap_or_default())
        )),
        0x88 => General::Other(format!("Registered ID:{}", oid::dotted(name.content))),
        0xa0 => {
            let kind = Reader::new(name.content).expect(OID).unwrap_or_default();
            General::Other(format!("otherName:{}", oid::dotted(kind)))
        }
        tag => General::Other(format!("name of kind {}", tag & 0x1f)),
    };
    Reader::new(names).map(read).collect()
}
