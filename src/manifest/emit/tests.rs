use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::manifest::{Node, documents};

fn read(text: &str) -> Json {
    let documents = documents(text);
    assert_eq!(documents.len(), 1, "{text}");
    let root: Result<Node, _> = documents.into_iter().next().unwrap().root;
    root.unwrap_or_else(|error| panic!("{error} in\n{text}"))
        .to_json()
}

#[test]
fn a_resource_is_laid_out_as_kubectl_does() {
    let value = json!({
        "spec": {"schedule": "0 0 3 * * *", "plugins": [{"name": "a", "parameters": {"x": "1"}}, {}],
                 "empty": [], "nested": [["a", "b"], []], "none": null, "ratio": 0.5},
        "kind": "ScheduledBackup",
        "apiVersion": "postgresql.cnpg.io/v1",
        "metadata": {"name": "nightly", "labels": {"app.kubernetes.io/name": "pg"}},
        "extra": "one\ntwo\n",
    });

    let expected = r#"apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata:
  labels:
    app.kubernetes.io/name: pg
  name: nightly
spec:
  empty: []
  nested:
  - - a
    - b
  - []
  none: null
  plugins:
  - name: a
    parameters:
      x: "1"
  - {}
  ratio: 0.5
  schedule: 0 0 3 * * *
extra: |
  one
  two
"#;
    assert_eq!(emit(&value), expected);
}

#[test]
fn text_that_some_yaml_reads_as_something_else_is_quoted() {
    let traps = [
        "",
        "~",
        "null",
        "Null",
        "yes",
        "No",
        "oN",
        "y",
        "N",
        "TRUE",
        "off",
        "0640",
        "0o17",
        "0x1F",
        "1e3",
        "1E-3",
        ".5",
        "-1",
        "+1",
        "1_000",
        "12:30:45",
        "2026-11-23",
        "2026-11-23T10:00:00Z",
        ".inf",
        "-.INF",
        ".NaN",
        "1.5",
        "0b1",
        "<<",
        "=",
        "- a",
        "-",
        "? a",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "[a",
        "{a",
        "\"a",
        "'a",
        " a",
        "a ",
        "\ta",
        "a\t",
        "---",
        "--- a",
        "...",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{feff}a",
        "a\u{7f}",
        "a\rb",
        "\u{0}",
        "\n",
        " \n",
        "a \nb",
        "${A}",
        "x-${A:=b}",
    ];
    for text in traps {
        let written = emit(&json!(text));
        assert!(
            written.starts_with(['"', '\'']),
            "{text:?} is written as {written}"
        );
        assert_eq!(read(&written), json!(text));
    }
}

#[test]
fn text_that_is_text_to_every_yaml_is_plain() {
    let plain = [
        "a",
        "postgres-17",
        "30d",
        "1Gi",
        "s3://bucket/path",
        "ghcr.io/cnpg/postgresql:17.2-1",
        "10.0.0.0/8",
        "--port=1",
        "-c",
        "a:b",
        "a#b",
        "0 0 3 * * *",
        "größe",
        "/var/lib",
        "e3",
        "_x",
        "(a)",
        "no way",
        "it's",
        "a[0]{b}",
        "15m30s",
        "$A",
    ];
    for text in plain {
        assert_eq!(emit(&json!(text)), format!("{text}\n"));
    }
}

#[test]
fn lines_are_a_literal_block_where_that_shows_them() {
    let cases = [
        ("a\nb", "|-\n  a\n  b\n"),
        ("a\n", "|\n  a\n"),
        ("a\n\n  b: c #d\n\n\n", "|+\n  a\n\n    b: c #d\n\n\n"),
        ("a\n\tb", "|-\n  a\n  \tb\n"),
        ("# ${A}\n", "|\n  # ${A}\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(emit(&json!(text)), expected);
        let nested = emit(&json!({"a": [text, {"b": text}, [text]], "c": 1}));
        assert_eq!(
            read(&nested)["a"],
            json!([text, {"b": text}, [text]]),
            "{nested}"
        );
    }
}

#[test]
fn numbers_have_a_form_that_all_read() {
    let cases = [
        (json!(0), "0\n"),
        (json!(-7), "-7\n"),
        (json!(u64::MAX), "18446744073709551615\n"),
        (json!(1.5), "1.5\n"),
        (json!(1e300), "1.0e+300\n"),
        (json!(2.5e-9), "2.5e-9\n"),
    ];
    for (value, expected) in cases {
        assert_eq!(emit(&value), expected);
        assert_eq!(read(expected), value);
    }
}

#[test]
fn long_keys_are_read_again() {
    let long = "k".repeat(2000);
    let value = json!({"a": {&long: {"b": [1, {&long: [2]}]}}, "c": [{&long: "x\ny\n", "d": 1}]});

    assert_eq!(read(&emit(&value)), value);
}

/// Text that is made of what YAML gives a meaning to.
fn text() -> impl Strategy<Value = String> {
    let fragments = [
        " ",
        "\n",
        "\t",
        "\r",
        ": ",
        " #",
        "#",
        "- ",
        "-",
        "?",
        "'",
        "\"",
        "\\",
        "\\n",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&a",
        "*a",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "~",
        "null",
        "yes",
        "no",
        "0",
        "0x",
        "1e3",
        ".",
        "_",
        "2026-11-23",
        "---",
        "...",
        "<<",
        "=",
        "$",
        "$$",
        "${A}",
        "${A:=x: y}",
        "${A:='b'}",
        "${A:=\"\\\"}",
        "${",
        "}",
        "\u{0}",
        "\u{7}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{fffe}",
        "ä",
        "日",
        "😀",
        "a",
        "bc",
        "QzJw",
    ];
    let part = prop_oneof![
        8 => proptest::sample::select(fragments.to_vec()).prop_map(ToOwned::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>()
            .prop_filter("JSON has no others", |number| number.is_finite())
            .prop_map(whole),
        text().prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            proptest::collection::btree_map(text(), inner, 0..5)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Makes a number as it is read: JSON has one kind, and a whole number is one however it is written.
fn whole(number: f64) -> Json {
    read(&emit(&json!(number)))
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(value in value()) {
        let text = emit(&value);

        prop_assert_eq!(read(&text), value, "{}", text);
        prop_assert!(text.ends_with('\n'));
    }

    #[test]
    fn whole_numbers_keep_their_value(number in any::<f64>()) {
        prop_assume!(number.is_finite());

        prop_assert_eq!(whole(number).as_f64(), Some(number + 0.0));
    }
}
