//! Any text is read or refused with a position; what is read is the same after it was written and
//! read again, with and without its placeholders replaced.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value as Json;
use walcast::manifest::{
    Documents, Node, Path, Typed, Variables, documents, emit, placeholders, substitute, text_of,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = text_of(bytes.to_vec()) else {
        return;
    };
    let mut variables = Variables::new();
    variables.set("A", "x: [y").expect("it is a name");
    variables.set("B", "").expect("it is a name");

    for placeholder in placeholders(&text) {
        assert!(text[placeholder.range].starts_with("${"));
    }
    let _ = substitute(&text, &variables);
    for mut document in Documents::new(&text) {
        check(document.root.as_ref().ok(), &text);
        document.substitute(&variables);
        if let Ok(root) = &document.root {
            assert_written(root);
        }
    }
});

fn check(root: Option<&Node>, text: &str) {
    let Some(root) = root else {
        return;
    };
    root.for_each_leaf(&Path::root(), &mut |_, leaf| {
        assert!(leaf.span.slice(text).is_some());
    });
    assert_written(root);
    let decoded = Typed::<Anything>::decode(root);
    if let Some(typed) = decoded.value {
        let json = typed.to_json().expect("it was read from JSON");
        assert_eq!(without_nulls(json), without_nulls(root.to_json()));
    }
}

/// To Kubernetes a null is a field that is not there.
fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Json::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn assert_written(root: &Node) {
    let json = root.to_json();
    let written = documents(&emit(&json)).remove(0).root;
    assert_eq!(written.map(|root| root.to_json()), Ok(json));
}

/// A type that has places for some of what it is given.
#[derive(serde::Deserialize, serde::Serialize)]
struct Anything {
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<Box<Anything>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<Vec<Anything>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}
