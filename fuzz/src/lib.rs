//! Bodies of the fuzz targets, as plain functions: a fuzzer calls them, and so does the test that
//! replays the corpora.
//!
//! A target panics when a rule is broken; it never reports in another way.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod certificate;
pub mod datagram;
pub mod frame;
pub mod hpack;
pub mod hsts;
pub mod http1_chunked;
pub mod http1_connection;
pub mod http1_encode;
pub mod http1_head;
pub mod http2;
pub mod input;
pub mod proxy;
pub mod qpack;
pub mod quic;
pub mod quic_connection;
pub mod quic_wire;
pub mod semantics;
pub mod spec;
pub mod tls;
pub mod transparency;
pub mod wire;

/// A target: what it is called, and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets; the names are those of `fuzz_targets/` and of the folders in `corpus/`.
pub const TARGETS: &[Target] = &[
    ("frame_acceptor", frame::acceptor),
    ("frame_base", frame::base),
    ("frame_datagram_client", datagram::client),
    ("frame_datagram_server", datagram::server),
    ("frame_extended", frame::extended),
    ("frame_initiator", frame::initiator),
    ("frame_spec", spec::spec),
    ("hpack_decode", hpack::decode),
    ("hpack_round_trip", hpack::round_trip),
    ("http1_chunked", http1_chunked::decode),
    ("http1_client", http1_connection::client),
    ("http1_differential", http1_head::differential),
    ("http1_head", http1_head::resumed),
    ("http1_encode", http1_encode::messages),
    ("http1_server", http1_connection::server),
    ("http2_client", http2::client),
    ("http2_frames", http2::frames),
    ("http2_server", http2::server),
    ("qpack_decode", qpack::decode),
    ("qpack_round_trip", qpack::round_trip),
    ("quic_connection", quic_connection::connection),
    ("quic_frames", quic_wire::frames),
    ("quic_packet", quic_wire::packet),
    ("quic_transport_parameters", quic_wire::transport_parameters),
    ("semantics_hsts", hsts::values),
    ("semantics_structured", semantics::structured),
    ("semantics_values", semantics::values),
    ("server_proxy_header", proxy::header),
    ("tls_certificate", certificate::report),
    ("tls_files", certificate::files),
    ("tls_log_list", transparency::log_list),
    ("tls_quic_token", quic::token),
    ("tls_scts", transparency::scts),
    ("tls_session", tls::session),
    ("wire_numbers", wire::numbers),
    ("wire_scan", wire::scan),
];
