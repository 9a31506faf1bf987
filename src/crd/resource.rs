//! What every resource is: metadata, what is wanted, what was found.

use std::fmt;

use schemars::{Schema, json_schema};
use serde_json::json;

/// Declares a resource with its metadata, `spec` and `status`, and what Kubernetes knows it by.
///
/// `apiVersion` and `kind` are written, and checked when they are read; lists of the API server
/// leave them out. A resource without `status` has neither the field nor the subresource, and one
/// with `metadata: optional` does not ask for metadata in its schema. `scale` has the paths of the
/// wanted and the found number and, if there is one, of the selector; a `column` has heading, type,
/// path and perhaps a description.
macro_rules! resource {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            spec: $spec:ty,
            $($status:ident: $found:ty,)?
        }
        $group:literal / $version:literal, $plural:literal
        $(, short: [$($short:literal),*])?
        $(, metadata: $optional:ident)?
        $(, scale: ($replicas:literal, $ready:literal $(, $selector:literal)?))?
        $(, column: ($column:literal, $column_type:literal, $column_path:literal
            $(, $column_description:literal)?))*
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            /// Name, namespace, labels and what else the API server keeps of every resource.
            pub metadata: $crate::crd::core::ObjectMeta,
            /// What is wanted.
            pub spec: $spec,
            $(
                /// What was found; `None` before anybody looked.
                pub $status: Option<$found>,
            )?
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
                Self { metadata, spec $(, $status: None)? }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                #[derive(::serde::Serialize)]
                #[serde(rename_all = "camelCase")]
                struct Fields<'a> {
                    api_version: &'static str,
                    kind: &'static str,
                    metadata: &'a $crate::crd::core::ObjectMeta,
                    spec: &'a $spec,
                    $(
                        #[serde(skip_serializing_if = "Option::is_none")]
                        $status: Option<&'a $found>,
                    )?
                }

                let fields = Fields {
                    api_version: Self::API_VERSION,
                    kind: Self::KIND,
                    metadata: &self.metadata,
                    spec: &self.spec,
                    $($status: self.$status.as_ref(),)?
                };
                fields.serialize(serializer)
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
                    $($status: Option<$found>,)?
                }

                let fields = Fields::deserialize(deserializer)?;
                let written = (fields.api_version.as_deref(), fields.kind.as_deref());
                $crate::crd::resource::check(written, (Self::API_VERSION, Self::KIND))
                    .map_err(::serde::de::Error::custom)?;
                Ok(Self {
                    metadata: fields.metadata,
                    spec: fields.spec,
                    $($status: fields.$status,)?
                })
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
                $crate::crd::resource::Parts {
                    description: concat!($($doc, "\n"),*),
                    spec: generator.subschema_for::<$spec>(),
                    status: $crate::crd::resource::resource!(
                        @option $(generator.subschema_for::<$found>())?
                    ),
                    needs_metadata: !$crate::crd::resource::resource!(@flag $($optional)?),
                }
                .schema()
            }
        }

        impl ::kube_core::CustomResourceExt for $name {
            fn crd() -> $crate::crd::definition::CustomResourceDefinition {
                let columns = [
                    $($crate::crd::definition::Column {
                        name: $column,
                        r#type: $column_type,
                        path: $column_path,
                        description: $crate::crd::resource::resource!(
                            @option $($column_description)?
                        ),
                    },)*
                ];
                let subresources = $crate::crd::definition::Subresources {
                    status: $crate::crd::resource::resource!(@flag $($status)?),
                    scale: $crate::crd::resource::resource!(
                        @option $($crate::crd::definition::Scale {
                            wanted: $replicas,
                            found: $ready,
                            selector: $crate::crd::resource::resource!(@option $($selector)?),
                        })?
                    ),
                };
                $crate::crd::definition::definition::<Self>(&columns, subresources)
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
    (@option) => { None };
    (@option $value:expr) => { Some($value) };
    (@flag) => { false };
    (@flag $there:ident) => { true };
}

pub(crate) use resource;

/// What the schema of a resource is made of.
#[derive(Debug)]
pub(super) struct Parts {
    /// What the resource is, one line of its documentation after the other.
    pub(super) description: &'static str,
    pub(super) spec: Schema,
    pub(super) status: Option<Schema>,
    pub(super) needs_metadata: bool,
}

impl Parts {
    pub(super) fn schema(self) -> Schema {
        let lines: Vec<&str> = self.description.lines().map(str::trim).collect();
        let mut properties = json!({
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": { "type": "object" },
            "spec": self.spec,
        });
        if let Some(status) = self.status {
            properties["status"] = status.into();
        }
        let required: &[&str] = if self.needs_metadata {
            &["metadata", "spec"]
        } else {
            &["spec"]
        };
        json_schema!({
            "description": lines.join("\n").trim(),
            "type": "object",
            "properties": properties,
            "required": required,
        })
    }
}

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
