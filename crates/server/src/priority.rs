//! What a `priority` field says (RFC 9218 §5).

use wirelace_http_semantics::structured::Dictionary;
use wirelace_http_semantics::{FieldId, Fields, Priority};

/// The priority with what the field says; what it leaves out stays (RFC 9218 §8). `None`: there is no such field, or
/// it cannot be read.
pub(crate) fn with_field(known: Priority, fields: &Fields) -> Option<Priority> {
    fields.get(FieldId::PRIORITY)?;
    let said = Dictionary::parse_lines(fields.get_all(FieldId::PRIORITY)).ok()?;
    // Values out of range, or of another type, count as not there (RFC 9218 §4).
    let urgency = said.get("u").and_then(|member| member.as_integer());
    let urgency = urgency.and_then(|urgency| u8::try_from(urgency).ok()).filter(|urgency| *urgency <= 7);
    let incremental = said.get("i").and_then(|member| member.as_boolean());
    Some(Priority::new(urgency.unwrap_or(known.urgency()), incremental.unwrap_or(known.is_incremental())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let known = Priority::new(5, true);
        let after = |value: &str| {
            let mut fields = Fields::new();
            fields.push(FieldId::PRIORITY, value).unwrap();
            with_field(known, &fields)
        };
        assert_eq!(with_field(known, &Fields::new()), None);
        for (value, urgency, incremental) in [
            ("u=0", 0, true),
            ("i=?0", 5, false),
            ("u=7, i", 7, true),
            ("u=8", 5, true),
            ("u=-1", 5, true),
            ("u=1.0, i=1, other", 5, true),
            ("", 5, true),
        ] {
            assert_eq!(after(value), Some(Priority::new(urgency, incremental)), "{value}");
        }
        assert_eq!(after("u=1, ="), None);
    }
}
