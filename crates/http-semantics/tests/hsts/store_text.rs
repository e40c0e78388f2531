use std::io::BufReader;

use wirelace_http_semantics::hsts::{HstsStore, LineRule, LinesError, Loaded};

use crate::{NOW, host};

fn full() -> HstsStore {
    let mut store = HstsStore::new(10);
    store.receive(&host("b.test"), b"max-age=100; includeSubDomains", NOW).unwrap();
    store.receive(&host("a.test"), b"max-age=50", NOW).unwrap();
    store
}

#[test]
fn saved_and_loaded() {
    let text = full().save(NOW);
    assert_eq!(
        text,
        "# HSTS: host (with a dot before it: and those below), end in seconds since 1970\n\
         a.test 1764000050\n.b.test 1764000100\n"
    );
    // What is over is not written, and not taken in.
    assert_eq!(full().save(NOW + 50).lines().count(), 2);
    let mut store = HstsStore::new(10);
    let loaded = store.load(&text, NOW + 50);
    assert_eq!(loaded, Loaded { hosts: 1, expired: 1, broken: 0, first_error: None });
    assert!(store.known(&host("www.b.test"), NOW + 50).is_some());
    assert!(store.known(&host("a.test"), NOW + 49).is_none());
}

#[test]
fn through_readers_and_writers() {
    let mut bytes = Vec::new();
    full().write_to(&mut bytes, NOW).unwrap();
    // Whatever the pieces that it is read in.
    for piece in 1..40 {
        let mut store = HstsStore::new(10);
        let loaded = store.read_from(&mut BufReader::with_capacity(piece, &bytes[..]), NOW).unwrap();
        assert_eq!(loaded.hosts, 2);
        assert_eq!(store.save(NOW).as_bytes(), bytes);
    }
}

#[test]
fn broken_lines_are_passed_over() {
    let long = format!("{}.test 1764000050", "a".repeat(600));
    let lines: [(&[u8], LineRule); 11] = [
        (b"1.2.3.4 1764000050", LineRule::Host),
        (b"..a.test 1764000050", LineRule::Host),
        (b". 1764000050", LineRule::Host),
        (b"a.test", LineRule::Time),
        (b"a.test soon", LineRule::Time),
        (b"a.test +5", LineRule::Time),
        (b"a.test -5", LineRule::Time),
        (b"a.test 99999999999999999999", LineRule::Time),
        (b"a.test 1764000050 x", LineRule::Trailing),
        (long.as_bytes(), LineRule::TooLong),
        (b"a.t\xffst 1764000050", LineRule::Text),
    ];
    for (line, rule) in lines {
        let mut text = b"# first\r\n\r\n  \n".to_vec();
        text.extend_from_slice(line);
        text.extend_from_slice(b"\nb.test 1764000050 # good\n");
        text.extend_from_slice(line);
        let expected =
            Loaded { hosts: 1, expired: 0, broken: 2, first_error: Some(LinesError { rule, line: 4 }) };
        let mut store = HstsStore::new(10);
        assert_eq!(store.read_from(&mut &text[..], NOW).unwrap(), expected, "{}", line.escape_ascii());
        assert!(store.known(&host("b.test"), NOW).is_some());
        if let Ok(text) = str::from_utf8(&text) {
            assert_eq!(HstsStore::new(10).load(text, NOW), expected);
        }
    }
    let error = LinesError { rule: LineRule::Time, line: 4 };
    assert_eq!(error.to_string(), "not a time in seconds since 1970 in line 4 of the list of hosts");
}

/// A line without end does not fill the memory, nor does a list without end.
#[test]
fn endless_input() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = (buffer.len() as u64).min(self.0) as usize;
            self.0 -= length as u64;
            buffer[..length].fill(b'a');
            Ok(length)
        }
    }
    let mut store = HstsStore::new(10);
    let loaded = store.read_from(&mut BufReader::new(Endless(10_000_000)), NOW).unwrap();
    assert_eq!((loaded.hosts, loaded.broken), (0, 1));
    let many: String = (0..1000).map(|number| format!("h{number}.test {}\n", NOW + 1 + number)).collect();
    let mut store = HstsStore::new(10);
    store.load(&many, NOW);
    assert_eq!(store.len(), 10);
    assert!(store.known(&host("h999.test"), NOW).is_some());
}

#[test]
fn the_readers_error_is_handed_on() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no disk"))
        }
    }
    let error = HstsStore::new(1).read_from(&mut BufReader::new(Broken), NOW).unwrap_err();
    assert_eq!(error.to_string(), "no disk");
}
