//! Serde's view of a tree, which notices what the type has no place for.

use serde::{
    Deserializer,
    de::{IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};

use super::{
    Fault,
    access::{Fields, Items},
    findings::{Findings, placeholder},
};
use crate::manifest::{Entry, Key, Kind, Mapping, Node, Value, trail::Trail};

/// Reads one value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'n, 'r> {
    pub node: &'n Node,
    /// The key it stands under.
    pub key: Option<&'n Key>,
    pub trail: &'r Trail<'r>,
    pub findings: &'r Findings<'n>,
}

impl<'n, 'r> Reader<'n, 'r> {
    /// Returns the reader of an entry's value, which `trail` leads to.
    pub(super) fn of_entry<'t>(self, entry: &'n Entry, trail: &'t Trail<'t>) -> Reader<'n, 't>
    where
        'r: 't,
    {
        Reader {
            node: &entry.value,
            key: Some(&entry.key),
            trail,
            findings: self.findings,
        }
    }

    /// Returns the reader of an item, which `trail` leads to.
    pub(super) fn of_item<'t>(self, node: &'n Node, trail: &'t Trail<'t>) -> Reader<'n, 't>
    where
        'r: 't,
    {
        Reader {
            node,
            key: None,
            trail,
            findings: self.findings,
        }
    }

    /// Returns whether the text is a placeholder for the number, flag or name that is wanted.
    fn is_held(self) -> bool {
        let is_root = matches!(self.trail, Trail::Root);
        let is_held = !is_root && placeholder(self.node).is_some();
        if is_held {
            self.findings.hold(self);
        }
        is_held
    }

    fn fields(
        self,
        mapping: &'n Mapping,
        known: Option<&'static [&'static str]>,
    ) -> Fields<'n, 'r> {
        Fields::new(mapping.entries(), known, self)
    }

    fn wrong_kind(self, expected: Kind) -> Fault {
        Fault::WrongKind {
            expected: expected.to_string(),
            found: self.node.value.kind(),
        }
    }
}

/// What serde asks for when it wants a number; zero stands in for a placeholder.
macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
            if self.is_held() {
                return visitor.visit_i64(0);
            }
            self.deserialize_any(visitor)
        }
    )*};
}

impl<'n> Deserializer<'n> for Reader<'n, '_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Integer(number) => visit_integer(*number, visitor),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Template(text) => {
                self.findings.unquoted(self.trail);
                visitor.visit_borrowed_str(text)
            }
            Value::Sequence(items) => visitor.visit_seq(Items::new(items, self)),
            Value::Mapping(mapping) => visitor.visit_map(self.fields(mapping, None)),
        }
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_bool<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.value == Value::Null || self.is_held() {
            return visitor.visit_bool(false);
        }
        self.deserialize_any(visitor)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_seq<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_seq(Items::new(&[], self)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_map(Fields::new(&[], None, self)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Mapping(mapping) => visitor.visit_map(self.fields(mapping, Some(fields))),
            _ => Err(self.wrong_kind(Kind::Mapping)),
        }
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = self.node.as_str();
        let text = text.ok_or_else(|| self.wrong_kind(Kind::String))?;
        let is_held = self.is_held();
        let value = visitor.visit_enum(text.into_deserializer())?;
        if !is_held && !variants.contains(&text) {
            self.findings.unknown_value(self, text, variants);
        }
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// What a type passes by is as unknown as what it does not name.
    fn deserialize_ignored_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Fault> {
        if let Some(key) = self.key {
            self.findings.unknown_field(self, key, &[]);
        }
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'n>>
        char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

fn visit_integer<'n, V: Visitor<'n>>(number: i128, visitor: V) -> Result<V::Value, Fault> {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => visitor.visit_i128(number),
    }
}
