//! Members that fight with ours or with each other, and input that is not what it seems.

use super::*;

#[test]
fn members_named_as_ours_stay_the_application_s() {
    let claims = r#"{"app":"x","component":1,"namespace":{},"pod":[],"container":null,"stream":{"a":1},"host":"h","@timestamp":{"a":1},"kubernetes":"k","fields":{"a":1},"time":"t","_p":"P","logtag":"F","derived_from":"d","truncated":"x","execution_id":"e","_id":"i","msg":"m"}"#;
    let mut fields: Json = serde_json::from_str(claims).unwrap();
    fields.as_object_mut().unwrap().remove("msg");
    expect(&task(), claims, of_task(), json!({"message": "m", "fields": fields}));
}

#[test]
fn levels_that_are_none() {
    for level in [r#"{}"#, r#"["error"]"#, "null", "true", r#""audit""#, "7", r#"" ""#] {
        let value: Json = serde_json::from_str(level).unwrap();
        let text = format!(r#"{{"level":{level},"msg":"m"}}"#);
        expect(&task(), &text, of_task(), json!({"message": "m", "fields": {"level": value}}));
    }
}

#[test]
fn the_last_of_equal_keys_wins() {
    expect(
        &task(),
        r#"{"msg":"first","level":"info","a":{"b":1,"b":2},"lev\u0065l":"error","m\u0073g":"m"}"#,
        of_task(),
        json!({"message": "m", "level": "ERROR", "fields": {"a": {"b": 2}}}),
    );
    // Two parsers, one after the other.
    let mut members = line("x");
    for (key, value) in [("level", "info"), ("n", "1"), ("msg", "first"), ("level", "warn"), ("n", "2"), ("msg", "m")] {
        members.push(Member::text(key.as_bytes(), value.as_bytes(), Origin::Application));
    }
    let document = document_of(&task(), members);
    assert_eq!((&document["message"], &document["level"]), (&json!("m"), &json!("WARN")));
    assert_eq!(document["fields"], json!({"n": "2"}));
}

#[test]
fn nesting_is_bounded() {
    let text = format!(r#"{{"msg":"m","deep":{}1{}}}"#, r#"{"a":"#.repeat(50), "}".repeat(50));
    let document = document_of(&task(), line(&text));
    let mut value = &document["fields"]["deep"];
    let mut levels = 2;
    while let Some(inner) = value.get("a") {
        (value, levels) = (inner, levels + 1);
    }
    assert!(value.is_string() && levels == 17, "{levels}");
    let too_deep = format!(r#"{{"msg":"m","deep":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    expect(&task(), &too_deep, of_task(), json!({"message": too_deep}));
}

#[test]
fn broken_json_is_text() {
    for text in [
        r#"{"level":"error","msg":"cut"#,
        r#"{"level":"error","msg":"x"} and more"#,
        r#"{"level":"error",}"#,
        "{\"msg\":\"raw \u{1} control\"}",
        r#"{'level':'error'}"#,
        r#"["x",{"level":"error"}]"#,
        r#""text""#,
        "{",
        "null",
    ] {
        expect(&task(), text, of_task(), json!({"message": text}));
    }
    let mut members = line("");
    members[3] = Member::text(b"log", b"{\"level\":\"error\",\"msg\":\"\xff\"}\0", Origin::Runtime);
    let document = document_of(&task(), members);
    assert_eq!(document["message"], "{\"level\":\"error\",\"msg\":\"\u{FFFD}\"}\0");
    assert_eq!(document.get("level"), None);
}

#[test]
fn what_the_runtime_and_filters_added_stays() {
    let mut members = line("x\n");
    members.insert(0, Member::text(b"path", b"/var/log/a", Origin::Runtime));
    members.push(Member::json(b"offset", b"17", Origin::Runtime));
    members.push(Member::json(b"kubernetes", br#"{"pod_name":"p"}"#, Origin::Filter));
    members.push(Member::members(br#""cluster":"c","zone":"z""#, Origin::Filter));
    members.push(Member::text(b"host", b"claimed", Origin::Filter));
    members.push(Member::text(b"path", b"/var/log/b", Origin::Filter));
    let mut expected = of_task();
    let added = json!({"message": "x", "path": "/var/log/b", "offset": 17, "kubernetes": {"pod_name": "p"}, "cluster": "c",
        "zone": "z", "fields": {"host": "claimed"}});
    expected.as_object_mut().unwrap().extend(added.as_object().unwrap().clone());
    assert_eq!(document_of(&task(), members), expected);
}

#[test]
fn what_others_added_gives_way_to_the_application() {
    for first in [true, false] {
        let mut members = line("x");
        let claimed = Member::text(b"host", b"filter", Origin::Filter);
        let own = Member::text(b"host", b"application", Origin::Application);
        members.extend(if first { [claimed, own] } else { [own, claimed] });
        assert_eq!(document_of(&task(), members)["fields"], json!({"host": "application"}));
    }
}

#[test]
fn a_line_is_kept_where_it_was_split_before() {
    let arena = Bump::new();
    let text = r#"{"msg":"m","n":1}"#;
    let mut kept = merged(text, &arena);
    kept.insert(0, Member::text(b"log", text.as_bytes(), Origin::Runtime));
    let mut expected = of_task();
    let added = json!({"message": "m", "log": text, "fields": {"n": 1}});
    expected.as_object_mut().unwrap().extend(added.as_object().unwrap().clone());
    assert_eq!(document_of(&task(), kept.clone()), expected);
    kept[0].key = b"message";
    assert_eq!(document_of(&task(), kept), expected);
}

#[test]
fn a_line_may_be_called_message() {
    for text in ["plain", r#"{"msg":"m"}"#] {
        let members = vec![Member::text(b"message", text.as_bytes(), Origin::Runtime)];
        let expected = if text == "plain" { "plain" } else { "m" };
        let document = document_of(&task(), members);
        assert_eq!((&document["message"], document.get("fields")), (&json!(expected), None));
    }
    let quoted = vec![Member::json(b"log", br#""{\"msg\":\"m\"}\n""#, Origin::Runtime)];
    assert_eq!(document_of(&task(), quoted)["message"], "m");
}

#[test]
fn merge_log_key_is_undone() {
    let arena = Bump::new();
    let document = document_of(&task(), merged(r#"{"app_log":{"level":"warn","msg":"m","n":1}}"#, &arena));
    assert_eq!((&document["message"], &document["level"]), (&json!("m"), &json!("WARN")));
    assert_eq!(document["fields"], json!({"n": 1}));
    // Not what a logger writes, so it may be the application's own.
    let document = document_of(&task(), merged(r#"{"error":{"code":1}}"#, &arena));
    assert_eq!(document["message"], r#"{"error":{"code":1}}"#);
    assert_eq!(document["fields"], json!({"error": {"code": 1}}));
    // Written so by the application for sure.
    assert_eq!(document_of(&task(), line(r#"{"error":{"msg":"m"}}"#))["fields"], json!({"error": {"msg": "m"}}));
}

#[test]
fn a_record_without_any_text_has_an_empty_message() {
    let document = document_of(&task(), vec![Member::json(b"log", b"7", Origin::Runtime)]);
    assert_eq!((&document["message"], &document["log"]), (&json!(""), &json!(7)));
}
