//! The bytes to take apart: a file or stdin, as they are or in hex.

use std::io::Read;
use std::path::Path;

use wirelace_quic_lite::ConnectionId;

use crate::failure::Failure;

/// Reads all of `file`, or of stdin for `None` and `-`.
pub(super) fn read(file: Option<&Path>, hex: bool) -> Result<Vec<u8>, Failure> {
    let (bytes, name) = match file {
        Some(path) if path != Path::new("-") => (std::fs::read(path), path.display().to_string()),
        _ => {
            let mut bytes = Vec::new();
            (std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes), "standard input".to_owned())
        }
    };
    let bytes = bytes.map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    if hex { unhex(&bytes) } else { Ok(bytes) }
}

/// A connection id in hex digits.
pub(super) fn connection_id(text: &str) -> Result<ConnectionId, String> {
    let octets = unhex(text.as_bytes()).map_err(|_| "not pairs of hex digits".to_owned())?;
    ConnectionId::new(&octets).ok_or_else(|| format!("{} octets, expected at most 20", octets.len()))
}

/// Pairs of hex digits with anything blank around them; `#` starts a comment, `0x` before a pair is skipped.
fn unhex(text: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high: Option<u32> = None;
    let mut comment = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\n' => comment = false,
            _ if comment => {}
            b'#' => comment = true,
            b' ' | b'\t' | b'\r' | b',' | b':' | b'-' if high.is_none() => {}
            b'0' if high.is_none() && matches!(text.get(at + 1), Some(b'x' | b'X')) => at += 1,
            _ => match (char::from(byte).to_digit(16), high.take()) {
                (Some(digit), None) => high = Some(digit),
                (Some(digit), Some(high)) => bytes.push((high * 16 + digit) as u8),
                (None, _) => return Err(Failure::Usage(format!("not a pair of hex digits at offset {at}"))),
            },
        }
        at += 1;
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(Failure::Usage("the hex input ends within a pair of digits".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_with_what_people_put_between() {
        for text in
            ["474554", "47 45 54\n", "47:45:54", "0x47, 0x45, 0x54", "# GET\n47 4554 # end\n", "47-45-54"]
        {
            assert_eq!(unhex(text.as_bytes()), Ok(b"GET".to_vec()), "{text}");
        }
        assert_eq!(unhex(b""), Ok(Vec::new()));
        for text in ["4", "4 7", "4g", "47 4", "zz", "0x4"] {
            assert!(matches!(unhex(text.as_bytes()), Err(Failure::Usage(_))), "{text}");
        }
    }
}
