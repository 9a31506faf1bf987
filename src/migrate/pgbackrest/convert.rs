//! The configuration of a stanza, from that of an `ObjectStore`.

use serde_json::{Map, Value as Json, json};

use super::{
    super::{
        Asked, Choices,
        desk::Desk,
        json::{get, set, text},
    },
    place::{Place, place},
};

/// What becomes of an `ObjectStore`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Converted {
    /// `stanzaConfiguration`, without the name.
    pub(super) configuration: Json,
    /// `spec` of the `PluginConfig`, if there is something for one.
    pub(super) plugin: Option<Json>,
}

/// Where an `ObjectStore`'s fields come from: its `spec`, or the `Cluster`'s own configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct From<'j> {
    /// What questions and losses are about.
    pub(super) about: &'j str,
    /// What answers call it by.
    pub(super) key: &'j str,
    pub(super) configuration: &'j Json,
    pub(super) retention: Option<&'j Json>,
    pub(super) sidecar: Option<&'j Json>,
}

/// Maps everything that has a place in pgBackRest's plugin, and says what has none.
pub(super) fn convert(
    desk: &mut Desk<'_>,
    from: From<'_>,
    choices: &Choices,
) -> Result<Converted, Asked> {
    let mut made = Made::default();
    let placed = place(desk, from.about, from.key, from.configuration, choices);
    let retention = retention(desk, from);
    let codec = made.compress(desk, from);
    let mut repository = match placed? {
        Place::S3(mut repository) => {
            made.s3_keys(desk, from, &mut repository, choices)?;
            (repository, "s3Repositories")
        }
        Place::Azure(mut repository) => {
            azure_keys(desk, from, &mut repository)?;
            (repository, "azureRepositories")
        }
    };
    if let Some(retention) = retention? {
        repository.0.insert("retentionPolicy".to_owned(), retention);
    }
    codec?;
    set(&mut made.stanza, &[repository.1], json!([repository.0]));
    made.pace(desk, from, choices);
    made.rest(desk, from);
    made.sidecar(desk, from);
    if !made.environment.is_empty() {
        set(&mut made.stanza, &["customEnvVar"], made.environment);
    }
    Ok(Converted {
        configuration: made.stanza,
        plugin: made.plugin,
    })
}

#[derive(Default)]
struct Made {
    stanza: Json,
    plugin: Option<Json>,
    environment: Map<String, Json>,
}

impl Made {
    fn variable(&mut self, name: &str, value: impl Into<Json>) {
        let name = format!("PGBACKREST_{name}");
        self.environment.insert(name, value.into());
    }

    fn s3_keys(
        &mut self,
        desk: &mut Desk<'_>,
        from: From<'_>,
        repository: &mut Map<String, Json>,
        choices: &Choices,
    ) -> Result<(), Asked> {
        let credentials = get(from.configuration, &["s3Credentials"]);
        let credentials = credentials.cloned().unwrap_or_default();
        if get(&credentials, &["sessionToken"]).is_some() {
            let text = "it has a session token, which the plugin takes in plain text only";
            return Err(desk.obstacle(from.about, text));
        }
        if get(&credentials, &["inheritFromIAMRole"]) == Some(&Json::Bool(true)) {
            let Some(key_type) = choices.key_types.get(from.key) else {
                let text = "how does a pod get its role? `web-id` for a ServiceAccount with a \
                            role of IAM, `pod-id` for EKS Pod Identity, `auto` for the role of \
                            the machine";
                let option = format!("--key-type {}=auto|web-id|pod-id", from.key);
                return Err(desk.ask(from.about, text, option));
            };
            self.variable("REPO1_S3_KEY_TYPE", key_type.as_str());
            return Ok(());
        }
        let mut keys = Map::new();
        for key in ["accessKeyId", "secretAccessKey"] {
            if let Some(reference) = get(&credentials, &[key]) {
                keys.insert(key.to_owned(), reference.clone());
            }
        }
        if keys.len() < 2 {
            let text = "it has no keys (`accessKeyId` and `secretAccessKey`) and no role";
            return Err(desk.obstacle(from.about, text));
        }
        repository.insert("secretRef".to_owned(), Json::Object(keys));
        Ok(())
    }

    /// Both of Barman's codecs become one.
    fn compress(&mut self, desk: &mut Desk<'_>, from: From<'_>) -> Result<(), Asked> {
        let of = |part| text(from.configuration, &[part, "compression"]);
        let (wal, data) = (of("wal"), of("data"));
        if let (Some(wal), Some(data)) = (wal, data)
            && wal != data
        {
            let text = format!("WAL had {wal} and base backups {data}: pgBackRest has one codec");
            desk.lose(from.about, text);
        }
        let Some(codec) = data.or(wal) else {
            self.variable("COMPRESS_TYPE", "none");
            return Ok(());
        };
        let mapped = match codec {
            "gzip" => "gz",
            "bzip2" => "bz2",
            "lz4" => "lz4",
            "zstd" => "zst",
            "snappy" | "xz" => {
                let text = format!("pgBackRest has no {codec}: it is zst, the nearest in cost");
                desk.lose(from.about, text);
                "zst"
            }
            other => {
                let text = format!("what codec is `{other}`?");
                return Err(desk.ask(from.about, text, "--set NAME=VALUE"));
            }
        };
        set(&mut self.stanza, &["compressConfig", "type"], mapped);
        Ok(())
    }

    fn pace(&mut self, desk: &mut Desk<'_>, from: From<'_>, choices: &Choices) {
        let of = |keys: &[&str]| get(from.configuration, keys).and_then(Json::as_u64);
        for keys in [["wal", "maxParallel"], ["data", "jobs"]] {
            if get(from.configuration, &keys).is_some_and(Json::is_string) {
                let text = format!(
                    "`{}` is filled in later: the new `processMax` is the tool's 1 until you set it",
                    keys.join(".")
                );
                desk.lose(from.about, text);
            }
        }
        let wal = of(&["wal", "maxParallel"]);
        let most = wal.into_iter().chain(of(&["data", "jobs"])).max();
        if let Some(most) = most.filter(|most| *most > 1) {
            set(&mut self.stanza, &["processMax"], most);
        }
        let Some(wal) = wal.filter(|wal| *wal > 1) else {
            return;
        };
        if let Some(class) = &choices.storage_class {
            set(&mut self.stanza, &["archive", "async"], true);
            let plugin = self.plugin.get_or_insert_default();
            set(plugin, &["storageConfig", "storageClass"], class.as_str());
        } else {
            let text = format!(
                "{wal} segments were sent at a time; pgBackRest does that only with a volume for \
                 its spool, so now it is one: --storage-class NAME gives it one"
            );
            desk.lose(from.about, text);
        }
    }

    fn rest(&mut self, desk: &mut Desk<'_>, from: From<'_>) {
        let has = |keys: &[&str]| get(from.configuration, keys);
        let is_fast = has(&["data", "immediateCheckpoint"]) == Some(&Json::Bool(true));
        set(&mut self.stanza, &["startFast"], is_fast);
        if let Some(tags) = has(&["tags"]).and_then(Json::as_object) {
            let pair = |(key, value): (&String, &Json)| {
                format!("{key}={}", value.as_str().unwrap_or_default())
            };
            let tags: Vec<String> = tags.iter().map(pair).collect();
            self.variable("REPO1_STORAGE_TAG", tags.join(":"));
        }
        let lost: [(&[&str], &str); 6] = [
            (&["historyTags"], "tags of timeline histories have no equal"),
            (
                &["wal", "encryption"],
                "the store encrypts WAL as the bucket says, not as asked",
            ),
            (
                &["data", "encryption"],
                "the store encrypts backups as the bucket says, not as asked",
            ),
            (
                &["wal", "archiveAdditionalCommandArgs"],
                "arguments of Barman's tools have no equal",
            ),
            (
                &["wal", "restoreAdditionalCommandArgs"],
                "arguments of Barman's tools have no equal",
            ),
            (
                &["data", "additionalCommandArgs"],
                "arguments of Barman's tools have no equal",
            ),
        ];
        for (keys, text) in lost {
            if has(keys).is_some() {
                desk.lose(from.about, format!("`{}`: {text}", keys.join(".")));
            }
        }
    }

    fn sidecar(&mut self, desk: &mut Desk<'_>, from: From<'_>) {
        let Some(sidecar) = from.sidecar else {
            return;
        };
        if let Some(resources) = get(sidecar, &["resources"]) {
            let plugin = self.plugin.get_or_insert_default();
            set(plugin, &["resourcesRequirement"], resources.clone());
        }
        if let Some(level) = text(sidecar, &["logLevel"]) {
            let level = if level == "warning" { "warn" } else { level };
            set(&mut self.stanza, &["logLevel"], level);
        }
        for (key, text) in [
            (
                "env",
                "variables of Barman's sidecar have no use for pgBackRest",
            ),
            (
                "additionalContainerArgs",
                "arguments of Barman's sidecar have no equal",
            ),
            (
                "retentionPolicyIntervalSeconds",
                "pgBackRest prunes after each backup of a repository, not by the clock",
            ),
        ] {
            if get(sidecar, &[key]).is_some() {
                desk.lose(
                    from.about,
                    format!("`instanceSidecarConfiguration.{key}`: {text}"),
                );
            }
        }
    }
}

/// Maps `30d`, `4w` and `1m` to full backups of that many days; Barman's month has 31.
fn retention(desk: &mut Desk<'_>, from: From<'_>) -> Result<Option<Json>, Asked> {
    let Some(policy) = from.retention.and_then(Json::as_str) else {
        let text = "it has no retention policy, so neither has the repository: it grows for ever";
        desk.lose(from.about, text);
        return Ok(None);
    };
    let days = policy.split_at_checked(policy.len().saturating_sub(1));
    let days = days.and_then(|(count, unit)| {
        let count: u32 = count.parse().ok()?;
        let days = match unit {
            "d" => 1,
            "w" => 7,
            "m" => 31,
            _ => return None,
        };
        count.checked_mul(days)
    });
    let Some(days) = days else {
        let text = format!("for how long does `{policy}` keep backups?");
        return Err(desk.ask(from.about, text, "--set NAME=VALUE"));
    };
    Ok(Some(json!({"full": days, "fullType": "time"})))
}

fn azure_keys(
    desk: &mut Desk<'_>,
    from: From<'_>,
    repository: &mut Map<String, Json>,
) -> Result<(), Asked> {
    let has = |key| get(from.configuration, &["azureCredentials", key]);
    let is_on = |key| has(key) == Some(&Json::Bool(true));
    let (key_type, reference) = if let Some(key) = has("storageKey") {
        ("shared", Some(key.clone()))
    } else if let Some(key) = has("storageSasToken") {
        ("sas", Some(key.clone()))
    } else if is_on("inheritFromAzureAD") || is_on("useDefaultAzureCredentials") {
        ("auto", None)
    } else {
        let text = "pgBackRest takes a key, a token or a managed identity, no connection string";
        return Err(desk.obstacle(from.about, text));
    };
    repository.insert("keyType".to_owned(), json!(key_type));
    if let Some(reference) = reference {
        repository.insert("secretRef".to_owned(), json!({"keyReference": reference}));
    }
    Ok(())
}
