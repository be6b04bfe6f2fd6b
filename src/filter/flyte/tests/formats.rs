//! One table for each format: lines and their documents.

use super::*;

#[test]
fn flytestdlib_json() {
    expect(
        &propeller(),
        r#"{"json":{"exec_id":"ahx4","node":"n0","ns":"p-d","src":"handler.go:181","wf":"p:d:wf.train"},"level":"warning","msg":"Node failed","ts":"2026-08-21T12:00:01Z"}"#,
        of_propeller(),
        json!({
            "message": "Node failed", "level": "WARN", "execution_id": "ahx4", "node_id": "n0", "project": "p",
            "domain": "d", "workflow": "wf.train",
            "fields": {
                "json": {"exec_id": "ahx4", "node": "n0", "ns": "p-d", "src": "handler.go:181", "wf": "p:d:wf.train"},
                "ts": "2026-08-21T12:00:01Z",
            },
        }),
    );
    expect(
        &propeller(),
        r#"{"json":{"project":"p","domain":"d","exec_id":""},"level":"panic","msg":"a \"b\"\n","ts":"x"}"#,
        of_propeller(),
        json!({"message": "a \"b\"\n", "level": "FATAL", "project": "p", "domain": "d",
            "fields": {"json": {"project": "p", "domain": "d", "exec_id": ""}, "ts": "x"}}),
    );
    // Not its shape: no ids.
    expect(
        &propeller(),
        r#"{"json":{"exec_id":"x"},"message":"m"}"#,
        of_propeller(),
        json!({"message": "m", "fields": {"json": {"exec_id": "x"}}}),
    );
}

#[test]
fn flytestdlib_text_and_gcp() {
    expect(
        &propeller(),
        r#"ts="2026-08-21T12:00:01Z" level=error msg="task \"x\" FAILED" exec_id=ahx4 node=n0 wf="p:d:wf.train" src="a.go:1""#,
        of_propeller(),
        json!({
            "message": "task \"x\" FAILED", "level": "ERROR", "execution_id": "ahx4", "node_id": "n0", "project": "p",
            "domain": "d", "workflow": "wf.train",
            "fields": {"ts": "2026-08-21T12:00:01Z", "exec_id": "ahx4", "node": "n0", "wf": "p:d:wf.train", "src": "a.go:1"},
        }),
    );
    expect(
        &propeller(),
        r#"{"data":{"exec_id":"ahx4","wf":"odd"},"message":"m","severity":"CRITICAL","timestamp":"t"}"#,
        of_propeller(),
        json!({"message": "m", "level": "FATAL", "execution_id": "ahx4", "workflow": "odd",
            "fields": {"data": {"exec_id": "ahx4", "wf": "odd"}, "timestamp": "t"}}),
    );
}

#[test]
fn klog_and_spark() {
    expect(
        &propeller(),
        "E0821 12:00:01.123456       1 leaderelection.go:330] error retrieving lock",
        of_propeller(),
        json!({"message": "error retrieving lock", "level": "ERROR", "fields": {"caller": "leaderelection.go:330"}}),
    );
    expect(
        &task(),
        "26/08/21 12:00:01 WARN TaskSetManager: Lost task 0.0",
        of_task(),
        json!({"message": "TaskSetManager: Lost task 0.0", "level": "WARN"}),
    );
}

#[test]
fn zap_of_the_executor() {
    let line = "2026-08-21T12:00:01Z\tERROR\tctrl\tsystem error\t{\"TaskAction\": {\"name\":\"rb-x-a0\",\"namespace\":\"flyte\"}, \"level\": \"info\"}";
    let fields = json!({"TaskAction": {"name": "rb-x-a0", "namespace": "flyte"}, "level": "info", "logger": "ctrl"});
    let expected =
        json!({"message": "system error", "level": "ERROR", "execution_id": "rb-x", "node_id": "a0", "fields": fields});
    expect(&binary(), line, of_binary("propeller"), expected.clone());
    // The format alone makes no part of Flyte.
    expect(&propeller(), line, of_propeller(), expected);
    let mine = with_labels(source(("flyte", "operator-0", "manager")), &[("app", "operator")]);
    assert_eq!(document_of(&mine, super::line(line))["component"], "manager");
    expect(
        &binary(),
        r#"{"json":{"src":"a.go:1"},"level":"debug","msg":"m","ts":"t"}"#,
        of_binary("admin"),
        json!({"message": "m", "level": "DEBUG", "fields": {"json": {"src": "a.go:1"}, "ts": "t"}}),
    );
}

#[test]
fn task_libraries() {
    expect(
        &task(),
        r#"{"asctime": "2026-08-21 12:00:01,123", "name": "flytekit", "levelname": "ERROR", "message": "!! Begin User Error !!"}"#,
        of_task(),
        json!({"message": "!! Begin User Error !!", "level": "ERROR",
            "fields": {"asctime": "2026-08-21 12:00:01,123", "name": "flytekit"}}),
    );
    expect(
        &task(),
        "[rbx][a0] [flyte] WARNING slow",
        of_task(),
        json!({"message": "slow", "level": "WARN", "fields": {"logger": "flyte"}}),
    );
    expect(
        &task(),
        r#"{"timestamp":"t","level":"CRITICAL","message":"m","run_name":"other","action_name":"a9","exc_info":"Traceback (most recent call last):\n x"}"#,
        of_task(),
        json!({"message": "m", "level": "FATAL", "fields": {"timestamp": "t", "run_name": "other", "action_name": "a9",
            "exc_info": "Traceback (most recent call last):\n x"}}),
    );
    let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: \u{1b}[31mx";
    expect(&task(), traceback, of_task(), json!({"message": traceback, "level": "ERROR"}));
    for print in ["loss: 0.1 ERROR", "", "  two ", "10.0.0.1 - - [21/Aug/2026:12:00:01 +0000] \"GET / HTTP/1.1\" 500 1"]
    {
        expect(&task(), print, of_task(), json!({"message": print}));
    }
}

#[test]
fn ids_of_flyte_sdk_count_where_the_pod_has_none() {
    let run = json!({"execution_id": "rbx", "node_id": "a0"});
    let mut with_run = of_propeller();
    with_run.as_object_mut().unwrap().extend(run.as_object().unwrap().clone());
    expect(
        &propeller(),
        "[rbx][a0] [flyte] INFO x",
        with_run.clone(),
        json!({"message": "x", "level": "INFO", "fields": {"logger": "flyte"}}),
    );
    expect(
        &propeller(),
        r#"{"message":"m","run_name":"rbx","action_name":"a0"}"#,
        with_run,
        json!({"message": "m", "fields": {"run_name": "rbx", "action_name": "a0"}}),
    );
}

#[test]
fn json_of_any_logger() {
    let table = [
        (
            r#"{"message":"a","msg":"b","log":"c","level":"audit","severity":"notice"}"#,
            json!({"message": "a", "level": "INFO", "fields": {"msg": "b", "log": "c", "level": "audit"}}),
        ),
        (r#"{"log":"c","lvl":"warn"}"#, json!({"message": "c", "level": "WARN"})),
        (r#"{"message":7,"msg":"b","level":50}"#, json!({"message": "b", "level": "ERROR", "fields": {"message": 7}})),
        (r#"{"msg":"b","level":35,"levelno":10}"#, json!({"message": "b", "level": "DEBUG", "fields": {"level": 35}})),
        (
            r#"{"msg":"b","log.level":"Err","ecs.version":1}"#,
            json!({"message": "b", "level": "ERROR", "fields": {"ecs.version": 1}}),
        ),
        (
            r#"{"msg":"b","level":"info","severity":"error"}"#,
            json!({"message": "b", "level": "INFO", "fields": {"severity": "error"}}),
        ),
        (
            r#"{"msg":"","trace_id":"t","traceId":"u","spanId":"s"}"#,
            json!({"message": "", "trace_id": "t", "span_id": "s", "fields": {"traceId": "u"}}),
        ),
        (r#"{"msg":"b","trace_id":"","span_id":7}"#, json!({"message": "b", "fields": {"trace_id": "", "span_id": 7}})),
        (
            r#"{"event":"e","n":[1,{"a":null}]}"#,
            json!({"message": r#"{"event":"e","n":[1,{"a":null}]}"#, "fields": {"event": "e", "n": [1, {"a": null}]}}),
        ),
        (
            r#"{"level":"error","n":1}"#,
            json!({"message": r#"{"level":"error","n":1}"#, "level": "ERROR", "fields": {"n": 1}}),
        ),
    ];
    for (text, expected) in table {
        expect(&task(), text, of_task(), expected);
    }
    assert_eq!(document_of(&task(), line("{}"))["message"], "{}");
}

#[test]
fn trace_and_span_come_out_of_headers() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let parent = format!("00-{trace}-{span}-01");
    let common = json!({"message": "b", "trace_id": trace, "span_id": span});
    let with = |more: Json| {
        let mut expected = common.clone();
        expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        expected
    };
    for (members, expected) in [
        (format!(r#""traceparent":"{parent}""#), common.clone()),
        (format!(r#""x-b3-traceid":"{trace}","x-b3-spanid":"{span}""#), common.clone()),
        (format!(r#""b3":"{trace}-{span}-1","n":1"#), with(json!({"fields": {"n": 1}}))),
        (r#""grpc-trace-bin":"AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE=""#.to_owned(), common.clone()),
        // What the line says itself comes first, and what is not taken stays.
        (
            format!(r#""trace_id":"t","traceparent":"{parent}""#),
            json!({"message": "b", "trace_id": "t", "fields": {"traceparent": parent}}),
        ),
        (
            format!(r#""span_id":"s","traceparent":"{parent}""#),
            with(json!({"span_id": "s", "fields": {"traceparent": parent}})),
        ),
        (
            r#""traceparent":"none","b3":0"#.to_owned(),
            json!({"message": "b", "fields": {"traceparent": "none", "b3": 0}}),
        ),
    ] {
        expect(&task(), &format!(r#"{{"msg":"b",{members}}}"#), of_task(), expected);
    }
    let data = json!({"exec_id": "e1", "traceparent": parent});
    let line = format!(r#"{{"json":{data},"level":"info","msg":"b","ts":"2026-08-21T12:00:01Z"}}"#);
    let fields = json!({"json": data, "ts": "2026-08-21T12:00:01Z"});
    expect(&propeller(), &line, of_propeller(), with(json!({"level": "INFO", "execution_id": "e1", "fields": fields})));
}
