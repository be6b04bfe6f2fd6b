//! The JSON splitter against serde_json.

#![no_main]

use bumpalo::Bump;
use flytail::record::json::split;
use flytail::record::{Origin, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let (arena, mut members) = (Bump::new(), Vec::new());
    let ours = split(text, &arena, &mut members, Origin::Application);
    match (ours, serde_json::from_slice::<serde_json::Value>(text)) {
        (Ok(()), Err(error)) => {
            let error = error.to_string();
            let mended = ["surrogate", "hex escape", "number out of range"];
            assert!(mended.iter().any(|reason| error.contains(reason)), "{error}");
        }
        (Err(error), Ok(theirs)) => assert!(!theirs.is_object(), "{error}"),
        (Err(error), Err(_)) => assert!(error.at <= text.len() && members.is_empty()),
        (Ok(()), Ok(_)) => {}
    }
    // What comes out can stand in a document, and needs no second repair.
    let mut document = Vec::new();
    for member in &members {
        let Value::Json(value) = member.value else { panic!("{member:?}") };
        document.extend_from_slice(if document.is_empty() { b"{\"" } else { b",\"" });
        document.extend_from_slice(member.key);
        document.extend_from_slice(b"\":");
        document.extend_from_slice(value);
    }
    if document.is_empty() {
        return;
    }
    document.push(b'}');
    assert!(!document.contains(&b'\n'));
    serde_json::from_slice::<serde_json::Value>(&document).unwrap();
    let mut again = Vec::new();
    split(&document, &arena, &mut again, Origin::Application).unwrap();
    assert_eq!(members.len(), again.len());
    for (first, second) in members.iter().zip(&again) {
        assert_eq!((first.key, first.value), (second.key, second.value));
    }
});
