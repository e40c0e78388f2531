//! From the path of a request target to file names below the served directory.

use std::ffi::OsString;
use std::path::{Component, Path};

/// Why a path names nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No path at all: broken percent-encoding, or an octet that no file name has (answer 400).
    Malformed,
    /// Segments that are empty, `.` or `..`, or no plain file name on this system (answer 404).
    Outside,
}

/// What the path of a target names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// File names, from the served directory down.
    pub(super) names: Vec<OsString>,
    /// The path ended with `/`: a directory is meant.
    pub(super) directory: bool,
}

impl Wanted {
    /// Splits at `/` first and undoes percent-encoding once in each segment after that: an encoded slash can
    /// never separate. Empty segments are refused because a redirect to `//host/` would leave the server.
    pub(super) fn of(path: &str) -> Result<Wanted, Refusal> {
        let path = path.strip_prefix('/').ok_or(Refusal::Malformed)?;
        if path.is_empty() {
            return Ok(Wanted { names: Vec::new(), directory: true });
        }
        let (path, directory) = match path.strip_suffix('/') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let names = path.split('/').map(name).collect::<Result<_, _>>()?;
        Ok(Wanted { names, directory })
    }
}

fn name(segment: &str) -> Result<OsString, Refusal> {
    let name = percent_decode(segment.as_bytes()).ok_or(Refusal::Malformed)?;
    // A backslash separates on some systems; none of the three is worth serving on the others.
    if name.iter().any(|byte| matches!(byte, b'/' | b'\\' | b'\0')) {
        return Err(Refusal::Malformed);
    }
    let name = os_string(name).ok_or(Refusal::Malformed)?;
    let mut components = Path::new(&name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(name),
        _ => Err(Refusal::Outside),
    }
}

/// Undoes percent-encoding once; `None` where a `%` is not followed by two hex digits (RFC 3986 §2.1).
pub(super) fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(decoded),
            [b'%', high, low, rest @ ..] => {
                let digit = |digit: u8| char::from(digit).to_digit(16);
                decoded.push((digit(*high)? * 16 + digit(*low)?) as u8);
                rest
            }
            [b'%', ..] => return None,
            [byte, rest @ ..] => {
                decoded.push(*byte);
                rest
            }
        };
    }
}

#[cfg(unix)]
fn os_string(name: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(name))
}

#[cfg(not(unix))]
fn os_string(name: Vec<u8>) -> Option<OsString> {
    String::from_utf8(name).ok().map(OsString::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sound_paths() {
        for (path, names, directory) in [
            ("/", &[][..], true),
            ("/a", &["a"], false),
            ("/a/", &["a"], true),
            ("/a/b.txt", &["a", "b.txt"], false),
            ("/a%20b", &["a b"], false),
            ("/%41", &["A"], false),
            ("/...", &["..."], false),
            ("/..a/a..", &["..a", "a.."], false),
            ("/.well-known/x", &[".well-known", "x"], false),
            // Decoded once only: this names a file called `%2e%2e`.
            ("/%252e%252e", &["%2e%2e"], false),
            ("/%E2%82%AC", &["\u{20ac}"], false),
        ] {
            let names = names.iter().map(OsString::from).collect();
            assert_eq!(Wanted::of(path), Ok(Wanted { names, directory }), "{path}");
        }
    }

    #[test]
    fn attacks() {
        use Refusal::{Malformed, Outside};
        for (path, refusal) in [
            ("", Malformed),
            ("*", Malformed),
            ("a", Malformed),
            ("/..", Outside),
            ("/../", Outside),
            ("/../etc/passwd", Outside),
            ("/a/../../etc/passwd", Outside),
            ("/a/..", Outside),
            ("/%2e%2e/etc/passwd", Outside),
            ("/%2E./etc/passwd", Outside),
            ("/.%2e/etc/passwd", Outside),
            ("/./a", Outside),
            ("/%2e", Outside),
            ("//", Outside),
            ("///", Outside),
            ("//etc/passwd", Outside),
            ("//evil.example/", Outside),
            ("/a//b", Outside),
            ("/..%2fetc/passwd", Malformed),
            ("/..%2Fetc%2Fpasswd", Malformed),
            ("/%2fetc/passwd", Malformed),
            ("/..\\etc\\passwd", Malformed),
            ("/..%5cetc", Malformed),
            ("/\\evil.example", Malformed),
            ("/a%00.txt", Malformed),
            ("/a\0", Malformed),
            ("/%", Malformed),
            ("/%4", Malformed),
            ("/%zz", Malformed),
            ("/%+1", Malformed),
            ("/%u002e", Malformed),
        ] {
            assert_eq!(Wanted::of(path), Err(refusal), "{path:?}");
        }
        #[cfg(unix)]
        // Overlong UTF-8 for dots and slashes stays a strange file name.
        assert_eq!(Wanted::of("/%c0%ae%c0%ae/%c0%af").map(|wanted| wanted.names.len()), Ok(2));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_stays_below(path in "/[a./%25efcEF\\\\0]{0,24}") {
            if let Ok(wanted) = Wanted::of(&path) {
                let root = Path::new("/served");
                let mut full = root.to_path_buf();
                full.extend(&wanted.names);
                prop_assert!(full.starts_with(root));
                prop_assert_eq!(full.components().count(), 2 + wanted.names.len());
                prop_assert!(full.components().all(|part| part != Component::ParentDir));
            }
        }
    }
}
