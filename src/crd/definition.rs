//! `CustomResourceDefinition`s of the resources.
//!
//! The schema comes from the types. What the API server wants of one beyond JSON Schema (a
//! *structural schema*: no references, no null among the types) is made of it here.

pub use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::{CustomResourceExt, Resource};
use schemars::{
    JsonSchema, Schema,
    generate::SchemaSettings,
    transform::{Transform, transform_subschemas},
};
use serde_json::{Value, json};

/// A column that `kubectl get` prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its heading.
    pub(super) name: &'static str,
    /// The type of its values, such as `string` or `date`.
    pub(super) r#type: &'static str,
    /// Where they are.
    pub(super) path: &'static str,
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
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
        settings.transforms.push(Box::new(Structural));
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.to_value()
}

/// Returns the definition of the resource `R`, with a status of its own.
pub(super) fn definition<R>(columns: &[Column]) -> CustomResourceDefinition
where
    R: CustomResourceExt + JsonSchema + Resource<DynamicType = ()>,
{
    let (kind, plural) = (R::kind(&()), R::plural(&()));
    let columns: Vec<Value> = columns.iter().map(Column::to_json).collect();
    let mut names = json!({
        "kind": kind,
        "listKind": format!("{kind}List"),
        "plural": plural,
        "singular": kind.to_lowercase(),
    });
    if !R::shortnames().is_empty() {
        names["shortNames"] = json!(R::shortnames());
    }
    let definition = json!({
        "metadata": { "name": R::crd_name() },
        "spec": {
            "group": R::group(&()),
            "names": names,
            "scope": "Namespaced",
            "versions": [{
                "name": R::version(&()),
                "served": true,
                "storage": true,
                "additionalPrinterColumns": columns,
                "schema": { "openAPIV3Schema": structural_schema::<R>() },
                "subresources": { "status": {} },
            }],
        },
    });
    serde_json::from_value(definition).expect("a structural schema fits into a definition")
}

impl Column {
    fn to_json(&self) -> Value {
        json!({ "name": self.name, "type": self.r#type, "jsonPath": self.path })
    }
}

/// Takes out what Rust's types say and a structural schema has no place for: an absent field is
/// not null, and a number has the range of its format.
#[derive(Clone, Debug)]
struct Structural;

impl Transform for Structural {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        unwrap_option(schema);
        schema.remove("nullable");
    }
}

/// Turns "either this or null" into "this".
fn unwrap_option(schema: &mut Schema) {
    let Some(Value::Array(choices)) = schema.get("anyOf") else {
        return;
    };
    let is_null = |choice: &Value| choice["type"] == "null" || choice["enum"] == json!([null]);
    let [Value::Object(first), second] = choices.as_slice() else {
        return;
    };
    if !is_null(second) {
        return;
    }
    let first = first.clone();
    schema.remove("anyOf");
    for (key, value) in first {
        // What the field says of itself wins over what its type says.
        if schema.get(&key).is_none() {
            schema.insert(key, value);
        }
    }
}
