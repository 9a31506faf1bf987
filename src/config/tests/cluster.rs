//! What a `Cluster` chooses, and repositories of a `Stanza`.

use std::time::Duration;

use super::*;
use crate::{
    byte_size::ByteSize,
    crd::pgbackrest::RetentionPolicy,
    fanout::{AtLimit, MinCopies},
    workers::Workers,
};

const STANZA: &str = "
apiVersion: pgbackrest.dalibo.com/v1
kind: Stanza
metadata: {name: main}
spec:
  stanzaConfiguration:
    name: orders
    processMax: 4
    startFast: true
    compressConfig: {type: zst, level: 3}
    customEnvVar:
      PGBACKREST_REPO1_S3_KMS_KEY_ID: a-key
      PGBACKREST_REPO1_STORAGE_TAG: team=db:stage=live
      PGBACKREST_REPO2_S3_ROLE: reader
    s3Repositories:
    - bucket: near
      endpoint: s3.example.org:9000
      region: garage
      uriStyle: path
      repoPath: /orders
      secretRef:
        accessKeyId: {name: keys, key: id}
        secretAccessKey: {name: keys, key: secret}
      retentionPolicy: {full: 2}
      cipherConfig: {encryptionPass: {name: keys, key: pass}}
    - bucket: far
      endpoint: https://s3.us-west-2.amazonaws.com
      region: us-west-2
      repoPath: /orders
";

/// A `Cluster` with these lines as the parameters of walcast's plugin entry.
fn cluster_of(parameters: &str) -> String {
    format!(
        "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {{name: orders}}\nspec:
  plugins:\n  - name: walcast.dev\n    parameters:\n{parameters}\n"
    )
}

fn load_with(documents: &[&str]) -> Result<Loaded, Problems> {
    let text = documents.join("\n---\n");
    load(&file(&text), Options::default().secrets(&AnySecret))
}

fn named(loaded: &Loaded) -> Vec<&str> {
    let destinations = loaded.config.destinations.iter();
    destinations.map(|one| one.id.as_str()).collect()
}

#[test]
fn each_repository_of_a_stanza_is_a_destination() {
    let loaded = load_with(&[STANZA]).unwrap();

    let [near, far] = loaded.config.destinations.as_slice() else {
        panic!("{loaded:?}");
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        *near,
        DestinationConfig {
            id: "main-1".to_owned(),
            location: Location::S3(S3Location {
                bucket: "near".to_owned(),
                prefix: "orders".to_owned(),
                endpoint: Some("s3.example.org:9000".to_owned()),
                endpoint_ca: None,
                region: Some("garage".to_owned()),
                uri_style: Some(UriStyle::Path),
                kms_key_id: Some("a-key".to_owned()),
                credentials: Credentials::Keys {
                    access_key_id: Secret::new("keys/id"),
                    secret_access_key: Secret::new("keys/secret"),
                    session_token: None,
                },
            }),
            layout: LayoutConfig::PgBackRest(PgBackRestConfig {
                number: 1,
                stanza: "orders".to_owned(),
                compression: Some(Compression::Zst),
                level: Some(3),
                cipher_pass: Some(Secret::new("keys/pass")),
                lock_path: "/tmp/pgbackrest".into(),
                bundles: Some(Bundles::default()),
                by_checksum: false,
                retention: RetentionPolicy::fulls(2).effective(),
            }),
            encryption: Some(Encryption::AwsKms),
            data_encryption: Some(Encryption::AwsKms),
            immediate_checkpoint: true,
            max_parallel: Some(4),
            jobs: Some(4),
            tags: vec![pair("team", "db"), pair("stage", "live")],
            history_tags: None,
        }
    );
    assert_eq!(far.id, "main-2");
    let Location::S3(s3) = &far.location else {
        panic!("{far:?}");
    };
    assert_eq!(s3.credentials, Credentials::Chain);
    assert_eq!(s3.uri_style, Some(UriStyle::Host));
    let warnings: Vec<&str> = loaded.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(warnings, ["PGBACKREST_REPO2_S3_ROLE is ignored by walcast"]);
}

#[test]
fn a_cluster_lists_its_destinations_and_says_what_must_hold() {
    let parameters = "      destinations: Stanza/main/2, ObjectStore/store
      minCopies: all
      required: Stanza/main/2
      patience: 1m30s
      atLimit: refuse
      spoolLimit: 8GiB
      serverName: other";
    let store = store("    destinationPath: file:///backups\n");

    let loaded = load_with(&[STANZA, &store, &cluster_of(parameters)]).unwrap();

    assert_eq!(named(&loaded), ["main-2", "store"]);
    assert_eq!(loaded.config.server_name.as_deref(), Some("other"));
    let said = &loaded.config.parameters;
    assert_eq!(said.min_copies, Some(MinCopies::All));
    assert_eq!(
        said.required.as_deref(),
        Some(&["main-2".parse().unwrap()][..])
    );
    assert_eq!(said.patience, Some(Duration::from_secs(90)));
    assert_eq!(said.at_limit, Some(AtLimit::Refuse));
    assert_eq!(said.spool_limit, Some(ByteSize::gib(8)));
    assert_eq!(said.deadline, None);
}

#[test]
fn the_codec_of_base_backups_can_be_chosen_for_all_destinations() {
    let store = store("    destinationPath: file:///backups\n    data: {compression: gzip}\n");
    let encoding = |codec: &str| {
        let cluster = cluster_of(&format!("      dataCompression: {codec}"));
        let loaded = load_with(&[&store, &cluster]).unwrap();
        let destinations = loaded.config.build(&Workers::inline()).unwrap();
        let settings = format!("{:?}", destinations[0].repository);
        let (_, archives) = settings.split_once("archives: ArchiveEncoding").unwrap();
        let archives = archives.split_once("limits").unwrap().0.to_owned();
        (archives, loaded.warnings.len())
    };

    for (codec, expected, warnings) in [("lz4", "Lz4", 0), ("none", "None", 0), ("zstd", "Zstd", 1)]
    {
        let (archives, found) = encoding(codec);
        assert!(archives.contains(expected), "{archives}");
        assert_eq!(found, warnings);
    }
}

#[test]
fn without_a_list_all_that_the_files_have_are_destinations() {
    let store = store("    destinationPath: file:///backups\n");
    let off = cluster_of("      destinations: ObjectStore/nowhere")
        .replace("    parameters:", "    enabled: false\n    parameters:");

    let silent = load_with(&[STANZA, &store, &cluster_of("      minCopies: '2'")]).unwrap();
    let disabled = load_with(&[STANZA, &store, &off]).unwrap();

    assert_eq!(named(&silent), ["store", "main-1", "main-2"]);
    assert_eq!(named(&disabled), ["store", "main-1", "main-2"]);
}

#[test]
fn every_parameter_that_makes_no_sense_is_reported() {
    let parameters = "      destinations: ObjectStore/store, Stanza/elsewhere
      mincopies: '2'
      minCopies: 2
      patience: 30
      required: elsewhere
      atLimit: panic
      maxDebtAge: 1d
      spoolLimit: much
      memory: -1
      dataCompression: xz
      copies: '1'";
    let store = store("    destinationPath: file:///backups\n");

    let problems = load_with(&[&store, &cluster_of(parameters)]).unwrap_err();

    insta::assert_snapshot!(problems);
}

#[test]
fn every_setting_of_a_repository_that_makes_no_sense_is_reported() {
    let stanza = STANZA
        .replace("processMax: 4", "processMax: 1000")
        .replace("s3.example.org:9000", "s3.example.org/path")
        .replace(
            "repoPath: /orders\n      secretRef",
            "repoPath: orders\n      secretRef",
        )
        .replace("        secretAccessKey: {name: keys, key: secret}\n", "")
        .replace(
            "cipherConfig: {encryptionPass: {name: keys, key: pass}}",
            "cipherConfig: {}",
        )
        .replace("uriStyle: path", "urlStyle: path")
        .replace("type: zst", "type: zstd")
        .replace(
            "      region: us-west-2\n",
            "      region: us-west-2\n      verifyTLS: false\n",
        );

    let problems = load_with(&[&stanza]).unwrap_err();

    insta::assert_snapshot!(problems);
}

#[test]
fn the_predecessor_of_the_stanza_is_one() {
    let repository = STANZA
        .replace("kind: Stanza", "kind: Repository")
        .replace("stanzaConfiguration", "repoConfiguration")
        .replace("    name: orders", "    stanza: orders")
        .replace("    startFast: true\n", "")
        .replace("    compressConfig: {type: zst, level: 3}\n", "")
        .replace(
            "      cipherConfig: {encryptionPass: {name: keys, key: pass}}\n",
            "",
        );
    let is_kept = |line: &&str| !line.contains("PGBACKREST") && !line.contains("customEnvVar");
    let repository: Vec<&str> = repository.lines().filter(is_kept).collect();
    let repository = repository.join("\n");
    let cluster = cluster_of("      destinations: Repository/main/1");

    let loaded = load_with(&[&repository, &cluster]).unwrap();
    let missing = cluster.replace("Repository/main/1", "Repository/main/3");
    let missing = load_with(&[&repository, &missing]).unwrap_err();

    assert_eq!(named(&loaded), ["main-1"]);
    assert_eq!(missing.0[0].message, "there is no repository 3, only 2");
}

#[test]
fn the_readme_has_every_parameter() {
    let readme = include_str!("../../../README.md");

    assert!(
        readme.contains(&parameters_table()),
        "{}",
        parameters_table()
    );
}

#[test]
fn what_the_cluster_and_its_store_say_of_retention_is_both_known() {
    let cluster = "
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: main}
spec:
  backup: {retentionPolicy: 30d}
";
    let store = |policy: &str| {
        format!(
            "apiVersion: barmancloud.cnpg.io/v1\nkind: ObjectStore\nmetadata: {{name: here}}\n\
             spec:\n  {policy}\n  configuration: {{destinationPath: 'file:///backups'}}\n"
        )
    };
    let policies = |policy: &str| {
        let config = load_with(&[cluster, &store(policy)]).unwrap().config;
        let policies = config.retention_policies(&config.destinations[0]);
        let texts = policies.iter().map(ToString::to_string);
        texts.collect::<Vec<_>>()
    };

    let month = "RECOVERY WINDOW OF 30 DAYS";
    assert_eq!(policies("instanceSidecarConfiguration: {}"), [month]);
    assert_eq!(policies("retentionPolicy: 30d"), [month]);
    let both = ["RECOVERY WINDOW OF 7 DAYS", month];
    assert_eq!(policies("retentionPolicy: 1w"), both);
}
