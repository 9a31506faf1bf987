//! Input that is broken, hostile or huge ends in an error with a position or is read.

use super::{error, json, path, root};
use crate::manifest::*;

/// Lines of a file that is too large for anything quadratic.
const LINES: usize = 1_000_000;

#[test]
fn what_is_not_yaml_has_a_position() {
    let cases = [
        ("a:\n\tb: 1\n", "2:2: tabs"),
        ("a: 1\n  b: 2\n", "2:4: "),
        ("a: 'x\n", "1:4: "),
        ("a: [1\n", "1:4: "),
        ("a: 1\nb: \0\n", "2:4: unexpected character"),
        ("a: \u{1}\n", "1:4: unexpected character"),
        ("a: x\u{0}y\n", "1:5: unexpected character"),
        ("a: |\n x\u{0}\n", "2:3: unexpected character"),
        ("a: *x\n", "1:4: "),
        ("{{ include \"x\" . }}\n", "1:"),
        ("a: {{ .Values.x }}\n", "1:"),
        ("a: %x\n", "1:4: "),
        ("a: @x\n", "1:4: "),
        ("a: 1\n\u{feff}b: 2\n", "2:1: "),
    ];
    for (text, expected) in cases {
        let error = error(text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn line_ends_and_marks_of_windows_are_read() {
    assert_eq!(
        json("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\nc:\r\n- d\r\n"),
        r#"{"a":1,"b":"x\ny\n","c":["d"]}"#
    );
    let text = "\u{feff}a: 1\r\nb: x\r\n";
    let place = root(text).at(&path(&["b"])).unwrap();
    assert_eq!(
        (place.start.line, place.start.column, place.slice(text)),
        (2, 4, Some("x"))
    );
    let place = root(text).at(&path(&["a"])).unwrap();
    assert_eq!((place.start.line, place.slice(text)), (1, Some("1")));
    let documents = documents("a: 1\r\n---\r\nb: 2\r\n...\r\n---\r\n");
    assert_eq!(documents.len(), 3);
    assert!(documents.iter().all(|document| document.root.is_ok()));
}

/// Returns a mapping of `lines` lines.
fn mapping(lines: usize) -> String {
    let entries: Vec<String> = (0..lines).map(|i| format!("k{i}: v\n")).collect();
    entries.concat()
}

#[test]
fn a_million_lines_of_one_document_are_read() {
    let root = root(&mapping(LINES));
    assert_eq!(root.as_mapping().unwrap().entries().len(), LINES);
    let last = root.as_mapping().unwrap().entries().last().unwrap();
    assert_eq!(last.key.span.start.line, LINES);

    let items = "- ${A}\n".repeat(LINES);
    let document = load(&items, Some(&Variables::new())).remove(0);
    assert_eq!(document.root.unwrap().items().len(), LINES);
    assert_eq!(document.unreplaced.len(), LINES);

    let text = format!("a: |\n{}b: 1\n", "  x\n".repeat(LINES));
    assert_eq!(
        super::root(&text).at(&path(&["b"])).unwrap().start.line,
        LINES + 2
    );
}

#[test]
fn a_million_lines_of_documents_are_read_one_by_one() {
    let text = "---\na: 1\n".repeat(LINES / 2);
    assert_eq!(
        Documents::new(&text)
            .filter(|document| document.root.is_ok())
            .count(),
        LINES / 2
    );

    let text = "---\na: [\n".repeat(LINES / 2);
    assert_eq!(
        Documents::new(&text)
            .filter(|document| document.root.is_err())
            .count(),
        LINES / 2
    );
    let last = Documents::new(&text).last().unwrap();
    assert_eq!((last.index, last.line), (LINES / 2 - 1, LINES - 1));
}

/// Lines that are all at fault.
const FAULTS: usize = 200_000;

#[test]
fn faults_beyond_number_are_decoded_in_bounded_work() {
    #[derive(Debug, Default, serde::Deserialize, serde::Serialize)]
    struct Known {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        list: Vec<u8>,
    }

    let unknown = mapping(FAULTS);
    let decoded = Typed::<Known>::decode(&root(&unknown));
    let typed = decoded.value.unwrap();
    assert_eq!((decoded.errors.len(), decoded.unknown.len()), (0, 100));
    assert_eq!(typed.unknown().count(), FAULTS);
    assert_eq!(typed.to_json().unwrap().as_object().unwrap().len(), FAULTS);

    let wrong = format!("list:\n{}", "- x\n".repeat(FAULTS));
    let decoded = decode::<Known>(&root(&wrong));
    assert!(decoded.value.is_none() && !decoded.errors.is_empty());

    let held = format!("list:\n{}", "- 1\n- ${A}\n".repeat(FAULTS / 2));
    let decoded = Typed::<Known>::decode(&root(&held));
    let typed = decoded.value.unwrap();
    assert_eq!(
        (typed.value.list.len(), typed.held().count()),
        (FAULTS / 2, FAULTS / 2)
    );
    assert_eq!(typed.to_yaml().unwrap(), held);
}

#[test]
fn more_values_than_any_resource_has_are_refused() {
    let text = "[x, x, x, x, x, x, x, x, x, x]\n";
    let text = format!("-\n{}", format!("  - {text}").repeat(400_000));

    let error = error(&text);

    assert!(
        error.ends_with("more than 4000000 values and keys in a document"),
        "{error}"
    );
}

#[test]
fn keys_that_occur_twice_are_found_among_many() {
    let text = mapping(1000);

    assert_eq!(
        error(&format!("{text}k500: w\n")),
        "1001:1: key `k500` is there already, in line 501"
    );
}

#[test]
fn comments_and_blank_lines_cost_nothing() {
    let text = format!(
        "{}a: 1\n{}",
        "# ${A\n\n".repeat(LINES / 2),
        "\n#b\n".repeat(LINES / 2)
    );

    assert_eq!(json(&text), r#"{"a":1}"#);
}

#[test]
fn aliases_of_aliases_are_refused_before_they_are_made() {
    let twice = |i: usize| format!("a{i}: &a{i} [*a{0}, *a{0}]\n", i - 1);
    let anchors: Vec<String> = (1..40).map(twice).collect();

    let error = error(&format!("a0: &a0 [x]\n{}", anchors.concat()));

    assert!(
        error.ends_with("aliases that expand to more than 4194304 bytes"),
        "{error}"
    );
}
