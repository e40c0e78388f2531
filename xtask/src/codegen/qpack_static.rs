//! The static table of RFC 9204 Appendix A, how its names and HPACK's meet, and a hash over those that HPACK lacks.

use super::hpack_static::{ENTRIES as HPACK, rows};
use std::fmt::Write;

#[rustfmt::skip]
const ENTRIES: [(&str, &str); 99] = [
    (":authority", ""), (":path", "/"), ("age", "0"), ("content-disposition", ""), ("content-length", "0"),
    ("cookie", ""), ("date", ""), ("etag", ""), ("if-modified-since", ""), ("if-none-match", ""),
    ("last-modified", ""), ("link", ""), ("location", ""), ("referer", ""), ("set-cookie", ""),
    (":method", "CONNECT"), (":method", "DELETE"), (":method", "GET"), (":method", "HEAD"), (":method", "OPTIONS"),
    (":method", "POST"), (":method", "PUT"), (":scheme", "http"), (":scheme", "https"), (":status", "103"),
    (":status", "200"), (":status", "304"), (":status", "404"), (":status", "503"), ("accept", "*/*"),
    ("accept", "application/dns-message"), ("accept-encoding", "gzip, deflate, br"), ("accept-ranges", "bytes"),
    ("access-control-allow-headers", "cache-control"), ("access-control-allow-headers", "content-type"),
    ("access-control-allow-origin", "*"), ("cache-control", "max-age=0"), ("cache-control", "max-age=2592000"),
    ("cache-control", "max-age=604800"), ("cache-control", "no-cache"), ("cache-control", "no-store"),
    ("cache-control", "public, max-age=31536000"), ("content-encoding", "br"), ("content-encoding", "gzip"),
    ("content-type", "application/dns-message"), ("content-type", "application/javascript"),
    ("content-type", "application/json"), ("content-type", "application/x-www-form-urlencoded"),
    ("content-type", "image/gif"), ("content-type", "image/jpeg"), ("content-type", "image/png"),
    ("content-type", "text/css"), ("content-type", "text/html; charset=utf-8"), ("content-type", "text/plain"),
    ("content-type", "text/plain;charset=utf-8"), ("range", "bytes=0-"),
    ("strict-transport-security", "max-age=31536000"),
    ("strict-transport-security", "max-age=31536000; includesubdomains"),
    ("strict-transport-security", "max-age=31536000; includesubdomains; preload"), ("vary", "accept-encoding"),
    ("vary", "origin"), ("x-content-type-options", "nosniff"), ("x-xss-protection", "1; mode=block"),
    (":status", "100"), (":status", "204"), (":status", "206"), (":status", "302"), (":status", "400"),
    (":status", "403"), (":status", "421"), (":status", "425"), (":status", "500"), ("accept-language", ""),
    ("access-control-allow-credentials", "FALSE"), ("access-control-allow-credentials", "TRUE"),
    ("access-control-allow-headers", "*"), ("access-control-allow-methods", "get"),
    ("access-control-allow-methods", "get, post, options"), ("access-control-allow-methods", "options"),
    ("access-control-expose-headers", "content-length"), ("access-control-request-headers", "content-type"),
    ("access-control-request-method", "get"), ("access-control-request-method", "post"), ("alt-svc", "clear"),
    ("authorization", ""), ("content-security-policy", "script-src 'none'; object-src 'none'; base-uri 'none'"),
    ("early-data", "1"), ("expect-ct", ""), ("forwarded", ""), ("if-range", ""), ("origin", ""),
    ("purpose", "prefetch"), ("server", ""), ("timing-allow-origin", "*"), ("upgrade-insecure-requests", "1"),
    ("user-agent", ""), ("x-forwarded-for", ""), ("x-frame-options", "deny"), ("x-frame-options", "sameorigin"),
];

/// No entry.
const NONE: usize = 255;

/// HPACK's entries, and none to fill up six bits.
const HPACK_ROWS: usize = 64;

/// The hash has so many bits.
const SLOT_BITS: u32 = 6;

/// Index in HPACK's table of the first entry with that name; 0: none.
fn hpack(name: &str) -> usize {
    HPACK.iter().position(|entry| entry.0 == name).map_or(0, |at| at + 1)
}

/// The first entry with that name.
fn first(name: &str) -> usize {
    ENTRIES.iter().position(|entry| entry.0 == name).unwrap_or(NONE)
}

/// The next entry with the name of entry `index`.
fn next(index: usize) -> usize {
    let rest = ENTRIES.iter().enumerate().skip(index + 1);
    rest.filter(|(_, entry)| entry.0 == ENTRIES[index].0).map(|(at, _)| at).next().unwrap_or(NONE)
}

/// As `static_table::name` does: length and the last two octets tell the names apart that HPACK lacks.
fn slot(name: &str, factor: u32) -> usize {
    let bytes = name.as_bytes();
    let key = (bytes.len() as u32) << 16
        | u32::from(bytes[bytes.len() - 2]) << 8
        | u32::from(bytes[bytes.len() - 1]);
    (key.wrapping_mul(factor) >> (32 - SLOT_BITS)) as usize
}

/// A factor that puts each of those names in a slot of its own, and the slots.
fn slots() -> (u32, Vec<usize>) {
    let mut factor = 0x9e37_79b1u32;
    loop {
        let mut slots = vec![NONE; 1 << SLOT_BITS];
        let lacking = ENTRIES.iter().filter(|entry| hpack(entry.0) == 0);
        let free = lacking.into_iter().all(|(name, _)| {
            let cell = &mut slots[slot(name, factor)];
            let taken = *cell != NONE && *cell != first(name);
            *cell = first(name);
            !taken
        });
        if free {
            return (factor, slots);
        }
        factor = factor.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f) | 1;
    }
}

/// The text of `crates/qpack/src/tables_static.rs`.
pub(super) fn tables() -> String {
    let mut text = String::from(
        "//! The static table of RFC 9204 Appendix A. Generated by `cargo xtask codegen`; do not edit.\n\n\
         /// Name and value of the entry with that index.\n\
         #[rustfmt::skip]\n",
    );
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "pub(crate) static ENTRIES: [(&[u8], &[u8]); {}] = [", ENTRIES.len());
    for (name, value) in ENTRIES {
        let _ = writeln!(text, "    (b\"{name}\", b\"{value}\"),");
    }
    text.push_str("];\n");
    let mut table = |docs: &str, name: &str, cells: Vec<usize>| {
        let _ = writeln!(
            text,
            "\n/// {docs}\n#[rustfmt::skip]\npub(crate) static {name}: [u8; {}] = [",
            cells.len()
        );
        rows(&mut text, &cells);
        text.push_str("];\n");
    };
    table(
        "Index in HPACK's static table of the first entry with the same name; 0: none.",
        "HPACK_NAMES",
        ENTRIES.iter().map(|entry| hpack(entry.0)).collect(),
    );
    table("The next entry with the same name; 255: none.", "NEXT", (0..ENTRIES.len()).map(next).collect());
    let of_hpack = (0..HPACK_ROWS).map(|at| at.checked_sub(1).and_then(|at| HPACK.get(at)));
    table(
        "The first entry with the name of that entry of HPACK's static table; 255: none.",
        "OF_HPACK",
        of_hpack.map(|entry| entry.map_or(NONE, |entry| first(entry.0))).collect(),
    );
    let (factor, slots) = slots();
    table("The first entry with the name of that slot; 255: none.", "NAME_SLOTS", slots);
    let _ = writeln!(
        text,
        "\n/// `(length << 16 | last octets) * factor` keeps the names that HPACK lacks apart in its highest bits.\n\
         pub(crate) const NAME_FACTOR: u32 = 0x{factor:08x};\n\n\
         /// How far such a product is shifted down to index [`NAME_SLOTS`].\n\
         pub(crate) const NAME_SHIFT: u32 = {};",
        32 - SLOT_BITS,
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_those_of_the_rfc() {
        assert_eq!(ENTRIES[17], (":method", "GET"));
        assert_eq!(ENTRIES[31], ("accept-encoding", "gzip, deflate, br"));
        assert_eq!(ENTRIES[62], ("x-xss-protection", "1; mode=block"));
        assert_eq!(ENTRIES[63], (":status", "100"));
        assert_eq!(ENTRIES[98], ("x-frame-options", "sameorigin"));
        let mut names: Vec<&str> = ENTRIES.iter().map(|entry| entry.0).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 52);
    }

    #[test]
    fn entries_of_a_name_are_chained() {
        assert_eq!((next(24), next(28), next(71)), (25, 63, NONE));
        assert_eq!((first(":status"), first("host")), (24, NONE));
    }

    #[test]
    fn names_that_hpack_lacks_have_their_slots() {
        let (factor, slots) = slots();
        for (name, _) in ENTRIES.iter().filter(|entry| hpack(entry.0) == 0) {
            assert_eq!(slots[slot(name, factor)], first(name));
        }
    }
}
