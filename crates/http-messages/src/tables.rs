//! Well-known names: HPACK's numbers and those of `http-semantics`.

use std::sync::LazyLock;

use wirelace_hpack::StaticName;
use wirelace_http_semantics::FieldId;

/// `http-semantics`' number for each entry of HPACK's static table.
static FIELD_IDS: [FieldId; 62] = [
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::OTHER,
    FieldId::ACCEPT_CHARSET,
    FieldId::ACCEPT_ENCODING,
    FieldId::ACCEPT_LANGUAGE,
    FieldId::ACCEPT_RANGES,
    FieldId::ACCEPT,
    FieldId::ACCESS_CONTROL_ALLOW_ORIGIN,
    FieldId::AGE,
    FieldId::ALLOW,
    FieldId::AUTHORIZATION,
    FieldId::CACHE_CONTROL,
    FieldId::CONTENT_DISPOSITION,
    FieldId::CONTENT_ENCODING,
    FieldId::CONTENT_LANGUAGE,
    FieldId::CONTENT_LENGTH,
    FieldId::CONTENT_LOCATION,
    FieldId::CONTENT_RANGE,
    FieldId::CONTENT_TYPE,
    FieldId::COOKIE,
    FieldId::DATE,
    FieldId::ETAG,
    FieldId::EXPECT,
    FieldId::EXPIRES,
    FieldId::FROM,
    FieldId::HOST,
    FieldId::IF_MATCH,
    FieldId::IF_MODIFIED_SINCE,
    FieldId::IF_NONE_MATCH,
    FieldId::IF_RANGE,
    FieldId::IF_UNMODIFIED_SINCE,
    FieldId::LAST_MODIFIED,
    FieldId::LINK,
    FieldId::LOCATION,
    FieldId::MAX_FORWARDS,
    FieldId::PROXY_AUTHENTICATE,
    FieldId::PROXY_AUTHORIZATION,
    FieldId::RANGE,
    FieldId::REFERER,
    FieldId::REFRESH,
    FieldId::RETRY_AFTER,
    FieldId::SERVER,
    FieldId::SET_COOKIE,
    FieldId::STRICT_TRANSPORT_SECURITY,
    FieldId::TRANSFER_ENCODING,
    FieldId::USER_AGENT,
    FieldId::VARY,
    FieldId::VIA,
    FieldId::WWW_AUTHENTICATE,
];

static STATIC_NAMES: LazyLock<[Option<StaticName>; 256]> = LazyLock::new(|| {
    let mut names = [None; 256];
    for id in FIELD_IDS.iter().filter(|id| id.is_known()) {
        if let Some(name) = names.get_mut(usize::from(id.number())) {
            *name = StaticName::of(id.name().as_bytes());
        }
    }
    names
});

/// The number of a name of the static table.
#[inline]
pub(super) fn field_id(name: StaticName) -> FieldId {
    FIELD_IDS.get(usize::from(name.index())).copied().unwrap_or(FieldId::OTHER)
}

/// The name of the static table for a number.
#[inline]
pub(super) fn static_name(id: FieldId) -> Option<StaticName> {
    STATIC_NAMES.get(usize::from(id.number())).copied().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numberings_name_the_same() {
        for index in 1..=wirelace_hpack::static_table::LEN {
            let (name, _) = wirelace_hpack::static_table::get(index).unwrap();
            let found = StaticName::of(name).unwrap();
            if name.starts_with(b":") {
                assert_eq!(field_id(found), FieldId::OTHER);
                continue;
            }
            assert_eq!(field_id(found).name().as_bytes(), name);
            assert_eq!(static_name(FieldId::of(name)), Some(found));
        }
        assert_eq!(static_name(FieldId::OTHER), None);
        assert_eq!(static_name(FieldId::PRIORITY), None);
    }
}
