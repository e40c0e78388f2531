//! nghttp2's HPACK, through the library of the system.

use std::ffi::{c_int, c_uint, c_void};
use std::hint::black_box;
use std::ptr::null_mut;

use crate::stories::Block;

/// `nghttp2_nv`.
#[repr(C)]
struct Pair {
    name: *const u8,
    value: *const u8,
    name_len: usize,
    value_len: usize,
    flags: u8,
}

const INFLATE_FINAL: c_int = 1;
const INFLATE_EMIT: c_int = 2;

#[link(name = "nghttp2")]
unsafe extern "C" {
    fn nghttp2_hd_deflate_new(deflater: *mut *mut c_void, max_table_size: usize) -> c_int;
    fn nghttp2_hd_deflate_del(deflater: *mut c_void);
    fn nghttp2_hd_deflate_bound(deflater: *mut c_void, pairs: *const Pair, count: usize) -> usize;
    fn nghttp2_hd_deflate_hd(
        deflater: *mut c_void,
        out: *mut u8,
        out_len: usize,
        pairs: *const Pair,
        count: usize,
    ) -> isize;
    fn nghttp2_hd_inflate_new(inflater: *mut *mut c_void) -> c_int;
    fn nghttp2_hd_inflate_del(inflater: *mut c_void);
    fn nghttp2_hd_inflate_hd2(
        inflater: *mut c_void,
        pair: *mut Pair,
        flags: *mut c_int,
        input: *const u8,
        input_len: usize,
        is_final: c_int,
    ) -> isize;
    fn nghttp2_hd_inflate_end_headers(inflater: *mut c_void) -> c_int;
}

/// Decodes a story; returns the octets of all names and values.
pub fn decode(story: &[Block]) -> usize {
    let mut sum = 0;
    // SAFETY: the inflater is made and freed here, and every pointer is to memory of the length beside it.
    unsafe {
        let mut inflater = null_mut();
        assert_eq!(nghttp2_hd_inflate_new(&mut inflater), 0);
        for block in story {
            let mut input = block.wire.as_slice();
            loop {
                let mut pair =
                    Pair { name: null_mut(), value: null_mut(), name_len: 0, value_len: 0, flags: 0 };
                let mut flags = 0;
                let taken =
                    nghttp2_hd_inflate_hd2(inflater, &mut pair, &mut flags, input.as_ptr(), input.len(), 1);
                input = &input[usize::try_from(taken).expect("a correct block")..];
                if flags & INFLATE_EMIT != 0 {
                    black_box((pair.name, pair.value));
                    sum += pair.name_len + pair.value_len;
                }
                if flags & INFLATE_FINAL != 0 {
                    nghttp2_hd_inflate_end_headers(inflater);
                    break;
                }
            }
        }
        nghttp2_hd_inflate_del(inflater);
    }
    sum
}

/// Encodes a story; returns the octets of all blocks. Names and values are not copied before.
pub fn encode(story: &[Block]) -> usize {
    // NO_COPY_NAME and NO_COPY_VALUE matter to sessions only; here nothing is copied either.
    let mut sum = 0;
    let (mut pairs, mut out) = (Vec::new(), Vec::new());
    // SAFETY: as above; the pairs point into the block, which outlives them.
    unsafe {
        let mut deflater = null_mut();
        assert_eq!(nghttp2_hd_deflate_new(&mut deflater, 4096), 0);
        for block in story {
            pairs.clear();
            pairs.extend(block.fields.iter().map(|(name, value)| Pair {
                name: name.as_ptr(),
                value: value.as_ptr(),
                name_len: name.len(),
                value_len: value.len(),
                flags: 0,
            }));
            let bound = nghttp2_hd_deflate_bound(deflater, pairs.as_ptr(), pairs.len());
            if out.len() < bound {
                out.resize(bound, 0);
            }
            let written =
                nghttp2_hd_deflate_hd(deflater, out.as_mut_ptr(), out.len(), pairs.as_ptr(), pairs.len());
            sum += usize::try_from(written).expect("room for all");
            black_box(&out);
        }
        nghttp2_hd_deflate_del(deflater);
    }
    sum
}

/// The version of the library.
pub fn version() -> String {
    #[repr(C)]
    struct Info {
        age: c_int,
        number: c_int,
        text: *const std::ffi::c_char,
    }
    #[link(name = "nghttp2")]
    unsafe extern "C" {
        fn nghttp2_version(least: c_uint) -> *const Info;
    }
    // SAFETY: the library gives a static structure with a static text in it.
    unsafe { std::ffi::CStr::from_ptr((*nghttp2_version(0)).text).to_string_lossy().into_owned() }
}
