//! Fields and values that an `ObjectStore` does not have.
//!
//! The types keep or pass by what they do not know; whoever configures walcast mistyped it.

use crate::{
    crd::barman_cloud::{DataCompression, Encryption, WalCompression},
    manifest::{DecodeError, Fault, Mapping, Node, Path},
};

type Names = &'static [&'static str];

/// The fields by the way to what has them.
const FIELDS: &[(Names, Names)] = &[
    (&[], &["apiVersion", "kind", "metadata", "spec", "status"]),
    (
        &["spec"],
        &[
            "configuration",
            "retentionPolicy",
            "instanceSidecarConfiguration",
        ],
    ),
    (
        &["spec", "configuration"],
        &[
            "destinationPath",
            "endpointURL",
            "endpointCA",
            "serverName",
            "s3Credentials",
            "azureCredentials",
            "googleCredentials",
            "wal",
            "data",
            "tags",
            "historyTags",
        ],
    ),
    (&["spec", "configuration", "endpointCA"], SELECTOR),
    (
        &["spec", "configuration", "s3Credentials"],
        &[
            "accessKeyId",
            "secretAccessKey",
            "sessionToken",
            "region",
            "inheritFromIAMRole",
        ],
    ),
    (
        &["spec", "configuration", "azureCredentials"],
        &[
            "connectionString",
            "storageAccount",
            "storageKey",
            "storageSasToken",
            "inheritFromAzureAD",
            "useDefaultAzureCredentials",
        ],
    ),
    (
        &["spec", "configuration", "googleCredentials"],
        &["applicationCredentials", "gkeEnvironment"],
    ),
    (
        &["spec", "configuration", "wal"],
        &[
            "compression",
            "encryption",
            "maxParallel",
            "archiveAdditionalCommandArgs",
            "restoreAdditionalCommandArgs",
        ],
    ),
    (
        &["spec", "configuration", "data"],
        &[
            "compression",
            "encryption",
            "jobs",
            "immediateCheckpoint",
            "additionalCommandArgs",
            "restoreAdditionalCommandArgs",
        ],
    ),
];

const SELECTOR: Names = &["name", "key"];

/// The values of the enumerations by the way there.
const VALUES: &[(Names, Names)] = &[
    (
        &["spec", "configuration", "wal", "compression"],
        WalCompression::KNOWN,
    ),
    (
        &["spec", "configuration", "wal", "encryption"],
        Encryption::KNOWN,
    ),
    (
        &["spec", "configuration", "data", "compression"],
        DataCompression::KNOWN,
    ),
    (
        &["spec", "configuration", "data", "encryption"],
        Encryption::KNOWN,
    ),
];

/// Returns what `node` has and an `ObjectStore` does not.
pub(super) fn faults(node: &Node) -> Vec<DecodeError> {
    let mut faults = Vec::new();
    for (keys, known) in FIELDS {
        let path: Path = keys.iter().copied().collect();
        add_unknown_fields(node, &path, known, &mut faults);
        // Whatever else credentials have are selectors.
        if keys.last().is_some_and(|key| key.ends_with("Credentials")) {
            for selector in *known {
                add_unknown_fields(node, &path.clone().key(*selector), SELECTOR, &mut faults);
            }
        }
    }
    for (keys, known) in VALUES {
        let path: Path = keys.iter().copied().collect();
        let value = node.get(&path).and_then(Node::as_str);
        if let Some(value) = value.filter(|value| !known.contains(value)) {
            let value = value.to_owned();
            let span = node.nearest(&path);
            let fault = Fault::UnknownValue { value, known };
            faults.push(DecodeError { path, span, fault });
        }
    }
    faults
}

fn add_unknown_fields(root: &Node, path: &Path, known: Names, faults: &mut Vec<DecodeError>) {
    let mapping = root.get(path).and_then(Node::as_mapping);
    for entry in mapping.into_iter().flat_map(Mapping::entries) {
        let field = &entry.key.name;
        if !known.contains(&field.as_str()) {
            faults.push(DecodeError {
                path: path.clone().key(field),
                span: entry.key.span,
                fault: Fault::UnknownField {
                    field: field.clone(),
                    known,
                },
            });
        }
    }
}
