//! Placeholders are values wherever they stand.

use super::{error, json, path, root};
use crate::manifest::*;

#[test]
fn placeholders_stand_where_yaml_alone_would_not_have_them() {
    let cases = [
        ("a: ${B}", r#"{"a":"${B}"}"#),
        (
            "{a: ${B}, c: [${D},${E}]}",
            r#"{"a":"${B}","c":["${D}","${E}"]}"#,
        ),
        ("[${A}${B}x${C}]", r#"["${A}${B}x${C}"]"#),
        ("a: ${B:=x: y} # ${C}", r#"{"a":"${B:=x: y}"}"#),
        ("[${B:=x #y}]", r#"["${B:=x #y}"]"#),
        ("a: ${B:=x #y}", r#"{"a":"${B:=x"}"#),
        ("a: ${B:='x'}", r#"{"a":"${B:='x'}"}"#),
        ("a: '${B:=''x''}'", r#"{"a":"${B:='x'}"}"#),
        (
            r#"a: "${B:=\"x\"}\n${C:=\\}""#,
            r#"{"a":"${B:=\"x\"}\n${C:=\\}"}"#,
        ),
        ("a: '${B:='x'}'", r#"{"a":"${B:='x'}"}"#),
        ("a: ${B:=größe 日 😀}ü", r#"{"a":"${B:=größe 日 😀}ü"}"#),
        ("${A}: 1\n? ${B}\n: 2", r#"{"${A}":1,"${B}":2}"#),
        (
            "a: |\n  x ${B}\n  ${C:=[}\nb: >\n  ${D}\n  e",
            r#"{"a":"x ${B}\n${C:=[}\n","b":"${D} e\n"}"#,
        ),
        ("a: x\n  ${B}\n  y", r#"{"a":"x ${B} y"}"#),
        ("- &x ${A}\n- *x", r#"["${A}","${A}"]"#),
        ("a: !!str ${B}", r#"{"a":"${B}"}"#),
        ("[QzJw ${B}, QJKH]", r#"["QzJw ${B}","QJKH"]"#),
        ("a: 0x${B}", r#"{"a":"0x${B}"}"#),
        ("a: $${B} $C ${ x", r#"{"a":"$${B} $C ${ x"}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn only_text_without_quotes_may_become_something_else() {
    let root = root("[${A}, 'x${A}', \"${A}\", !!str ${A}, x-${A}, x]");

    let is_template = |node: &Node| matches!(node.value, Value::Template(_));
    let templates: Vec<bool> = root.items().iter().map(is_template).collect();
    assert_eq!(templates, [true, false, false, false, true, false]);
    assert!(
        root.items()
            .iter()
            .all(|node| node.value.kind() == Kind::String)
    );
}

#[test]
fn placeholders_move_no_position() {
    let text = "a: {b: ${B:=größe: 😀}, c: [x, ${C}], ü: y}\nd: 1\n";
    let root = root(text);

    let slice = |path: &Path| root.at(path).unwrap().slice(text).unwrap();
    assert_eq!(slice(&path(&["a", "b"])), "${B:=größe: 😀}");
    assert_eq!(slice(&path(&["a", "c"]).index(1)), "${C}");
    let last = root.at(&path(&["a", "ü"])).unwrap();
    assert_eq!((last.start.line, last.start.column), (1, 41));
    assert_eq!(root.at(&path(&["d"])).unwrap().start.line, 2);
}

#[test]
fn what_is_yaml_is_read_as_yaml_has_it() {
    let cases = [
        ("\"${A:\": \"}\"", r#"{"${A:":"}"}"#),
        ("[\"${A\", \"}\"]", r#"["${A","}"]"#),
        ("a: '${A:' # }", r#"{"a":"${A:"}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn only_the_document_with_placeholders_is_read_otherwise() {
    let text = "a: [\n--- # ${X}\n{b: ${B}}\n---\nc: {d: ${E\n...\n---\n{f: [${G}], g: }\n";

    let documents = documents(text);

    let seen: Vec<_> = documents
        .iter()
        .map(|document| match &document.root {
            Ok(root) => format!("{}: {}", document.line, root.to_json()),
            Err(error) => error.to_string(),
        })
        .collect();
    let expected = [
        "1:4: unclosed bracket '['",
        r#"2: {"b":"${B}"}"#,
        "5:9: while parsing a flow mapping, did not find expected ',' or '}'",
        r#"7: {"f":["${G}"],"g":null}"#,
    ];
    assert_eq!(seen, expected);
    let root = documents[3].root.as_ref().unwrap();
    let place = root.at(&path(&["f"]).index(0)).unwrap();
    assert_eq!((place.slice(text), place.start.line), (Some("${G}"), 8));
}

#[test]
fn the_error_that_is_farther_on_is_said() {
    assert!(error("a: {b: ${B}}\nc: [${D}\ne: ]]\n").starts_with("3:"));
}

#[test]
fn a_text_with_every_mark_has_no_room_for_placeholders() {
    let letters: Vec<char> = "QzJwKvHqYxZ".chars().collect();
    let mut marks = String::new();
    for first in 0..letters.len() {
        for step in 1..letters.len() {
            marks.extend((0..4).map(|i| letters[(first + i * step) % letters.len()]));
            marks.push(' ');
        }
    }

    assert!(error(&format!("{{a: ${{A}}, b: {marks}}}\n")).starts_with("1:"));
}
