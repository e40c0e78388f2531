//! `/tiles`: a page that loads much at once, to see multiplexing and priorities at work.

use std::fmt::Write;
use std::time::Duration;

use axum::extract::{Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use wirelace::semantics::content_range::ByteRange;

use super::pattern;
use crate::partial::{Piece, Plan};

const PAGE: &str = include_str!("tiles.html");

/// Tiles of the picture: rows of so many.
const COLUMNS: u32 = 20;
const ROWS: u32 = 10;
/// A tile may keep its client waiting so long, in milliseconds.
const LONGEST_DELAY: u64 = 2_000;
/// Bytes of a large answer, at most.
const LARGEST: u64 = 256 << 20;
/// RFC 9218 §5.
const PRIORITY: HeaderName = HeaderName::from_static("priority");

/// The page.
pub(super) fn page() -> Bytes {
    let (columns, tiles) = (COLUMNS.to_string(), (COLUMNS * ROWS).to_string());
    PAGE.replace("COLUMNS", &columns).replace("TILES", &tiles).into()
}

/// A number of the query.
fn number(uri: &Uri, name: &str) -> Option<u64> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(found, _)| *found == name).find_map(|(_, value)| value.parse().ok())
}

/// One tile, after `?delay=` milliseconds: a part of a sunset.
pub(super) async fn tile(Path(tile): Path<String>, uri: Uri) -> Response {
    let Some(tile) = tile.parse::<u32>().ok().filter(|tile| *tile < COLUMNS * ROWS) else {
        return (StatusCode::NOT_FOUND, "no such tile\n").into_response();
    };
    if let Some(delay) = number(&uri, "delay") {
        tokio::time::sleep(Duration::from_millis(delay.min(LONGEST_DELAY))).await;
    }
    let fields = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "no-store")];
    (fields, picture(tile % COLUMNS, tile / COLUMNS)).into_response()
}

/// The part of the picture in that column and row.
fn picture(column: u32, row: u32) -> String {
    const SIZE: u32 = 32;
    let (width, height) = (COLUMNS * SIZE, ROWS * SIZE);
    let mut svg = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='{} {} {SIZE} {SIZE}'>\
         <defs><linearGradient id='s' gradientUnits='userSpaceOnUse' x1='0' y1='0' x2='0' y2='{height}'>\
         <stop offset='0' stop-color='#12324a'/><stop offset='.55' stop-color='#d9764a'/>\
         <stop offset='.7' stop-color='#f4c078'/></linearGradient></defs>\
         <rect width='{width}' height='{height}' fill='url(#s)'/>\
         <circle cx='{}' cy='{}' r='46' fill='#fff1cf'/>",
        column * SIZE,
        row * SIZE,
        width / 2,
        height * 6 / 10,
    );
    for (wave, colour) in ["#0d9488", "#0b7a71", "#085c56"].into_iter().enumerate() {
        let wave = u32::try_from(wave).unwrap_or(0);
        let top = height * 7 / 10 + wave * 26;
        // Writing to a String cannot fail.
        let _ = write!(svg, "<path fill='{colour}' d='M{} {top}", -80 + i64::from(wave) * 27);
        for _ in 0..=COLUMNS / 2 {
            svg.push_str("q20 -16 40 0t40 0");
        }
        let _ = write!(svg, "V{height}H0z'/>");
    }
    svg + "</svg>\n"
}

/// So many bytes, as urgent as `?u=` says: the response's word counts more than the request's (RFC 9218 §8).
pub(super) async fn large(Path(length): Path<String>, request: Request) -> Response {
    let Some(length) = length.parse::<u64>().ok().filter(|length| (1..=LARGEST).contains(length)) else {
        return (StatusCode::BAD_REQUEST, format!("a length is 1 to {LARGEST} bytes\n")).into_response();
    };
    let mut response = pattern::response(Plan {
        status: StatusCode::OK,
        fields: vec![(header::CONTENT_TYPE, "application/octet-stream".to_owned())],
        body: ByteRange::new(0, length - 1).map(Piece::Span).into_iter().collect(),
    });
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(urgency) = number(request.uri(), "u").filter(|urgency| *urgency <= 7) {
        let incremental = if number(request.uri(), "i") == Some(1) { ", i" } else { "" };
        if let Ok(value) = format!("u={urgency}{incremental}").try_into() {
            response.headers_mut().insert(PRIORITY, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_query() {
        let uri: Uri = "/tiles/1?delay=5&x&u=7&u=1".parse().unwrap();
        assert_eq!((number(&uri, "delay"), number(&uri, "u"), number(&uri, "x")), (Some(5), Some(7), None));
        assert_eq!(number(&"/tiles/1".parse().unwrap(), "u"), None);
    }

    #[test]
    fn tiles_differ_in_their_place_alone() {
        let (one, other) = (picture(0, 0), picture(19, 9));
        assert!(one.contains("viewBox='0 0 32 32'") && other.contains("viewBox='608 288 32 32'"));
        assert_eq!(one.split_once("<defs>").unwrap().1, other.split_once("<defs>").unwrap().1);
    }
}
