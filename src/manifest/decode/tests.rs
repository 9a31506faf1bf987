use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::*;
use crate::manifest::documents;

fn root(text: &str) -> Node {
    documents(text).remove(0).root.unwrap()
}

fn texts(errors: &[DecodeError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct Shape {
    name: String,
    #[serde(default)]
    data: Option<Inner>,
    #[serde(default)]
    list: Vec<Inner>,
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    size: u32,
    #[serde(default)]
    codec: Option<Codec>,
    #[serde(default)]
    mode: Option<Mode>,
    #[serde(default)]
    free: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    data: i64,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Codec {
    Gzip,
}

/// An enumeration that takes any text.
#[derive(Debug, PartialEq)]
struct Mode(String);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::{EnumAccess, VariantAccess, Visitor};

        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Mode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mode")
            }

            fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Mode, A::Error> {
                let (text, variant) = data.variant()?;
                variant.unit_variant()?;
                Ok(Mode(text))
            }
        }

        deserializer.deserialize_enum("Mode", &["fast", "slow"], Any)
    }
}

#[test]
fn every_fault_is_reported_and_the_rest_is_kept() {
    let text = "nmae: x
name: z
data: {data: 1, dat: 2}
list:
- {data: 1}
- {}
- {data: yes}
- 5
flag: off
size: -1
codec: xz
mode: brisk
";
    let decoded = decode::<Shape>(&root(text));

    let errors = [
        "6:3: list[1].data: field `data` is missing",
        "7:10: list[2].data: expected a whole number, found a boolean",
        "8:3: list[3]: expected a mapping, found a number",
        "10:7: size: expected a whole number from 0 to 4294967295, found another number",
        "11:8: codec: unknown value `xz`, expected one of `gzip`",
    ];
    assert_eq!(texts(&decoded.errors), errors);
    let unknown = [
        "1:1: nmae: unknown field `nmae`",
        "3:17: data.dat: unknown field `dat`",
        "12:7: mode: unknown value `brisk`, expected one of `fast`, `slow`",
    ];
    assert_eq!(texts(&decoded.unknown), unknown);
    let value = decoded.value.unwrap();
    assert_eq!(value.name, "z");
    assert_eq!(value.data, Some(Inner { data: 1 }));
    assert_eq!(value.list, [Inner { data: 1 }]);
    assert_eq!(value.mode, Some(Mode("brisk".to_owned())));
}

#[test]
fn unknown_fields_are_found_whatever_is_above_and_below_them() {
    let decoded = decode::<Shape>(&root(
        "name: x\ndata:\n  data: 1\n  codec: {codec: 2}\nx: {x: 1}\nfree: {any: {thing: 1}}\n",
    ));

    let unknown = [
        "4:3: data.codec: unknown field `codec`",
        "5:1: x: unknown field `x`",
    ];
    assert_eq!(texts(&decoded.unknown), unknown);
    assert_eq!(decoded.errors, []);
}

#[test]
fn what_a_type_passes_by_is_unknown_too() {
    /// As k8s-openapi's types read.
    #[derive(Debug)]
    struct ByHand;

    impl<'de> Deserialize<'de> for ByHand {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Any;

            impl<'de> serde::de::Visitor<'de> for Any {
                type Value = ByHand;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("ByHand")
                }

                fn visit_map<A: serde::de::MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<ByHand, A::Error> {
                    while map.next_key::<String>()?.is_some() {
                        map.next_value::<IgnoredAny>()?;
                    }
                    Ok(ByHand)
                }
            }

            deserializer.deserialize_map(Any)
        }
    }

    let decoded = decode::<ByHand>(&root("a: 1\nb: {c: 2}\n"));

    let unknown = ["1:1: a: unknown field `a`", "2:1: b: unknown field `b`"];
    assert_eq!(texts(&decoded.unknown), unknown);
    assert!(decoded.value.is_some());
}

#[test]
fn what_is_missing_is_said_once() {
    let decoded = decode::<Shape>(&root("data: {}\nname: [1]\n"));

    let errors = [
        "1:1: data.data: field `data` is missing",
        "2:7: name: expected text, found a list",
    ];
    assert_eq!(texts(&decoded.errors), errors);
    assert_eq!(decoded.value, None);
}

#[test]
fn null_is_absent() {
    let text = "name: x\ndata: ~\nlist:\nflag:\ncodec: null\nsize: ~\nfree: {a: ~}\n";
    let decoded = decode::<Shape>(&root(text));

    assert_eq!(decoded.errors, []);
    let expected = Shape {
        name: "x".to_owned(),
        free: [("a".to_owned(), serde_json::Value::Null)].into(),
        ..Shape::default()
    };
    assert_eq!(decoded.value, Some(expected));
}

#[test]
fn null_is_a_fault_where_something_must_be() {
    let decoded = decode::<Shape>(&root("name: ~\nlist: [~]\n"));

    let errors = [
        "1:7: name: expected text, found null",
        "2:8: list[0]: expected a mapping, found null",
    ];
    assert_eq!(texts(&decoded.errors), errors);
    assert_eq!(decoded.value, None);
}

#[test]
fn placeholders_are_held_where_text_does_not_do() {
    let text = "name: ${NAME}
data: ${DATA}
list: [{data: 1}, '${ITEM}', {data: 2}]
flag: ${FLAG:=true}
size: \"${SIZE}\"
codec: ${CODEC}
mode: ${MODE}
free: {a: ${A}}
";
    let decoded = decode::<Shape>(&root(text));

    let mut held: Vec<String> = decoded
        .held
        .iter()
        .map(|held| held.path.to_string())
        .collect();
    held.sort_unstable();
    assert_eq!(held, ["codec", "data", "flag", "list[1]", "mode", "size"]);
    assert_eq!((decoded.errors, decoded.unknown), (Vec::new(), Vec::new()));
    let expected = Shape {
        name: "${NAME}".to_owned(),
        list: vec![Inner { data: 1 }, Inner { data: 2 }],
        free: [("a".to_owned(), "${A}".into())].into(),
        ..Shape::default()
    };
    assert_eq!(decoded.value, Some(expected));
}

#[test]
fn a_placeholder_that_cannot_be_done_without_is_stood_in_for() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Strict {
        count: u16,
        mode: Mode,
        #[serde(default)]
        list: Vec<Inner>,
    }

    let text = "count: ${N}\nmode: ${MODE}\nlist: [{data: ${D}}]\n";
    let decoded = decode::<Strict>(&root(text));

    assert_eq!((decoded.errors, decoded.unknown), (Vec::new(), Vec::new()));
    assert_eq!(decoded.held.len(), 3);
    let expected = Strict {
        count: 0,
        mode: Mode("${MODE}".to_owned()),
        list: vec![Inner { data: 0 }],
    };
    assert_eq!(decoded.value, Some(expected));
}

#[test]
fn a_placeholder_that_nothing_can_stand_in_for_is_a_fault() {
    #[derive(Debug, Deserialize)]
    struct Strict {
        #[expect(dead_code, reason = "it is never read")]
        codec: Codec,
        #[serde(default)]
        #[expect(dead_code, reason = "it is never read")]
        data: Option<Inner>,
    }

    let decoded = decode::<Strict>(&root("codec: x-${CODEC}\ndata: {data: ${DATA}}\n"));

    let errors = ["1:8: codec: `${CODEC}` was not replaced by its value"];
    assert_eq!(texts(&decoded.errors), errors);
    assert_eq!(decoded.held.len(), 2);
    assert!(decoded.value.is_none());
}

#[test]
fn a_placeholder_for_the_whole_is_a_fault() {
    let decoded = decode::<Shape>(&root("${ALL}"));

    let errors = ["1:1: : `${ALL}` was not replaced by its value"];
    assert_eq!(texts(&decoded.errors), errors);
    assert_eq!(decode::<Option<u8>>(&root("${ALL}")).errors.len(), 1);
}

#[test]
fn text_that_is_no_placeholder_is_a_fault() {
    let decoded = decode::<Shape>(&root("name: x\nsize: $${N}\nflag: $N\ndata: '${N'\n"));

    let errors = [
        "2:7: size: expected a whole number from 0 to 4294967295, found text",
        "3:7: flag: expected a boolean, found text",
        "4:7: data: expected a mapping, found text",
    ];
    assert_eq!(texts(&decoded.errors), errors);
    assert_eq!(decoded.held, []);
}

#[test]
fn a_hundred_faults_are_enough() {
    let list: String = (0..300).map(|_| "- {more: 1, data: x}\n").collect();
    let decoded = decode::<Shape>(&root(&format!("name: x\nlist:\n{list}")));

    assert_eq!(decoded.errors.len(), MAX_ERRORS);
    assert_eq!(decoded.unknown.len(), MAX_ERRORS);
    assert_eq!(decoded.value, None);
}
