//! Enumerations of texts that newer versions of a product may add to.

use std::fmt;

use serde::{
    Deserializer,
    de::{EnumAccess, VariantAccess, Visitor},
};

/// Declares an enumeration whose values are texts, with [`Other`](self) for those that are not
/// known: reading and writing a resource of a newer version keeps them.
///
/// Each variant is followed by its text. The schema lists the known ones.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
            /// A value that this version of walcast does not know.
            Other(String),
        }

        impl $name {
            /// The known values as they are written.
            $vis const KNOWN: &'static [&'static str] = &[$($text),+];

            /// Returns the value as it is written.
            $vis fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }

            /// Returns whether the value is one that this version of walcast knows.
            $vis fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = $crate::crd::open_enum::text(deserializer, stringify!($name), Self::KNOWN)?;
                Ok(Self::from(text.as_str()))
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "type": "string", "enum": Self::KNOWN })
            }
        }
    };
}

pub(crate) use open_enum;

/// Reads a value of the enumeration `name`, known or not.
///
/// It is asked for as an enumeration, so that a deserializer can tell its reader of a value that
/// is not known.
pub(super) fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    name: &'static str,
    known: &'static [&'static str],
) -> Result<String, D::Error> {
    deserializer.deserialize_enum(name, known, TextVisitor)
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<String, A::Error> {
        let (text, variant) = data.variant()?;
        variant.unit_variant()?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    open_enum! {
        /// A mode.
        enum Mode {
            /// One.
            One = "one",
            /// Two.
            TwoMore = "two-more",
        }
    }

    #[test]
    fn known_and_unknown_values_are_read_and_written_as_they_are() {
        for (text, mode) in [
            ("one", Mode::One),
            ("two-more", Mode::TwoMore),
            ("three", Mode::Other("three".into())),
        ] {
            let json = serde_json::Value::from(text);

            assert_eq!(serde_json::from_value::<Mode>(json.clone()).unwrap(), mode);
            assert_eq!(serde_json::to_value(&mode).unwrap(), json);
            assert_eq!(mode.is_known(), Mode::KNOWN.contains(&text));
        }
        assert!(serde_json::from_str::<Mode>("1").is_err());
    }
}
