//! Keys to stores.

use crate::{
    inventory::{Field, Kind, Resource, Seen},
    lint::{
        Level, Rule,
        sink::{Draft, Sink},
        system::{External, System},
    },
    manifest::Node,
};

pub(super) static CREDENTIALS_BESIDE: Rule = Rule {
    id: "T28",
    name: "credentials-beside",
    level: Level::Error,
    summary: "Keys stand beside `s3Credentials` instead of in it.",
    reason: "Two blanks too few put `accessKeyId` next to `s3Credentials`, which is then empty: the \
             keys are unknown fields, which the API server drops or refuses, and the plugin works \
             without keys or panics. An example of the plugin's migration guide was written so.",
    remedy: "Indent the keys below `s3Credentials`.",
    source: "§9.2; B:web/docs/migration.md",
    check: beside,
};

pub(super) static HALF_A_PAIR: Rule = Rule {
    id: "T41",
    name: "half-a-key-pair",
    level: Level::Error,
    summary: "A repository of a Stanza has half of what it needs to get in.",
    reason: "Dalibo's plugin has no webhook: an access key without its secret, or `cipherConfig` \
             without `encryptionPass`, is accepted and fails at the first WAL file, `secret \
             reference is nil`. A legacy Repository without `secretRef` makes it panic.",
    remedy: "Complete the pair.",
    source: "§2.5; D:internal/utils/envvar.go",
    check: half,
};

pub(super) static BAD_CREDENTIALS: Rule = Rule {
    id: "T52",
    name: "bad-credentials",
    level: Level::Error,
    summary: "Credentials break a rule that nobody checks where they stand.",
    reason: "The operator's webhook checks credentials of `spec.backup.barmanObjectStore` alone. In \
             an ObjectStore and in `externalClusters` nobody does, so that the error shows at the \
             first WAL file or in the middle of a restore. Exactly one provider; for S3 a role, or an \
             access key with its secret; for Azure a connection string, or one of key, SAS token, AD \
             and default credentials, the first two with an account; for Google a file or GKE.",
    remedy: "Give exactly one complete set of credentials.",
    source: "§2.1.1; L:pkg/api/webhooks/config.go",
    check: bad,
};

/// The configurations of Barman in all resources, with whether the webhook checks them.
fn configurations<'a>(system: &System<'a>) -> Vec<(Resource<'a>, Field<'a>)> {
    let mut all = Vec::new();
    for store in system.index.of_kind(Kind::ObjectStore) {
        all.push((*store, store.spec().get("configuration")));
    }
    for cluster in &system.clusters {
        all.push((cluster.resource, cluster.in_tree()));
        let external = cluster.external.iter().map(External::in_tree);
        all.extend(external.map(|field| (cluster.resource, field)));
    }
    all.retain(|(_, field)| field.is_present() && !field.is_unknown());
    all
}

fn beside(system: &System<'_>, sink: &mut Sink<'_>) {
    const KEYS: [&str; 5] = [
        "accessKeyId",
        "secretAccessKey",
        "sessionToken",
        "region",
        "inheritFromIAMRole",
    ];
    for (resource, configuration) in configurations(system) {
        let entries = configuration.entries().iter();
        let lost = entries.filter(|entry| KEYS.contains(&entry.key.name.as_str()));
        for entry in lost {
            let message = format!(
                "`{}` stands beside `s3Credentials`, not in it: the store is used without keys",
                entry.key.name
            );
            sink.add(Draft::of(&resource, entry.key.span, message));
        }
    }
}

fn half(system: &System<'_>, sink: &mut Sink<'_>) {
    for stanza in &system.stanzas {
        let resource = &stanza.resource;
        for repository in stanza.repositories() {
            if repository.field.is_unknown() {
                continue;
            }
            let secret = repository.field.get("secretRef");
            let has = |key| secret.get(key).is_present();
            let title = repository.title();
            let pair = (has("accessKeyId"), has("secretAccessKey"));
            let message = match pair {
                _ if repository.is_azure || secret.is_unknown() => None,
                (true, false) => Some("has `accessKeyId` without `secretAccessKey`"),
                (false, true) => Some("has `secretAccessKey` without `accessKeyId`"),
                (false, false) if resource.kind == Kind::Repository => Some("has no `secretRef`"),
                (true, true) | (false, false) => None,
            };
            let node = secret.node().or_else(|| repository.node());
            if let (Some(message), Some(node)) = (message, node) {
                let message = format!("{title} {message}: nothing can be archived");
                sink.add(Draft::of(resource, first_line(node), message));
            }
            let cipher = repository.field.get("cipherConfig");
            let pass = cipher.get("encryptionPass");
            if let (Field::Is(node), true) = (cipher, pass.is_absent()) {
                let message = format!(
                    "{title} is to be encrypted without a passphrase: nothing can be archived"
                );
                sink.add(Draft::of(resource, first_line(node), message));
            }
        }
    }
}

fn first_line(node: &Node) -> crate::manifest::Span {
    let first = node
        .as_mapping()
        .and_then(|mapping| mapping.entries().first());
    first.map_or(node.span, |entry| entry.key.span)
}

fn bad(system: &System<'_>, sink: &mut Sink<'_>) {
    for (resource, configuration) in configurations(system) {
        // A destination of walcast's may be a folder, which needs no credentials.
        let path = configuration.get("destinationPath").text();
        if path.known().is_none_or(|path| path.starts_with("file:")) {
            continue;
        }
        let Some((field, message)) = problem(configuration) else {
            continue;
        };
        if let Some(node) = field.node().or_else(|| configuration.node()) {
            sink.add(Draft::of(&resource, first_line(node), message));
        }
    }
}

const PROVIDERS: [&str; 3] = ["s3Credentials", "azureCredentials", "googleCredentials"];

/// Returns the field at fault and what is wrong.
fn problem(configuration: Field<'_>) -> Option<(Field<'_>, String)> {
    if PROVIDERS
        .iter()
        .any(|one| matches!(configuration.get(one), Field::Hidden(_)))
    {
        return None;
    }
    let given: Vec<&str> = PROVIDERS
        .into_iter()
        .filter(|provider| configuration.get(provider).is_present())
        .collect();
    let [provider] = given[..] else {
        let has_lost_keys = configuration.get("accessKeyId").is_present();
        return match given.len() {
            // The keys have a finding of their own.
            0 if has_lost_keys => None,
            0 => Some((
                configuration.get("destinationPath"),
                "there are no credentials: exactly one of s3Credentials, azureCredentials and \
                 googleCredentials is needed"
                    .to_owned(),
            )),
            _ => Some((
                configuration.get(given[1]),
                format!(
                    "{} are given, of which there may be one",
                    given.join(" and ")
                ),
            )),
        };
    };
    let field = configuration.get(provider);
    if field.is_unknown() {
        return None;
    }
    let has = |key: &str| field.get(key).is_present();
    let flag = |key: &str| field.get(key).flag();
    let message = match provider {
        "s3Credentials" => s3(&has, flag("inheritFromIAMRole")),
        "azureCredentials" => azure(
            &has,
            [
                flag("inheritFromAzureAD"),
                flag("useDefaultAzureCredentials"),
            ],
        ),
        _ => google(&has, flag("gkeEnvironment")),
    };
    message.map(|message| (field, message))
}

fn s3(has: &dyn Fn(&str) -> bool, role: Seen<bool>) -> Option<String> {
    let pair = (has("accessKeyId"), has("secretAccessKey"));
    let message = match (role, pair) {
        (Seen::Unknown, _)
        | (Seen::Is(true), (false, false))
        | (Seen::Is(false) | Seen::Absent, (true, true)) => return None,
        (Seen::Is(true), _) => "a role and keys are given, of which there may be one",
        (_, (true, false)) => "there is `accessKeyId` without `secretAccessKey`",
        (_, (false, true)) => "there is `secretAccessKey` without `accessKeyId`",
        (_, (false, false)) => "there are neither keys nor a role",
    };
    Some(message.to_owned())
}

fn azure(has: &dyn Fn(&str) -> bool, flags: [Seen<bool>; 2]) -> Option<String> {
    if flags.iter().any(Seen::is_unknown) {
        return None;
    }
    let (key, token) = (has("storageKey"), has("storageSasToken"));
    let ways = [key, token]
        .into_iter()
        .chain(flags.map(|flag| flag.is(true)));
    let ways = ways.filter(|is_given| *is_given).count();
    let message = match (has("connectionString"), ways) {
        (true, 0) if !has("storageAccount") => return None,
        (true, _) => "a connection string stands alone",
        (false, 0) => "there is no way in: a key, a SAS token, AD or default credentials",
        (false, 1) if (key || token) && !has("storageAccount") => {
            "a key or SAS token needs `storageAccount`"
        }
        (false, 1) => return None,
        (false, _) => "several ways in are given, of which there may be one",
    };
    Some(message.to_owned())
}

fn google(has: &dyn Fn(&str) -> bool, gke: Seen<bool>) -> Option<String> {
    let message = match (gke, has("applicationCredentials")) {
        (Seen::Unknown, _) | (Seen::Is(true), false) | (Seen::Is(false) | Seen::Absent, true) => {
            return None;
        }
        (Seen::Is(true), true) => "GKE and a file are given, of which there may be one",
        (Seen::Is(false) | Seen::Absent, false) => "there are neither a file nor GKE",
    };
    Some(message.to_owned())
}
