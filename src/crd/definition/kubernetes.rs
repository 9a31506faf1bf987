//! What Kubernetes says of its own types and k8s-openapi does not: how lists are merged, which
//! objects are set as a whole, defaults, limits.
//!
//! The markers of the Go types in `k8s.io/api` and `k8s.io/apimachinery`, as far as the resources
//! here use them and as the definitions of CloudNativePG 1.30 have them.

use serde_json::{Map, Value, json};

/// Selectors and references, which are set as a whole.
const ATOMIC_OBJECTS: &[&str] = &[
    "ConfigMapEnvSource",
    "ConfigMapKeySelector",
    "ConfigMapProjection",
    "ConfigMapVolumeSource",
    "FileKeySelector",
    "LabelSelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ResourceFieldSelector",
    "SecretEnvSource",
    "SecretKeySelector",
    "SecretProjection",
    "TypedLocalObjectReference",
];

/// Maps that are set as a whole: type and field.
const ATOMIC_MAPS: &[(&str, &str)] = &[("PodSpec", "nodeSelector"), ("ServiceSpec", "selector")];

/// Lists whose items are known by the values of some of their fields: type, field, those fields.
/// All other lists are set as a whole.
const KEYED_LISTS: &[(&str, &str, &[&str])] = &[
    ("Container", "env", &["name"]),
    ("Container", "ports", &["containerPort", "protocol"]),
    ("Container", "volumeDevices", &["devicePath"]),
    ("Container", "volumeMounts", &["mountPath"]),
    ("EphemeralContainer", "env", &["name"]),
    (
        "EphemeralContainer",
        "ports",
        &["containerPort", "protocol"],
    ),
    ("EphemeralContainer", "volumeDevices", &["devicePath"]),
    ("EphemeralContainer", "volumeMounts", &["mountPath"]),
    ("PodSpec", "containers", &["name"]),
    ("PodSpec", "ephemeralContainers", &["name"]),
    ("PodSpec", "hostAliases", &["ip"]),
    ("PodSpec", "imagePullSecrets", &["name"]),
    ("PodSpec", "initContainers", &["name"]),
    ("PodSpec", "resourceClaims", &["name"]),
    ("PodSpec", "schedulingGates", &["name"]),
    (
        "PodSpec",
        "topologySpreadConstraints",
        &["topologyKey", "whenUnsatisfiable"],
    ),
    ("PodSpec", "volumes", &["name"]),
    ("ResourceRequirements", "claims", &["name"]),
    ("ServiceSpec", "ports", &["port", "protocol"]),
];

/// Lists whose items are all different.
const SETS: &[(&str, &str)] = &[("ContainerRestartRuleOnExitCodes", "values")];

/// Texts that are there when nothing is written: type, field, text.
const DEFAULT_TEXTS: &[(&str, &str, &str)] = &[
    ("AzureDiskVolumeSource", "fsType", "ext4"),
    ("ConfigMapEnvSource", "name", ""),
    ("ConfigMapKeySelector", "name", ""),
    ("ConfigMapProjection", "name", ""),
    ("ConfigMapVolumeSource", "name", ""),
    ("ContainerPort", "protocol", "TCP"),
    ("GRPCAction", "service", ""),
    ("ISCSIVolumeSource", "iscsiInterface", "default"),
    ("LocalObjectReference", "name", ""),
    ("RBDVolumeSource", "keyring", "/etc/ceph/keyring"),
    ("RBDVolumeSource", "pool", "rbd"),
    ("RBDVolumeSource", "user", "admin"),
    ("ScaleIOVolumeSource", "fsType", "xfs"),
    ("ScaleIOVolumeSource", "storageMode", "ThinProvisioned"),
    ("SecretEnvSource", "name", ""),
    ("SecretKeySelector", "name", ""),
    ("SecretProjection", "name", ""),
    ("ServicePort", "protocol", "TCP"),
];

/// Flags that are off when nothing is written.
const DEFAULT_OFF: &[(&str, &str)] = &[
    ("AzureDiskVolumeSource", "readOnly"),
    ("FileKeySelector", "optional"),
];

const QUANTITY: &str = r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
const REASON: &str = "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$";
const CONDITION_TYPE: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$";

/// Adds to the schema of a type of Kubernetes what is missing in it.
pub(super) fn complete(name: &str, schema: &mut Value) {
    let Some((_, r#type)) = name
        .strip_prefix("io.k8s.")
        .and_then(|rest| rest.rsplit_once('.'))
    else {
        return;
    };
    match r#type {
        // The API server has a schema of its own for it.
        "ObjectMeta" => *schema = json!({ "type": "object" }),
        "Quantity" => {
            *schema = int_or_string();
            schema["pattern"] = QUANTITY.into();
        }
        "IntOrString" => *schema = int_or_string(),
        "Time" | "MicroTime" => *schema = json!({ "type": "string", "format": "date-time" }),
        _ => {}
    }
    if ATOMIC_OBJECTS.contains(&r#type) {
        schema["x-kubernetes-map-type"] = "atomic".into();
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (field, property) in properties.iter_mut() {
            complete_field(r#type, field, property);
        }
        if r#type == "Condition" {
            limit_condition(properties);
        }
    }
    forget_required_defaults(schema);
}

fn complete_field(r#type: &str, field: &str, schema: &mut Value) {
    let is_this = |(t, f): &(&str, &str)| (*t, *f) == (r#type, field);
    if schema["type"] == "array" {
        let keys = KEYED_LISTS
            .iter()
            .find(|(t, f, _)| (*t, *f) == (r#type, field));
        schema["x-kubernetes-list-type"] = match keys {
            Some((.., keys)) => {
                schema["x-kubernetes-list-map-keys"] = json!(keys);
                "map".into()
            }
            None if SETS.iter().any(is_this) => "set".into(),
            None => "atomic".into(),
        };
    }
    if ATOMIC_MAPS.iter().any(is_this) {
        schema["x-kubernetes-map-type"] = "atomic".into();
    }
    let text = DEFAULT_TEXTS
        .iter()
        .find(|(t, f, _)| (*t, *f) == (r#type, field));
    if let Some((.., text)) = text {
        schema["default"] = json!(text);
    }
    if DEFAULT_OFF.iter().any(is_this) {
        schema["default"] = false.into();
    }
}

fn limit_condition(properties: &mut Map<String, Value>) {
    let limits = json!({
        "message": { "maxLength": 32_768 },
        "observedGeneration": { "minimum": 0 },
        "reason": { "maxLength": 1024, "minLength": 1, "pattern": REASON },
        "status": { "enum": ["True", "False", "Unknown"] },
        "type": { "maxLength": 316, "pattern": CONDITION_TYPE },
    });
    for (field, property) in properties.iter_mut() {
        if let (Value::Object(property), Value::Object(limits)) = (property, &limits[field]) {
            property.extend(limits.clone());
        }
    }
}

fn int_or_string() -> Value {
    json!({
        "anyOf": [{ "type": "integer" }, { "type": "string" }],
        "x-kubernetes-int-or-string": true,
    })
}

/// What has a default need not be written.
fn forget_required_defaults(schema: &mut Value) {
    let required = schema.as_object_mut().and_then(|s| s.remove("required"));
    let Some(Value::Array(mut required)) = required else {
        return;
    };
    let properties = &schema["properties"];
    required.retain(|field| {
        let field = field.as_str().unwrap_or_default();
        properties[field].get("default").is_none()
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
}
