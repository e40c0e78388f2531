//! PROXY headers.

use wirelace_server::proxy_protocol::{
    MAX_TLVS, MAX_V1, MAX_V2, ProxyAddress, ProxyTlv, ProxyTransport, decode,
};

/// What is read stays within its limits, and does not depend on what follows or on how it comes.
pub fn header(data: &[u8]) {
    let whole = decode(data);
    match &whole {
        Ok(None) => assert!(data.len() < 16 + MAX_V2),
        Ok(Some((header, length))) => {
            assert!(*length <= data.len() && *length <= MAX_V1.max(16 + MAX_V2));
            assert_eq!(decode(&data[..*length]), whole);
            assert_eq!(decode(&data[..length - 1]), Ok(None));
            assert!(header.tlvs.len() <= MAX_TLVS);
            let octets: usize = header.tlvs.iter().map(|tlv| 3 + tlv.value.len()).sum();
            assert!(octets < *length);
            if header.local {
                assert_eq!(
                    (&header.source, header.transport),
                    (&ProxyAddress::Unknown, ProxyTransport::Unknown)
                );
            }
            if let Some(sum) = header.tlv(ProxyTlv::CRC32C) {
                assert_eq!(sum.len(), 4);
            }
            version_1(&data[..*length], &header.source, &header.destination);
        }
        Err(error) => assert!(error.offset <= data.len()),
    }
    // The error of a beginning is that of the whole; what is incomplete is not wrong.
    let step = data.len().div_ceil(32).max(1);
    for end in (0..data.len()).step_by(step) {
        match decode(&data[..end]) {
            Ok(None) => {}
            done => assert_eq!(done, whole),
        }
    }
}

/// What version 1 says, in its shortest form, is the same.
fn version_1(octets: &[u8], source: &ProxyAddress, destination: &ProxyAddress) {
    if let (Some(b'P'), ProxyAddress::Ip(from), ProxyAddress::Ip(to)) = (octets.first(), source, destination)
    {
        let family = if from.is_ipv4() { 4 } else { 6 };
        let (from_ip, to_ip) = (from.ip(), to.ip());
        let line = format!("PROXY TCP{family} {from_ip} {to_ip} {} {}\r\n", from.port(), to.port());
        let (again, _) = decode(line.as_bytes()).expect("well-formed").expect("complete");
        assert_eq!((&again.source, &again.destination), (source, destination));
    }
}
