//! `CustomResourceDefinition`s of the resources.
//!
//! The schema comes from the types. What the API server wants of one beyond JSON Schema (a
//! *structural schema*: no references, no null among the types) is made of it in `structural`, and
//! what the types of k8s-openapi do not say is added in `kubernetes`.

mod kubernetes;
mod structural;

use std::borrow::Cow;

pub use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::{CustomResourceExt, Resource};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value, json};

/// A column that `kubectl get` prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its heading.
    pub(super) name: &'static str,
    /// The type of its values, such as `string` or `date`.
    pub(super) r#type: &'static str,
    /// Where they are.
    pub(super) path: &'static str,
    /// What they are.
    pub(super) description: Option<&'static str>,
}

/// Parts of a resource that the API server keeps apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subresources {
    /// Whether the status is written on its own.
    pub(super) status: bool,
    /// Where the numbers are that `kubectl scale` reads and writes.
    pub(super) scale: Option<Scale>,
}

/// Where the numbers of a resource are that can be scaled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// How many are wanted.
    pub(super) wanted: &'static str,
    /// How many there are.
    pub(super) found: &'static str,
    /// The selector of what is counted, as text.
    pub(super) selector: Option<&'static str>,
}

/// Returns the schema of `T` in the form that the API server takes.
///
/// ```
/// # use walcast::crd::{barman_cloud::ObjectStore, structural_schema};
/// let schema = structural_schema::<ObjectStore>();
/// let spec = &schema["properties"]["spec"];
/// assert_eq!(spec["properties"]["retentionPolicy"]["pattern"], "^[1-9][0-9]*[dwm]$");
/// ```
pub fn structural_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
    let schema = settings.into_generator().into_root_schema_for::<T>();
    structural::structural(schema.to_value())
}

/// Returns the definition of the resource `R`.
pub(super) fn definition<R>(
    columns: &[Column],
    subresources: Subresources,
) -> CustomResourceDefinition
where
    R: CustomResourceExt + JsonSchema + Resource<DynamicType = ()>,
{
    let (kind, plural) = (R::kind(&()), R::plural(&()));
    let mut names = json!({
        "kind": kind,
        "listKind": format!("{kind}List"),
        "plural": plural,
        "singular": kind.to_lowercase(),
    });
    if !R::shortnames().is_empty() {
        names["shortNames"] = json!(R::shortnames());
    }
    let mut version = json!({
        "name": R::version(&()),
        "served": true,
        "storage": true,
        "schema": { "openAPIV3Schema": structural_schema::<R>() },
    });
    if !columns.is_empty() {
        version["additionalPrinterColumns"] =
            columns.iter().map(|column| column.to_json()).collect();
    }
    let subresources = subresources.to_json();
    if !subresources.is_empty() {
        version["subresources"] = subresources.into();
    }
    let definition = json!({
        "metadata": { "name": R::crd_name() },
        "spec": {
            "group": R::group(&()),
            "names": names,
            "scope": "Namespaced",
            "versions": [version],
        },
    });
    serde_json::from_value(definition).expect("a structural schema fits into a definition")
}

impl Column {
    fn to_json(self) -> Value {
        let mut json = json!({ "name": self.name, "type": self.r#type, "jsonPath": self.path });
        if let Some(description) = self.description {
            json["description"] = description.into();
        }
        json
    }
}

impl Subresources {
    fn to_json(self) -> Map<String, Value> {
        let mut json = Map::new();
        if self.status {
            json.insert("status".to_owned(), json!({}));
        }
        if let Some(scale) = self.scale {
            let mut paths = json!({
                "specReplicasPath": scale.wanted,
                "statusReplicasPath": scale.found,
            });
            if let Some(selector) = scale.selector {
                paths["labelSelectorPath"] = selector.into();
            }
            json.insert("scale".to_owned(), paths);
        }
        json
    }
}

/// Go's `int` in a schema: a whole number that nothing is said about. Stands in for the field's
/// own type, whose schema would name its width.
pub(super) enum Int {}

impl JsonSchema for Int {
    fn schema_name() -> Cow<'static, str> {
        "Int".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer" })
    }
}
