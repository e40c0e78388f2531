//! The examples of RFC 7541 Appendix C.

mod support;

use support::{NO_LIMITS, Pair, decode, encode, hex, pairs};
use wirelace_hpack::{Decoder, Encoder, HeaderBlock, StaticName};

/// Decodes the blocks one after the other, each to what stands beside it.
fn check(decoder: &mut Decoder, blocks: &[(&str, Vec<Pair>)]) {
    for (block, fields) in blocks {
        assert_eq!(&decode(decoder, &hex(block)).unwrap(), fields);
    }
}

/// What the dynamic table holds, newest first: asked for by index, until there is no more.
fn table(decoder: &mut Decoder) -> Vec<Pair> {
    (62..).map_while(|index: u8| decode(decoder, &[0x80 | index]).ok()).flatten().collect()
}

#[test]
fn c2_representations() {
    let decoder = || Decoder::new(4096);
    let mut indexed = decoder();
    let custom = pairs(&[("custom-key", "custom-header")]);
    check(
        &mut indexed,
        &[("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", custom.clone())],
    );
    assert_eq!(table(&mut indexed), custom);

    let mut without = decoder();
    check(&mut without, &[("040c 2f73 616d 706c 652f 7061 7468", pairs(&[(":path", "/sample/path")]))]);
    assert!(table(&mut without).is_empty());

    let mut never = decoder();
    let block = hex("1008 7061 7373 776f 7264 0673 6563 7265 74");
    let mut out = HeaderBlock::new();
    never.decode(&block, &NO_LIMITS, &mut out).unwrap();
    let field = out.iter().next().unwrap();
    assert_eq!((field.name, field.value, field.sensitive), (&b"password"[..], &b"secret"[..], true));
    assert!(table(&mut never).is_empty());

    decoder().decode(&[0x82], &NO_LIMITS, &mut out).unwrap();
    let field = out.iter().next().unwrap();
    assert_eq!((field.name, field.value, field.sensitive), (&b":method"[..], &b"GET"[..], false));
    assert_eq!((field.static_name, field.static_index), (Some(StaticName::METHOD), 2));
}

fn requests() -> [Vec<Pair>; 3] {
    let common = |scheme, path| {
        vec![(":method", "GET"), (":scheme", scheme), (":path", path), (":authority", "www.example.com")]
    };
    let with = |mut fields: Vec<(&'static str, &'static str)>, more: &[(&'static str, &'static str)]| {
        fields.extend(more);
        pairs(&fields)
    };
    [
        with(common("http", "/"), &[]),
        with(common("http", "/"), &[("cache-control", "no-cache")]),
        with(common("https", "/index.html"), &[("custom-key", "custom-value")]),
    ]
}

fn check_requests(blocks: [&str; 3]) {
    let [first, second, third] = requests();
    let mut decoder = Decoder::new(4096);
    check(&mut decoder, &[(blocks[0], first)]);
    assert_eq!(table(&mut decoder), pairs(&[(":authority", "www.example.com")]));
    check(&mut decoder, &[(blocks[1], second)]);
    assert_eq!(
        table(&mut decoder),
        pairs(&[("cache-control", "no-cache"), (":authority", "www.example.com")])
    );
    check(&mut decoder, &[(blocks[2], third)]);
    assert_eq!(
        table(&mut decoder),
        pairs(&[
            ("custom-key", "custom-value"),
            ("cache-control", "no-cache"),
            (":authority", "www.example.com")
        ])
    );
}

#[test]
fn c3_requests_without_huffman() {
    check_requests([
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ]);
}

const REQUESTS_WITH_HUFFMAN: [&str; 3] = [
    "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
    "8286 84be 5886 a8eb 1064 9cbf",
    "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
];

#[test]
fn c4_requests_with_huffman() {
    check_requests(REQUESTS_WITH_HUFFMAN);
}

/// Our own choices are those of the examples.
#[test]
fn c4_requests_encoded() {
    let mut encoder = Encoder::new(4096);
    for (fields, block) in requests().iter().zip(REQUESTS_WITH_HUFFMAN) {
        assert_eq!(encode(&mut encoder, fields), hex(block));
    }
}

const COOKIE: &str = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

fn check_responses(blocks: [&str; 3]) {
    const FIRST_DATE: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:21 GMT");
    const LAST_DATE: (&str, &str) = ("date", "Mon, 21 Oct 2013 20:13:22 GMT");
    const LOCATION: (&str, &str) = ("location", "https://www.example.com");
    const PRIVATE: (&str, &str) = ("cache-control", "private");
    let mut decoder = Decoder::new(256);
    check(&mut decoder, &[(blocks[0], pairs(&[(":status", "302"), PRIVATE, FIRST_DATE, LOCATION]))]);
    assert_eq!(table(&mut decoder), pairs(&[LOCATION, FIRST_DATE, PRIVATE, (":status", "302")]));
    check(&mut decoder, &[(blocks[1], pairs(&[(":status", "307"), PRIVATE, FIRST_DATE, LOCATION]))]);
    assert_eq!(table(&mut decoder), pairs(&[(":status", "307"), LOCATION, FIRST_DATE, PRIVATE]));
    let third = [
        (":status", "200"),
        PRIVATE,
        LAST_DATE,
        LOCATION,
        ("content-encoding", "gzip"),
        ("set-cookie", COOKIE),
    ];
    check(&mut decoder, &[(blocks[2], pairs(&third))]);
    assert_eq!(
        table(&mut decoder),
        pairs(&[("set-cookie", COOKIE), ("content-encoding", "gzip"), LAST_DATE])
    );
}

#[test]
fn c5_responses_without_huffman() {
    check_responses([
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 \
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 \
         7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 \
         6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ]);
}

#[test]
fn c6_responses_with_huffman() {
    check_responses([
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad \
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 \
         e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ]);
}
