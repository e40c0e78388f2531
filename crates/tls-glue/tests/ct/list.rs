//! Log lists: what is read, and what is wrong with those that are not.

use serde_json::{Value, json};
use wirelace_tls_glue::ct::{FieldRule, KeyKind, LogList, LogListError, LogState, MAX_LOG_LIST};

use crate::world::{DAY, LISTED, START, TestLog, list, list_json, log_id, log_json, text};

fn key(index: usize) -> Vec<u8> {
    TestLog::shared(index).public_key()
}

/// Two operators, three logs, one of them tiled.
fn good() -> Value {
    let mut first = log_json(&key(0), "usable", START);
    first["temporal_interval"] = json!({
        "start_inclusive": text(START),
        "end_exclusive": text(START + 100 * DAY),
    });
    first["previous_operators"] = json!([{ "name": "Before", "end_time": text(START + DAY) }]);
    let second = log_json(&key(1), "readonly", START + 1);
    let mut tiled = log_json(&key(2), "retired", START + 2);
    tiled.as_object_mut().unwrap().remove("url");
    tiled["submission_url"] = json!("https://write.example/");
    tiled["monitoring_url"] = json!("https://read.example/");
    let mut json = list_json(LISTED, &[("A", vec![first, second]), ("B", Vec::new())]);
    json["operators"][1]["tiled_logs"] = json!([tiled]);
    json
}

#[test]
fn everything_is_read() {
    let list = list(&good());
    assert_eq!((list.timestamp(), list.version()), (LISTED, Some("1.2")));
    let [first, second, tiled] = list.logs() else { panic!("{list:?}") };
    assert_eq!(first.id(), log_id(&key(0)));
    assert_eq!(
        (first.description(), first.operator(), first.url()),
        ("a log", "A", Some("https://log.example/"))
    );
    assert_eq!(first.state(), LogState::Usable(START));
    assert_eq!(first.interval(), Some((START, START + 100 * DAY)));
    assert_eq!(first.key_kind(), KeyKind::EcdsaP256);
    assert_eq!(first.operator_at(START), "Before");
    assert_eq!(first.operator_at(START + DAY), "A");
    assert_eq!((second.state(), second.interval()), (LogState::ReadOnly(START + 1), None));
    assert!(second.previous_operators().is_empty() && !second.is_tiled());
    assert_eq!((tiled.operator(), tiled.is_tiled()), ("B", true));
    assert_eq!((tiled.url(), tiled.state()), (Some("https://write.example/"), LogState::Retired(START + 2)));
    assert_eq!(list.get(&log_id(&key(2))).map(|log| log.operator()), Some("B"));
    assert!(list.get(&log_id(&key(3))).is_none());
}

#[test]
fn what_is_not_known_is_passed_over() {
    let mut json = good();
    json["new"] = json!({ "deep": [1, null] });
    let logs = &mut json["operators"][0]["logs"];
    logs[0]["new"] = json!(1);
    logs[0]["state"] = json!({ "excellent": { "timestamp": "tomorrow" } });
    logs[0]["mmd"] = json!("soon");
    logs[1].as_object_mut().unwrap().remove("state");
    logs[1]["description"] = Value::Null;
    logs[1]["temporal_interval"] = Value::Null;
    json.as_object_mut().unwrap().remove("version");
    let list = list(&json);
    assert_eq!(list.version(), None);
    assert_eq!(list.logs()[0].state(), LogState::Unknown);
    assert_eq!(list.logs()[1].state(), LogState::Unknown);
    assert_eq!(list.logs()[1].description(), "https://log.example/");
    assert!(!LogState::Unknown.is_current(u64::MAX));
}

#[test]
fn errors_name_the_field() {
    use FieldRule as R;
    /// Where, what stands there instead (nothing: it is taken out), the field, and the rule.
    type Case = (&'static str, Option<Value>, &'static str, R);
    let other = json!(base64_of(&key(5)));
    let cases: Vec<Case> = vec![
        ("/log_list_timestamp", None, "log_list_timestamp", R::Missing),
        ("/log_list_timestamp", Some(json!("yesterday")), "log_list_timestamp", R::Time),
        ("/log_list_timestamp", Some(json!(5)), "log_list_timestamp", R::Kind("a text")),
        ("/version", Some(json!(3)), "version", R::Kind("a text")),
        ("/operators", None, "operators", R::Missing),
        ("/operators", Some(json!({})), "operators", R::Kind("a list")),
        ("/operators/1", Some(json!("B")), "operators[1]", R::Kind("an object")),
        ("/operators/0/name", None, "operators[0].name", R::Missing),
        ("/operators/0/logs", Some(json!(1)), "operators[0].logs", R::Kind("a list")),
        ("/operators/1/tiled_logs/0", Some(json!([])), "operators[1].tiled_logs[0]", R::Kind("an object")),
        ("/operators/0/logs/1/key", None, "operators[0].logs[1].key", R::Missing),
        ("/operators/0/logs/1/key", Some(json!("a b")), "operators[0].logs[1].key", R::Base64),
        ("/operators/0/logs/1/log_id", None, "operators[0].logs[1].log_id", R::Missing),
        ("/operators/0/logs/1/log_id", Some(json!("=")), "operators[0].logs[1].log_id", R::Base64),
        (
            "/operators/0/logs/1/log_id",
            Some(json!("AAAA")),
            "operators[0].logs[1].log_id",
            R::LogId(log_id(&key(1))),
        ),
        ("/operators/0/logs/1/key", Some(other), "operators[0].logs[1].log_id", R::LogId(log_id(&key(5)))),
        ("/operators/0/logs/0/url", Some(json!(1)), "operators[0].logs[0].url", R::Kind("a text")),
        (
            "/operators/0/logs/0/state",
            Some(json!("usable")),
            "operators[0].logs[0].state",
            R::Kind("an object"),
        ),
        (
            "/operators/0/logs/0/state/usable",
            Some(json!(1)),
            "operators[0].logs[0].state.usable",
            R::Kind("an object"),
        ),
        (
            "/operators/0/logs/0/state/usable",
            Some(Value::Null),
            "operators[0].logs[0].state.usable",
            R::Missing,
        ),
        (
            "/operators/0/logs/0/state/usable/timestamp",
            None,
            "operators[0].logs[0].state.usable.timestamp",
            R::Missing,
        ),
        (
            "/operators/0/logs/0/temporal_interval/end_exclusive",
            None,
            "operators[0].logs[0].temporal_interval.end_exclusive",
            R::Missing,
        ),
        (
            "/operators/0/logs/0/temporal_interval/end_exclusive",
            Some(json!(text(START))),
            "operators[0].logs[0].temporal_interval",
            R::Interval,
        ),
        (
            "/operators/0/logs/0/previous_operators/0/end_time",
            Some(json!("2026-02-30T00:00:00Z")),
            "operators[0].logs[0].previous_operators[0].end_time",
            R::Time,
        ),
        (
            "/operators/0/logs/0/previous_operators/0/name",
            None,
            "operators[0].logs[0].previous_operators[0].name",
            R::Missing,
        ),
    ];
    for (place, value, field, rule) in cases {
        let mut json = good();
        match value {
            Some(value) => *json.pointer_mut(place).unwrap() = value,
            None => {
                let (parent, name) = place.rsplit_once('/').unwrap();
                json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
            }
        }
        let error = LogList::from_json(json.to_string().as_bytes()).unwrap_err();
        assert_eq!(error, LogListError::Field { field: field.to_owned(), rule }, "{place}");
        assert!(error.to_string().starts_with(&format!("the log list's {field} ")), "{error}");
    }
}

fn base64_of(data: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(data)
}

#[test]
fn a_log_is_there_once_and_has_one_state() {
    let mut json = good();
    json["operators"][0]["logs"][1] = json["operators"][1]["tiled_logs"][0].clone();
    let error = LogList::from_json(json.to_string().as_bytes()).unwrap_err();
    let field = "operators[1].tiled_logs[0].log_id".to_owned();
    assert_eq!(error, LogListError::Field { field, rule: FieldRule::Duplicate });
    let mut json = good();
    json["operators"][0]["logs"][0]["state"]["retired"] = json!({ "timestamp": text(START) });
    let error = LogList::from_json(json.to_string().as_bytes()).unwrap_err();
    let field = "operators[0].logs[0].state".to_owned();
    assert_eq!(error, LogListError::Field { field, rule: FieldRule::States });
}

#[test]
fn a_key_that_is_none_is_refused_and_one_that_is_strange_is_kept() {
    let log = |key: &[u8]| list_json(LISTED, &[("A", vec![log_json(key, "usable", START)])]).to_string();
    let error = LogList::from_json(log(b"PEM?").as_bytes()).unwrap_err();
    let text = "the log list's operators[0].logs[0].key is not a public key: \
                a value with tag 0x50, expected 0x30 (at octet 0)";
    assert_eq!(error.to_string(), text);
    let mut cut = key(0);
    cut.pop();
    assert!(LogList::from_json(log(&cut).as_bytes()).is_err());
    // Compressed, and so not of the length that a point has.
    let mut compressed = key(0);
    compressed.truncate(26 + 33);
    (compressed[1], compressed[24], compressed[26]) = (57, 34, 2);
    let list = LogList::from_json(log(&compressed).as_bytes()).unwrap();
    assert_eq!(list.logs()[0].key_kind(), KeyKind::Unsupported);
}

#[test]
fn what_is_not_json_or_too_long_is_refused() {
    for text in [&b""[..], b"<html>", b"{", b"\xff", b"{} {}"] {
        assert!(matches!(LogList::from_json(text), Err(LogListError::Json { .. })), "{text:?}");
    }
    assert!(matches!(LogList::from_json(b"[]"), Err(LogListError::Json { .. })));
    // Nesting ends before the stack does.
    assert!(matches!(LogList::from_json(&vec![b'['; 1 << 20]), Err(LogListError::Json { .. })));
    let mut most = good().to_string().into_bytes();
    most.resize(MAX_LOG_LIST, b' ');
    assert!(LogList::from_json(&most).is_ok());
    most.push(b' ');
    let error = LogListError::TooLong { length: MAX_LOG_LIST + 1, limit: MAX_LOG_LIST };
    assert_eq!(LogList::from_json(&most).unwrap_err(), error);
}
