//! What the encoder writes, the parser reads back; what the parser accepts, the encoder can write.

mod head_support;

use head_support::{REQUESTS, RESPONSES, every_split, in_pieces, once};
use proptest::prelude::*;
use wirelace_http1::encode::{write_request_head, write_response_head};
use wirelace_http1::head::{Status, Version};

type Field = (Vec<u8>, Vec<u8>);

fn token() -> impl Strategy<Value = Vec<u8>> {
    let tchar = prop::sample::select(
        b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".to_vec(),
    );
    proptest::collection::vec(tchar, 1..40)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![8 => 0x20u8..0x7f, 1 => Just(b'\t'), 1 => 0x80u8..];
    proptest::collection::vec(octet, 0..80).prop_map(|value| value.trim_ascii().to_vec())
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    proptest::collection::vec((token(), value()), 0..12)
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::Http10), Just(Version::Http11)]
}

fn borrowed(fields: &[Field]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.iter().map(|(name, value)| (&name[..], &value[..]))
}

fn lines(input: &[u8], found: &head_support::Lines) -> Vec<Field> {
    let part = |range: &std::ops::Range<usize>| input[range.clone()].to_vec();
    found.lines.iter().map(|(name, value)| (part(name), part(value))).collect()
}

proptest! {
    #[test]
    fn requests(
        method in token(),
        target in proptest::collection::vec(0x21u8..0x7f, 1..100),
        version in version(),
        fields in fields(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
        rest in proptest::collection::vec(any::<u8>(), 0..10),
    ) {
        let mut input = Vec::new();
        write_request_head(&mut input, &method, &target, version, borrowed(&fields)).unwrap();
        let len = input.len();
        input.extend_from_slice(&rest);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(len)).collect();
        cuts.sort_unstable();
        let (_, (result, found)) = in_pieces(&REQUESTS, &input, cuts);
        let index = result.unwrap().complete().unwrap();
        prop_assert_eq!(index.len, len);
        prop_assert_eq!(&input[index.method.clone()], &method[..]);
        prop_assert_eq!(&input[index.target.clone()], &target[..]);
        prop_assert_eq!(index.version, version);
        prop_assert_eq!(lines(&input, &found), fields);
    }

    #[test]
    fn responses(
        status in 100u16..1000,
        reason in value(),
        version in version(),
        fields in fields(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
        rest in proptest::collection::vec(any::<u8>(), 0..10),
    ) {
        let mut input = Vec::new();
        write_response_head(&mut input, version, status, &reason, borrowed(&fields)).unwrap();
        let len = input.len();
        input.extend_from_slice(&rest);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(len)).collect();
        cuts.sort_unstable();
        let (_, (result, found)) = in_pieces(&RESPONSES, &input, cuts);
        let index = result.unwrap().complete().unwrap();
        prop_assert_eq!((index.len, index.status, index.version), (len, status, version));
        prop_assert_eq!(&input[index.reason.clone()], &reason[..]);
        prop_assert_eq!(lines(&input, &found), fields);
    }

    /// Nonsense made of the parts of heads: the same in every split, and what is accepted can be
    /// written again and then reads the same.
    #[test]
    fn nonsense(parts in proptest::collection::vec(prop_oneof![
        6 => Just("\r\n"), 3 => Just("GET "), 3 => Just("/ HTTP/1.1\r\n"), 1 => Just("HTTP/1.0"), 4 => Just("A: b"),
        2 => Just("a"), 2 => Just(":"), 2 => Just(" "), 1 => Just("\t"), 1 => Just("\r"), 1 => Just("\n"),
        1 => Just("\0"), 1 => Just("\u{e9}"), 1 => Just("HTTP/1.1 200 OK\r\n"), 1 => Just("\r\n\r\n"),
    ], 0..14)) {
        let input = parts.concat();
        let input = input.as_bytes();
        let (result, found) = every_split(&REQUESTS, input);
        if let Ok(Status::Complete(index)) = result {
            let fields = lines(input, &found);
            let (method, target) = (&input[index.method.clone()], &input[index.target.clone()]);
            let mut again = Vec::new();
            write_request_head(&mut again, method, target, index.version, borrowed(&fields)).unwrap();
            let (result, found) = once(&REQUESTS, &again);
            prop_assert_eq!(result.unwrap().complete().unwrap().len, again.len());
            prop_assert_eq!(lines(&again, &found), fields);
        }
        let (result, found) = every_split(&RESPONSES, input);
        if let Ok(Status::Complete(index)) = result {
            let fields = lines(input, &found);
            let mut again = Vec::new();
            let reason = &input[index.reason.clone()];
            write_response_head(&mut again, index.version, index.status, reason, borrowed(&fields)).unwrap();
            prop_assert_eq!(lines(&again, &once(&RESPONSES, &again).1), fields);
        }
    }
}
