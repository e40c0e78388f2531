//! Variants of an input that break parsers.

use crate::rng::Rng;

/// What delimits things in text protocols.
const MEANINGFUL: [&[u8]; 14] =
    [b"\r\n", b"\r", b"\n", b"\0", b":", b"\t", b" ", b"\r\n\r\n", b",", b";", b"\"", b"0", b"\x0b", b"\xa0"];

/// The endless variants of one input; see [`mutations`].
#[derive(Debug, Clone)]
pub struct Mutations {
    rng: Rng,
    input: Vec<u8>,
}

/// Endless variants of `input`, each with one to four changes; the same seed gives the same variants.
///
/// ```
/// let variants: Vec<_> = wirelace_sim::mutations(1, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").take(100).collect();
/// assert!(variants.iter().any(|variant| variant.contains(&0)));
/// ```
#[must_use]
pub fn mutations(seed: u64, input: &[u8]) -> Mutations {
    Mutations { rng: Rng::new(seed), input: input.to_vec() }
}

impl Iterator for Mutations {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        Some(mutate(&mut self.rng, &self.input))
    }
}

/// One variant of `input`: one to four times, a byte or a line is removed, replaced, inserted, repeated or moved, a
/// number changed, or the end cut off.
#[must_use]
pub fn mutate(rng: &mut Rng, input: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..rng.within(1..=4) {
        change(rng, &mut bytes);
    }
    bytes
}

/// One variant of a list of messages, as one stream: messages are repeated, left out, swapped, changed, and the
/// boundary between two is shifted, so that one's end becomes the other's start.
#[must_use]
pub fn mutate_list(rng: &mut Rng, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut list = messages.to_vec();
    for _ in 0..rng.within(1..=3) {
        if list.is_empty() {
            break;
        }
        let at = rng.below(list.len());
        match rng.below(6) {
            0 => list.insert(at, list[at].clone()),
            1 => drop(list.remove(at)),
            2 => list.swap(at, 0),
            3 => change(rng, &mut list[at]),
            4 if at + 1 < list.len() => {
                // The next message loses its first bytes to the end of this one, after some filler.
                let taken = rng.below(list[at + 1].len() + 1);
                let moved: Vec<u8> = list[at + 1].drain(..taken).collect();
                let filler = meaningful(rng).to_vec();
                list[at].extend(filler);
                list[at].extend(moved);
            }
            _ => {
                // One message inside another.
                let inner = list[at].clone();
                let into = rng.below(list.len());
                let position = rng.below(list[into].len() + 1);
                list[into].splice(position..position, inner);
            }
        }
    }
    list.concat()
}

fn change(rng: &mut Rng, bytes: &mut Vec<u8>) {
    let at = rng.below(bytes.len() + 1);
    let in_range = at < bytes.len();
    match rng.below(13) {
        0 if in_range => drop(bytes.remove(at)),
        1 if in_range => bytes[at] = rng.next_u64() as u8,
        2 => bytes.insert(at, rng.next_u64() as u8),
        3 | 4 => insert(bytes, at, meaningful(rng)),
        5 if in_range => {
            bytes.remove(at);
            insert(bytes, at, meaningful(rng));
        }
        6 if in_range => bytes[at] ^= 1 << rng.below(8),
        7 => {
            let (start, end) = line_around(bytes, at);
            let line = bytes[start..end].to_vec();
            insert(bytes, start, &line);
        }
        8 => {
            let (start, end) = line_around(bytes, at);
            bytes.drain(start..end);
        }
        9 => {
            // A line moves to somewhere else.
            let (start, end) = line_around(bytes, at);
            let line: Vec<u8> = bytes.drain(start..end).collect();
            let to = rng.below(bytes.len() + 1);
            let (to, _) = line_around(bytes, to);
            insert(bytes, to, &line);
        }
        10 => bytes.truncate(at),
        11 => {
            let len = rng.below((bytes.len() - at).min(64) + 1);
            let slice = bytes[at..at + len].to_vec();
            let to = rng.below(bytes.len() + 1);
            insert(bytes, to, &slice);
        }
        _ => {
            // Another digit: lengths and versions that lie.
            let digits: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at].is_ascii_digit()).collect();
            if !digits.is_empty() {
                let at = *rng.pick(&digits);
                bytes[at] = b'0' + rng.below(10) as u8;
            }
        }
    }
}

fn meaningful(rng: &mut Rng) -> &'static [u8] {
    MEANINGFUL[rng.below(MEANINGFUL.len())]
}

fn insert(bytes: &mut Vec<u8>, at: usize, inserted: &[u8]) {
    bytes.splice(at..at, inserted.iter().copied());
}

/// The line that has position `at` in it, with its end.
fn line_around(bytes: &[u8], at: usize) -> (usize, usize) {
    let start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let end = bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |end| at + end + 1);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

    #[test]
    fn seeds_decide() {
        let one: Vec<_> = mutations(3, REQUEST).take(200).collect();
        let other: Vec<_> = mutations(3, REQUEST).take(200).collect();
        assert_eq!(one, other);
        assert_ne!(one, mutations(4, REQUEST).take(200).collect::<Vec<_>>());
    }

    #[test]
    fn variants_differ_and_cover_the_kinds() {
        let variants: Vec<_> = mutations(5, REQUEST).take(2000).collect();
        assert!(variants.iter().filter(|variant| variant[..] != *REQUEST).count() > 1900);
        let has = |needle: &[u8]| variants.iter().any(|v| v.windows(needle.len()).any(|w| w == needle));
        assert!(has(b"\0") && has(b"Host: a\r\nHost: a\r\n") && has(b"Length: 9"));
        assert!(variants.iter().any(|v| v.len() < REQUEST.len() / 2));
    }

    #[test]
    fn nothing_is_a_fine_input() {
        assert_eq!(mutations(1, b"").take(500).count(), 500);
        let mut rng = Rng::new(1);
        for _ in 0..500 {
            let _ = mutate_list(&mut rng, &[]);
            let _ = mutate_list(&mut rng, &[vec![], REQUEST.to_vec()]);
        }
    }

    #[test]
    fn boundaries_shift() {
        let mut rng = Rng::new(2);
        let messages = [REQUEST.to_vec(), b"GET /2 HTTP/1.1\r\n\r\n".to_vec()];
        let lists: Vec<_> = (0..500).map(|_| mutate_list(&mut rng, &messages)).collect();
        let count = |list: &Vec<u8>| list.windows(8).filter(|window| *window == b"HTTP/1.1").count();
        for wanted in 1..=4 {
            assert!(lists.iter().any(|list| count(list) == wanted), "{wanted}");
        }
    }
}
