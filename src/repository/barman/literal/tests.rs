use proptest::{collection::vec, prelude::*};

use super::*;

fn text(text: &str) -> Literal {
    Literal::from(text)
}

#[test]
fn what_python_prints_is_read_and_written_back() {
    for (python, literal) in [
        ("None", Literal::None),
        ("True", Literal::Bool(true)),
        ("False", Literal::Bool(false)),
        ("0", Literal::Int(0)),
        ("-17", Literal::Int(-17)),
        ("4.162785", Literal::Float(4.162_785)),
        ("1.0", Literal::Float(1.0)),
        ("0.0001", Literal::Float(0.0001)),
        ("1e-05", Literal::Float(0.000_01)),
        ("1.9e-05", Literal::Float(0.000_019)),
        ("1000000000000000.0", Literal::Float(1e15)),
        ("1.5e+16", Literal::Float(1.5e16)),
        ("1e+100", Literal::Float(1e100)),
        ("''", text("")),
        (r"'a\nb\\c\t\r'", text("a\nb\\c\t\r")),
        (r#""it's""#, text("it's")),
        (r#"'"it\'s"'"#, text("\"it's\"")),
        (
            r"'\x00\x7f\xa0\xad\u2028\ufeff'",
            text("\0\u{7F}\u{A0}\u{AD}\u{2028}\u{FEFF}"),
        ),
        (r"'\U000e0001'", text("\u{E0001}")),
        ("'ü e\u{301} 雪 🐘'", text("ü e\u{301} 雪 🐘")),
        ("[]", Literal::List(Vec::new())),
        ("()", Literal::Tuple(Vec::new())),
        ("{}", Literal::Dict(Vec::new())),
        ("(1,)", Literal::Tuple(vec![Literal::Int(1)])),
        (
            "[('ts1', 16384), None]",
            Literal::List(vec![
                Literal::Tuple(vec![text("ts1"), Literal::Int(16384)]),
                Literal::None,
            ]),
        ),
        (
            "{'16384': 0.5, 'data': {1: 2}}",
            Literal::Dict(vec![
                (text("16384"), Literal::Float(0.5)),
                (
                    text("data"),
                    Literal::Dict(vec![(Literal::Int(1), Literal::Int(2))]),
                ),
            ]),
        ),
    ] {
        assert_eq!(Literal::parse(python), Ok(literal.clone()), "{python}");
        assert_eq!(literal.to_string(), python);
    }
}

#[test]
fn other_spellings_are_read() {
    for (python, written) in [
        (" [ 1 , 2 , ] ", "[1, 2]"),
        ("(1)", "1"),
        ("((1,2),)", "((1, 2),)"),
        ("{ 'a' : 1 , }", "{'a': 1}"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5.0"),
        ("1E3", "1000.0"),
        (r#""a""#, "'a'"),
        (r"'\101\0\q\a\'\u00fc'", r#""A\x00\\q\x07'ü""#),
        ("'a\\\nb'", "'ab'"),
    ] {
        let read = Literal::parse(python).unwrap();
        assert_eq!(read.to_string(), written, "{python}");
    }
}

#[test]
fn other_texts_are_refused_with_the_place() {
    for (python, error) in [
        ("", "a literal was expected at byte 0 of the literal"),
        ("none", "a literal was expected at byte 0 of the literal"),
        ("nan", "a literal was expected at byte 0 of the literal"),
        (
            "-inf",
            "a number of 64 bits was expected at byte 0 of the literal",
        ),
        (
            "1.5x",
            "a number of 64 bits was expected at byte 0 of the literal",
        ),
        ("1_000", "the end was expected at byte 1 of the literal"),
        (
            "99999999999999999999",
            "a number of 64 bits was expected at byte 0 of the literal",
        ),
        (
            "'a",
            "a closing quote was expected at byte 2 of the literal",
        ),
        (
            "'a\\",
            "a closing quote was expected at byte 3 of the literal",
        ),
        (
            "'\\x+1'",
            "a character's hexadecimal number was expected at byte 3 of the literal",
        ),
        (
            "'\\ud800'",
            "a character's hexadecimal number was expected at byte 3 of the literal",
        ),
        (
            "[1 2]",
            "a comma or a closing bracket was expected at byte 3 of the literal",
        ),
        (
            "[1",
            "a comma or a closing bracket was expected at byte 2 of the literal",
        ),
        ("{'a'}", "a colon was expected at byte 4 of the literal"),
        (
            "{'a': 1",
            "a comma or a closing bracket was expected at byte 7 of the literal",
        ),
        ("[,]", "a literal was expected at byte 1 of the literal"),
        ("'a' 'b'", "the end was expected at byte 4 of the literal"),
    ] {
        assert_eq!(
            Literal::parse(python).unwrap_err().to_string(),
            error,
            "{python}"
        );
    }
    let deep = "[".repeat(100_000);
    assert_eq!(Literal::parse(&deep).unwrap_err().expected, "less depth");
}

fn any_literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        Just(Literal::None),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(Literal::Int),
        any::<f64>()
            .prop_filter("finite", |n| n.is_finite())
            .prop_map(Literal::Float),
        "(?s).{0,10}".prop_map(Literal::Text),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Literal::List),
            vec(inner.clone(), 0..4).prop_map(Literal::Tuple),
            vec((inner.clone(), inner), 0..4).prop_map(Literal::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn text_form_round_trips(literal in any_literal()) {
        let written = literal.to_string();

        prop_assert!(!written.contains(['\n', '\r']), "{}", written);
        prop_assert_eq!(Literal::parse(&written), Ok(literal));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\](){},:'\"\\\\0-9a-z. +-]{0,30}|.*") {
        if let Ok(literal) = Literal::parse(&text) {
            prop_assert_eq!(Literal::parse(&literal.to_string()), Ok(literal));
        }
    }
}
