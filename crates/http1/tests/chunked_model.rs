//! The chunked coding against a naive model that has the whole body before it, in every split; and
//! what the encoder writes, read back.

use proptest::prelude::*;
use wirelace_http1::chunked::{ChunkedDecoder, ChunkedErrorKind as Kind, Step, write_chunk_start};
use wirelace_http1::encode::write_last_chunk;

/// Extension bytes allowed in these tests.
const EXTENSIONS: usize = 200;

/// What became of a coded body.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// The data, and where the trailer section begins.
    Whole(Vec<u8>, usize),
    Unfinished(Vec<u8>),
    Refused,
}

fn decode(input: &[u8], cuts: &[usize], window: usize) -> Outcome {
    let mut decoder = ChunkedDecoder::new(EXTENSIONS);
    let mut data = Vec::new();
    let mut taken = 0;
    for &end in cuts.iter().chain([&input.len()]) {
        // As a connection does: what was not taken is offered again with what came after it.
        while taken < end {
            match decoder.step(&input[taken..end], window) {
                Ok(Step::More { consumed }) => {
                    taken += consumed;
                    break;
                }
                Ok(Step::Data { skip, len }) => {
                    assert!(len > 0 && len <= window);
                    data.extend_from_slice(&input[taken + skip..taken + skip + len]);
                    taken += skip + len;
                }
                Ok(Step::Trailers { consumed }) => {
                    assert!(decoder.is_done());
                    return Outcome::Whole(data, taken + consumed);
                }
                Err(error) => {
                    assert!((taken as u64..end as u64).contains(&error.offset), "{error:?}");
                    return Outcome::Refused;
                }
            }
        }
    }
    Outcome::Unfinished(data)
}

/// RFC 9112 §7.1 read line by line, for complete input only.
fn model(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut data = Vec::new();
    let mut at = 0;
    loop {
        let line_end = at + input[at..].windows(2).position(|two| two == b"\r\n")?;
        let line = &input[at..line_end];
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 || digits > 16 || !model_extensions(&line[digits..]) {
            return None;
        }
        let size = usize::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
        at = line_end + 2;
        if size == 0 {
            return Some((data, at));
        }
        data.extend_from_slice(input.get(at..at.checked_add(size)?)?);
        at += size;
        if input.get(at..at + 2)? != b"\r\n" {
            return None;
        }
        at += 2;
    }
}

/// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
fn model_extensions(mut rest: &[u8]) -> bool {
    fn bws(rest: &[u8]) -> &[u8] {
        &rest[rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()..]
    }
    fn token(rest: &[u8]) -> Option<&[u8]> {
        let tchar = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(*byte);
        let len = rest.iter().take_while(tchar).count();
        (len > 0).then(|| &rest[len..])
    }
    fn quoted(rest: &[u8]) -> Option<&[u8]> {
        let mut rest = rest.strip_prefix(b"\"")?;
        loop {
            rest = match rest {
                [b'"', after @ ..] => return Some(after),
                [b'\\', b'\t' | b' '..=b'~' | 0x80.., after @ ..] => after,
                [b'\\', ..] => return None,
                [b'\t' | b' '..=b'~' | 0x80.., after @ ..] => after,
                _ => return None,
            };
        }
    }
    while !rest.is_empty() {
        let Some(name) = bws(rest).strip_prefix(b";").map(bws) else { return false };
        let Some(after) = token(name) else { return false };
        rest = after;
        if let Some(value) = bws(after).strip_prefix(b"=").map(bws) {
            match token(value).or_else(|| quoted(value)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
    }
    true
}

/// Checks one body against the model, whole, at every cut and byte by byte.
fn check(input: &[u8]) -> Outcome {
    let whole = decode(input, &[], usize::MAX);
    let expected = model(input);
    match (&whole, expected) {
        (Outcome::Whole(data, end), Some(expected)) => assert_eq!((data, *end), (&expected.0, expected.1)),
        (Outcome::Refused | Outcome::Unfinished(_), None) => {}
        (found, expected) => panic!("{found:?}, the model: {expected:?}: {}", input.escape_ascii()),
    }
    for cut in 0..=input.len() {
        assert_eq!(decode(input, &[cut], usize::MAX), whole, "cut at {cut}: {}", input.escape_ascii());
        assert_eq!(decode(input, &[cut], 3), whole, "cut at {cut}: {}", input.escape_ascii());
    }
    let all: Vec<usize> = (0..input.len()).collect();
    assert_eq!(decode(input, &all, 1), whole, "byte by byte: {}", input.escape_ascii());
    whole
}

const BODIES: &[&str] = &[
    "0\r\n\r\n",
    "5\r\nhello\r\n0\r\n\r\n",
    "1\r\na\r\n00a\r\n0123456789\r\n0000000000000000\r\nA: b\r\n\r\n",
    "5;a=b;c=\"q;\\\"x\\\\\"\r\nhello\r\n0;z\r\n\r\n",
    "5 ; a = b\t;\tc\r\nhello\r\n0 ;d=\"\"\r\n\r\n",
    "2\r\n\r\n\r\n2\r\n0\r\r\n0\r\n\r\n",
    "F;caf=\"\u{e9}\t\"\r\n012345678901234\r\nf\r\n012345678901234\r\n0\r\n\r\n",
];

#[test]
fn bodies_and_their_mutants() {
    let (mut whole, mut refused, mut unfinished) = (0, 0, 0);
    let mut count = |outcome| match outcome {
        Outcome::Whole(..) => whole += 1,
        Outcome::Refused => refused += 1,
        Outcome::Unfinished(_) => unfinished += 1,
    };
    for body in BODIES {
        let body = body.as_bytes();
        assert!(matches!(check(body), Outcome::Whole(..)), "{}", body.escape_ascii());
        for cut in 0..model(body).unwrap().1 {
            assert!(matches!(check(&body[..cut]), Outcome::Unfinished(_)));
        }
        for at in 0..body.len() {
            let mut mutant = body.to_vec();
            for byte in 0..=255 {
                mutant[at] = byte;
                count(check(&mutant));
            }
            count(check(&[&body[..at], &body[at + 1..]].concat()));
            for byte in b"\0\t\r\n \";=\\0aG\x7f\x80" {
                count(check(&[&body[..at], &[*byte], &body[at..]].concat()));
            }
        }
    }
    assert!(whole > 5000 && refused > 10_000 && unfinished > 500, "{whole} {refused} {unfinished}");
}

#[test]
fn sizes_at_the_edge() {
    let step = |input: &[u8]| ChunkedDecoder::new(0).step(input, usize::MAX);
    // 16 digits are read as they are: what follows is data, however much of it may come.
    assert_eq!(step(b"ffffffffffffffff\r\nx"), Ok(Step::Data { skip: 18, len: 1 }));
    assert_eq!(step(b"8000000000000000\r\nx"), Ok(Step::Data { skip: 18, len: 1 }));
    assert_eq!(step(b"0000000000000001\r\nxy"), Ok(Step::Data { skip: 18, len: 1 }));
    // Larger than a u32, with a low half that looks like 5.
    assert_eq!(step(b"100000005\r\nhello\r\n0"), Ok(Step::Data { skip: 11, len: 8 }));
    for input in ["10000000000000000\r\n", "00000000000000000\r\n", "fffffffffffffffff"] {
        let error = step(input.as_bytes()).unwrap_err();
        assert_eq!((error.kind, error.offset), (Kind::SizeTooLong, 16));
    }
}

#[test]
fn extensions_have_a_budget_for_the_whole_body() {
    let body = |chunks: usize| format!("{}0\r\n\r\n", "1;ab\r\nx\r\n".repeat(chunks));
    // Three bytes each: `ab` and the CR that ends them.
    for (chunks, budget, fits) in [(10, 30, true), (10, 29, false), (0, 0, true), (1, 0, false)] {
        let mut decoder = ChunkedDecoder::new(budget);
        let body = body(chunks);
        let mut rest = body.as_bytes();
        let result = loop {
            match decoder.step(rest, usize::MAX) {
                Ok(Step::Data { skip, len }) => rest = &rest[skip + len..],
                Ok(Step::Trailers { .. }) => break Ok(()),
                Ok(Step::More { .. }) => unreachable!("the body is whole"),
                Err(error) => break Err(error.kind),
            }
        };
        assert_eq!(result, if fits { Ok(()) } else { Err(Kind::ExtensionsTooLong) }, "{chunks} {budget}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        window in 1usize..400,
    ) {
        let mut body = Vec::new();
        for chunk in &chunks {
            write_chunk_start(&mut body, chunk.len());
            if !chunk.is_empty() {
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
        }
        write_last_chunk(&mut body, [(&b"X"[..], &b"y"[..])]).unwrap();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        cuts.sort_unstable();
        let trailers = body.len() - b"X: y\r\n\r\n".len();
        prop_assert_eq!(decode(&body, &cuts, window), Outcome::Whole(chunks.concat(), trailers));
    }

    #[test]
    fn anything_agrees_with_the_model(parts in proptest::collection::vec(prop_oneof![
        4 => Just("\r\n"), 3 => Just("0"), 2 => Just("1"), 2 => Just("3\r\nabc\r\n"), 2 => Just(";"), 2 => Just("a"),
        1 => Just("="), 1 => Just("\""), 1 => Just("\\"), 1 => Just(" "), 1 => Just("\t"), 1 => Just("\r"),
        1 => Just("\n"), 1 => Just("\0"), 1 => Just("0\r\n\r\n"),
    ], 0..12)) {
        check(parts.concat().as_bytes());
    }
}
