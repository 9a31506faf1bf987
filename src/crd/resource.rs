//! What every resource is: metadata, what is wanted, what was found.

use std::fmt;

/// Declares a resource with its metadata, `spec` and `status`, and what Kubernetes knows it by.
///
/// `apiVersion` and `kind` are written, and checked when they are read; lists of the API server
/// leave them out.
macro_rules! resource {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            spec: $spec:ty,
            status: $status:ty,
        }
        $group:literal / $version:literal, $plural:literal $(, short: [$($short:literal),*])?
        $(, column: ($column:literal, $column_type:literal, $column_path:literal))*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// Name, namespace, labels and what else the API server keeps of every resource.
            pub metadata: $crate::crd::core::ObjectMeta,
            /// What is wanted.
            pub spec: $spec,
            /// What was found; `None` before anybody looked.
            pub status: Option<$status>,
        }

        impl $name {
            /// The group of the resource.
            pub const GROUP: &'static str = $group;
            /// Its version.
            pub const VERSION: &'static str = $version;
            /// Group and version, as `apiVersion` has them.
            pub const API_VERSION: &'static str = concat!($group, "/", $version);
            /// Its kind.
            pub const KIND: &'static str = stringify!($name);

            /// Returns the resource `name` that asks for `spec`.
            pub fn new(name: impl Into<String>, spec: $spec) -> Self {
                let metadata = $crate::crd::core::ObjectMeta {
                    name: Some(name.into()),
                    ..Default::default()
                };
                Self { metadata, spec, status: None }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeStruct as _;

                let fields = 4 + usize::from(self.status.is_some());
                let mut fields = serializer.serialize_struct(Self::KIND, fields)?;
                fields.serialize_field("apiVersion", Self::API_VERSION)?;
                fields.serialize_field("kind", Self::KIND)?;
                fields.serialize_field("metadata", &self.metadata)?;
                fields.serialize_field("spec", &self.spec)?;
                match &self.status {
                    Some(status) => fields.serialize_field("status", status)?,
                    None => fields.skip_field("status")?,
                }
                fields.end()
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(::serde::Deserialize)]
                #[serde(rename_all = "camelCase")]
                struct Fields {
                    api_version: Option<String>,
                    kind: Option<String>,
                    #[serde(default)]
                    metadata: $crate::crd::core::ObjectMeta,
                    spec: $spec,
                    status: Option<$status>,
                }

                let Fields { api_version, kind, metadata, spec, status } =
                    Fields::deserialize(deserializer)?;
                let written = (api_version.as_deref(), kind.as_deref());
                $crate::crd::resource::check(written, (Self::API_VERSION, Self::KIND))
                    .map_err(::serde::de::Error::custom)?;
                Ok(Self { metadata, spec, status })
            }
        }

        impl ::kube_core::Resource for $name {
            type DynamicType = ();
            type Scope = ::kube_core::NamespaceResourceScope;

            fn kind((): &()) -> ::std::borrow::Cow<'_, str> {
                Self::KIND.into()
            }

            fn group((): &()) -> ::std::borrow::Cow<'_, str> {
                Self::GROUP.into()
            }

            fn version((): &()) -> ::std::borrow::Cow<'_, str> {
                Self::VERSION.into()
            }

            fn plural((): &()) -> ::std::borrow::Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &$crate::crd::core::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut $crate::crd::core::ObjectMeta {
                &mut self.metadata
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                Self::KIND.into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({
                    "type": "object",
                    "properties": {
                        "apiVersion": { "type": "string" },
                        "kind": { "type": "string" },
                        "metadata": { "type": "object" },
                        "spec": generator.subschema_for::<$spec>(),
                        "status": generator.subschema_for::<$status>(),
                    },
                    "required": ["metadata", "spec"],
                })
            }
        }

        impl ::kube_core::CustomResourceExt for $name {
            fn crd() -> $crate::crd::definition::CustomResourceDefinition {
                $crate::crd::definition::definition::<Self>(&[
                    $($crate::crd::definition::Column {
                        name: $column,
                        r#type: $column_type,
                        path: $column_path,
                    },)*
                ])
            }

            fn crd_name() -> &'static str {
                concat!($plural, ".", $group)
            }

            fn api_resource() -> ::kube_core::discovery::ApiResource {
                ::kube_core::discovery::ApiResource::erase::<Self>(&())
            }

            fn shortnames() -> &'static [&'static str] {
                &[$($($short),*)?]
            }
        }
    };
}

pub(crate) use resource;

/// The resource is of another kind or version.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct OtherResource {
    field: &'static str,
    written: String,
    expected: &'static str,
}

impl fmt::Display for OtherResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            written,
            expected,
        } = self;
        write!(f, "{field} is `{written}`, expected `{expected}`")
    }
}

/// Compares `apiVersion` and `kind` as far as they are written.
pub(super) fn check(
    written: (Option<&str>, Option<&str>),
    expected: (&'static str, &'static str),
) -> Result<(), OtherResource> {
    for (field, written, expected) in [
        ("apiVersion", written.0, expected.0),
        ("kind", written.1, expected.1),
    ] {
        if let Some(written) = written.filter(|written| *written != expected) {
            let written = written.to_owned();
            return Err(OtherResource {
                field,
                written,
                expected,
            });
        }
    }
    Ok(())
}
