use super::*;
use crate::manifest::{Node, Path, Value, documents};

fn variables(pairs: &[(&str, &str)]) -> Variables {
    let mut variables = Variables::new();
    for (name, value) in pairs {
        variables.set(*name, value).unwrap();
    }
    variables
}

/// `a` is a path, `b` is empty, `n` is 2, `u` is not there.
fn some() -> Variables {
    variables(&[
        ("a", "/path/to.tar.gz"),
        ("b", ""),
        ("n", "2"),
        ("minus", "-6"),
        ("word", "éabcABC"),
        ("d", "x"),
    ])
}

fn result(text: &str) -> Result<String, SubstituteError> {
    substitute(text, &some())?.complete()
}

#[test]
fn every_form_of_flux_is_replaced() {
    let cases = [
        ("", ""),
        ("text } only $ $a", "text } only $ $a"),
        ("${a}", "/path/to.tar.gz"),
        ("<${b}>", "<>"),
        ("${d}${d}-${d}", "xx-x"),
        // Defaults: used for what is empty or unset, by every operator.
        ("${u-1}${u:-2}${u=3}${u:=4}", "1234"),
        ("${b-1}${b:-2}${b=3}${b:=4}", "1234"),
        ("${d-1}${d:-2}${d=3}${d:=4}", "xxxx"),
        ("<${u:=}>", "<>"),
        ("${u:='0 * * * *'}", "'0 * * * *'"),
        ("${u:=\"a: b\"}", "\"a: b\""),
        ("${u:={x}}", "{x}"),
        ("${u:=a-b:c/d#e%f^g}", "a-b:c/d#e%f^g"),
        ("${u:=$$x}", "$$x"),
        ("${u:=${d}}", "x"),
        ("${u:=<${v:=${d}}-${n}>}", "<x-2>"),
        ("${d:=${u}}", "x"),
        // Length, in bytes.
        ("${#d} ${#b} ${#word}", "1 0 8"),
        // Case.
        ("${word^} ${word^^}", "Éabc\u{41}BC ÉABCABC"),
        ("${word,} ${word,,}", "éabcABC éabcabc"),
        ("<${b^}${b,,}>", "<>"),
        // Substrings, in bytes.
        ("${a:1}", "path/to.tar.gz"),
        ("${a:1:4}", "path"),
        ("${a:${minus}}", "tar.gz"),
        ("${a:${minus}:3}", "tar"),
        ("${a:0:${minus}}", "/path/to."),
        ("${a:1:-7}", "path/to"),
        ("<${a:99}${a:99:1}${a:9:-9}>", "<>"),
        ("${a:0:99}", "/path/to.tar.gz"),
        ("${a:x} ${a:1:x}", "/path/to.tar.gz /path/to.tar.gz"),
        ("<${word:1:2}>", "<éa>"),
        // Trimming.
        ("${a#*/}", "path/to.tar.gz"),
        ("${a##*/}", "to.tar.gz"),
        ("${a%.*}", "/path/to.tar"),
        ("${a%%.*}", "/path/to"),
        ("${a#x}${a%x}", "/path/to.tar.gz/path/to.tar.gz"),
        ("${a#/[a-p]}", "ath/to.tar.gz"),
        ("${a#*} <${a##*}>", "path/to.tar.gz <>"),
        ("${a%*}", "/path/to.tar.g"),
        ("${a#/${u:=p}}", "ath/to.tar.gz"),
        ("<${b#*}${b%%*}>", "<>"),
        // Replacing.
        ("${a/a/A}", "/pAth/to.tar.gz"),
        ("${a//a/A}", "/pAth/to.tAr.gz"),
        ("${a/#\\//}", "/path/to.tar.gz"),
        ("${a/#\\/path/x}", "x/to.tar.gz"),
        ("${a/%.gz/.zst}", "/path/to.tar.zst"),
        ("${a/#/s3:/}", "s3://path/to.tar.gz"),
        ("${a/%/.enc}", "/path/to.tar.gz.enc"),
        ("${a//\\//-}", "-path-to.tar.gz"),
        ("${a/./}", "/path/totar.gz"),
        ("${a//t/${n}$$}", "/pa2$h/2$o.2$ar.gz"),
        ("${a/z\\\\/}", "/path/to.tar.gz"),
        // Escapes.
        ("$${a} $$a $$ $$$${a}", "${a} $a $ $${a}"),
        ("$$${d}", "$x"),
        ("$${u:=${d}}", "${u:=x}"),
        ("\\${d}", "\\x"),
    ];
    for (text, expected) in cases {
        assert_eq!(result(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_flux_does_not_support_is_refused_with_its_place() {
    let cases = [
        ("a ${", "`${` without the name of a variable (at byte 2)"),
        ("${a", "`${` without its `}` (at byte 0)"),
        ("${a:=x", "`${` without its `}` (at byte 0)"),
        ("${}", "`${` without the name of a variable (at byte 0)"),
        ("${1}", "`${` without the name of a variable (at byte 0)"),
        ("${ä}", "`${` without the name of a variable (at byte 0)"),
        ("${!a}", "`${` without the name of a variable (at byte 0)"),
        ("${#}", "`${` without the name of a variable (at byte 0)"),
        ("${a:?gone}", "operator `:?` is not supported (at byte 0)"),
        ("${a:+x}", "operator `:+` is not supported (at byte 0)"),
        ("${a?gone}", "operator `?` is not supported (at byte 0)"),
        ("${a+x}", "operator `+` is not supported (at byte 0)"),
        ("${a[@]}", "operator `[` is not supported (at byte 0)"),
        ("${a^^^}", "operator `^` is not supported (at byte 0)"),
        ("${a:}", "operator `:` lacks an operand (at byte 0)"),
        ("${a:1:}", "operator `:` lacks an operand (at byte 0)"),
        ("${a#}", "operator `#` lacks an operand (at byte 0)"),
        ("${a%%}", "operator `%` lacks an operand (at byte 0)"),
        ("${a/x}", "operator `/` lacks an operand (at byte 0)"),
        (
            "${a:=${!}}",
            "`${` without the name of a variable (at byte 0)",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(result(text).unwrap_err().to_string(), expected, "{text}");
        let found = placeholders(text).next();
        assert_eq!(found.map(|found| found.name), None, "{text}");
    }
    let deep = "${a:=".repeat(17) + &"}".repeat(17);
    let expected = "placeholders in more than 16 levels (at byte 0)";
    assert_eq!(result(&deep).unwrap_err().to_string(), expected);
}

#[test]
fn names_without_a_value_are_all_reported_and_left_as_they_are() {
    let text = "${u}-${d}-${#v}-${w:=${v}}-${u^}-${a#${x}}";
    let substituted = substitute(text, &some()).unwrap();

    assert_eq!(substituted.text, "${u}-x-${#v}-${w:=${v}}-${u^}-${a#${x}}");
    assert_eq!(substituted.unset, ["u", "v", "x"]);
    let error = substituted.complete().unwrap_err();
    assert_eq!(error.to_string(), "no value for `u`, `v`, `x`");
}

#[test]
fn variables_have_names_of_flux_and_values_of_one_line() {
    let mut variables = variables(&[("_a1", "one\ntwo\n")]);

    assert_eq!(variables.get("_a1"), Some("onetwo"));
    for name in ["", "1a", "a-b", "ä", "a b"] {
        let error = variables.set(name, "x").unwrap_err();
        assert_eq!(error, InvalidName(name.to_owned()));
    }
    assert_eq!(format!("{variables:?}"), r#"{"_a1"}"#);
}

#[test]
fn placeholders_are_found_in_any_text() {
    let text = "${a}$${b} ${c:=${d}} $e ${ ${f:?} ${g^^}${h";
    let found: Vec<_> = placeholders(text)
        .map(|found| (found.name, &text[found.range.clone()], found.has_default()))
        .collect();

    let expected = [
        ("a", "${a}", false),
        ("c", "${c:=${d}}", true),
        ("g", "${g^^}", false),
    ];
    assert_eq!(found, expected);
}

#[test]
fn openings_without_end_are_passed_by() {
    for opening in ["${a:=", "${", "$$", "${a#", "${a/", "${a:=x${b:="] {
        let text = opening.repeat(300_000 / opening.len());

        assert_eq!(placeholders(&text).count(), 0, "{opening}");
    }
    let text = "${a}".repeat(100_000);
    assert_eq!(placeholders(&text).count(), 100_000);
}

fn loaded(text: &str) -> crate::manifest::Document {
    load(text, Some(&some())).remove(0)
}

fn json(text: &str) -> String {
    loaded(text).root.unwrap().to_json().to_string()
}

#[test]
fn values_without_quotes_are_read_anew_and_others_stay_text() {
    let text = "number: ${n}
text: '${n}'
also: \"${n}0\"
word: ${d}y
list: ${u:=[1, ${n}]}
quote: ${u:='${n}'}
flow: {a: ${n}, b: [${d}, ${u:=x: y}]}
block: |
  ${n}
empty: ${b}
comment: ${d} # ${nobody} ${
${d}: key
";
    let expected = r#"{"also":"20","block":"2\n","comment":"x","empty":null,"flow":{"a":2,"b":["x","x: y"]},"list":[1,2],"number":2,"quote":"2","text":"2","word":"xy","x":"key"}"#;

    assert_eq!(json(&text.replace("${u:=x: y}", "'${u:=x: y}'")), expected);
}

#[test]
fn positions_stay_those_of_the_file() {
    let text = "a: ${n} # two\nb: [${u:=[x, y]}, ${d}]\n";
    let root = loaded(text).root.unwrap();

    let slice = |path: Path| root.at(&path).unwrap().slice(text).unwrap();
    let b = Path::root().key("b");
    assert_eq!(slice(Path::root().key("a")), "${n}");
    assert_eq!(slice(b.clone().index(0).index(1)), "${u:=[x, y]}");
    assert_eq!(slice(b.index(1)), "${d}");
}

#[test]
fn what_becomes_no_value_breaks_the_document() {
    let cases = [
        (
            "a: 1\nb: ${u:=c: d}\n",
            "2:4: what stands for the placeholder is no YAML: ",
        ),
        (
            "b: ${u:=- c}\n",
            "1:4: what stands for the placeholder is no YAML: ",
        ),
        (
            "b: ${u:=*x}\n",
            "1:4: what stands for the placeholder is no YAML: ",
        ),
        (
            "${d}: 1\nx: 2\n",
            "2:1: key `x` is there already, in line 1",
        ),
    ];
    for (text, expected) in cases {
        let error = loaded(text).root.unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn what_cannot_be_replaced_is_listed_and_left() {
    let text = "a: ${u}-${d}\nb: [\"${v}${w}\"]\nc: ${u:?}\n${u}: 1\n";
    let document = loaded(text);

    let root = document.root.unwrap();
    let expected = r#"{"${u}":1,"a":"${u}-x","b":["${v}${w}"],"c":"${u:?}"}"#;
    assert_eq!(root.to_json().to_string(), expected);
    let left: Vec<String> = document
        .unreplaced
        .iter()
        .map(|left| format!("{} {}: {}", left.span.start, left.path, left.error))
        .collect();
    let expected = [
        "1:4 a: no value for `u`",
        "2:5 b[0]: no value for `v`, `w`",
        "3:4 c: operator `:?` is not supported (at byte 0)",
        "4:1 \"${u}\": no value for `u`",
    ];
    assert_eq!(left, expected);
}

#[test]
fn a_resource_can_switch_it_off() {
    let off = "kustomize.toolkit.fluxcd.io/substitute: disabled";
    let label = format!("metadata: {{labels: {{{off}}}}}\na: ${{u}}\n");
    let annotation = format!("metadata: {{annotations: {{{off}}}}}\na: ${{d}} $$\n");
    for text in [&label, &annotation] {
        let document = loaded(text);
        assert_eq!(document.root, documents(text).remove(0).root);
        assert_eq!(document.unreplaced, []);
    }
    let list = format!(
        "apiVersion: v1\nkind: List\nnote: ${{d}}\nitems:\n- {{metadata: {{labels: {{{off}}}}}, a: '${{d}}'}}\n- a: ${{d}}\n"
    );
    let root = loaded(&list).root.unwrap();
    let a = |index| {
        root.get(&Path::root().key("items").index(index).key("a"))
            .unwrap()
    };
    assert_eq!(a(0).as_str(), Some("${d}"));
    assert_eq!(a(1).value, Value::String("x".to_owned()));
    assert_eq!(root.field("note").and_then(Node::as_str), Some("x"));
}

#[test]
fn without_variables_nothing_is_replaced() {
    let text = "a: ${u:=1}\nb: $$\n";

    assert_eq!(load(text, None), documents(text));
    assert_eq!(
        load(text, Some(&Variables::new()))[0]
            .root
            .as_ref()
            .unwrap()
            .to_json()["a"],
        1
    );
}
