mod cluster;

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::{config::Options, manifest::documents};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/config");
/// Another folder of `ObjectStore` documents to read, beside the fixtures.
const CORPUS: Option<&str> = option_env!("WALCAST_CORPUS");

/// Knows every Secret.
#[derive(Debug)]
struct AnySecret;

impl SecretSource for AnySecret {
    fn value(&self, wanted: SecretRef<'_>) -> Result<Secret, SecretError> {
        Ok(Secret::new(format!("{}/{}", wanted.name, wanted.key)))
    }
}

fn yaml_files(folder: &str) -> Vec<SourceFile> {
    let mut files: Vec<SourceFile> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().into(), text)
        })
        .collect();
    files.sort_unstable();
    assert!(!files.is_empty(), "{folder} has no fixtures");
    files
}

fn file(text: &str) -> [SourceFile; 1] {
    [("a.yaml".into(), text.to_owned())]
}

fn fixture(name: &str) -> [SourceFile; 1] {
    let path = format!("{FIXTURES}/problems/{name}.yaml");
    file(&fs::read_to_string(path).unwrap())
}

/// An `ObjectStore` with `configuration` (indented by four) and a Secret `creds`.
fn store(configuration: &str) -> String {
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: creds}}
stringData: {{id: test-id, secret: hunter2, region: garage, ca: \"PEM\\n\"}}
---
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {{name: store}}
spec:
  configuration:
{configuration}"
    )
}

const CREDENTIALS: &str = "    s3Credentials:
      accessKeyId: {name: creds, key: id}
      secretAccessKey: {name: creds, key: secret}
";

fn report(result: &Result<Loaded, Problems>) -> String {
    match result {
        Err(problems) => problems.to_string(),
        Ok(loaded) => {
            let warnings = loaded
                .warnings
                .iter()
                .map(|warning| format!("{warning}\n\n"));
            let warnings: String = warnings.collect();
            format!("{warnings}{:#?}\n{:#?}", loaded.config, loaded.ignored)
        }
    }
}

#[test]
fn every_problem_is_reported_with_its_place_and_a_way_out() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("{FIXTURES}/problems"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (path, text) in yaml_files(&format!("{FIXTURES}/problems")) {
        let result = load(&[(path.clone(), text)], Options::default());

        let name = path.file_stem().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(name, report(&result)));
    }
}

#[test]
fn published_object_stores_load_unless_they_have_placeholders() {
    let fixtures = format!("{FIXTURES}/corpus");
    for folder in [Some(fixtures.as_str()), CORPUS].into_iter().flatten() {
        for (path, text) in yaml_files(folder) {
            let result = load(
                &[(path.clone(), text)],
                Options::default().secrets(&AnySecret),
            );

            match result {
                Ok(loaded) => assert_eq!(loaded.config.destinations.len(), 1, "{path:?}"),
                Err(Problems(problems)) => {
                    let about_placeholders = problems
                        .iter()
                        .filter(|problem| problem.is_error())
                        .all(|problem| problem.message.ends_with("was not replaced by its value"));
                    assert!(about_placeholders, "{}", Problems(problems));
                }
            }
        }
    }
}

#[test]
fn an_object_store_becomes_a_destination() {
    let text = store(&format!(
        "    destinationPath: s3://bucket/a/b/
    endpointURL: https://s3.example.org:9000
    endpointCA: {{name: creds, key: ca}}
{CREDENTIALS}      sessionToken: {{name: creds, key: secret}}
      region: {{name: creds, key: region}}
    wal: {{compression: zstd, encryption: 'aws:kms', maxParallel: 8}}
    data: {{encryption: AES256, immediateCheckpoint: true}}
    tags: {{b: x, a: w}}
    historyTags: {{a: z}}
  retentionPolicy: 4w
"
    ));

    let loaded = load(&file(&text), Options::default().server_name("main")).unwrap();

    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let expected = DestinationConfig {
        id: "store".to_owned(),
        location: Location::S3(S3Location {
            bucket: "bucket".to_owned(),
            prefix: "a/b/".to_owned(),
            endpoint: Some("https://s3.example.org:9000".to_owned()),
            endpoint_ca: Some(Secret::new("PEM\n")),
            region: Some("garage".to_owned()),
            uri_style: None,
            kms_key_id: None,
            credentials: Credentials::Keys {
                access_key_id: Secret::new("test-id"),
                secret_access_key: Secret::new("hunter2"),
                session_token: Some(Secret::new("hunter2")),
            },
        }),
        layout: LayoutConfig::Barman(BarmanConfig {
            server_name: Some("main".to_owned()),
            wal_compression: Some(WalCompression::Zstd),
            data_compression: None,
            retention: Some("4w".parse().unwrap()),
        }),
        encryption: Some(Encryption::AwsKms),
        data_encryption: Some(Encryption::Aes256),
        immediate_checkpoint: true,
        max_parallel: Some(8),
        jobs: None,
        tags: vec![pair("a", "w"), pair("b", "x")],
        history_tags: Some(vec![pair("a", "z")]),
    };
    assert_eq!(loaded.config.destinations, [expected]);
    assert_eq!(loaded.warnings, []);
}

/// With placeholders where walcast needs the value, where it does not, and where nobody does.
fn template() -> String {
    let text = store(
        "    destinationPath: file://${FOLDER:=/backups}/$${x}
    wal: {maxParallel: ${PARALLEL}}
    tags: {owner: \"${OWNER}\"}
",
    );
    format!(
        "{text}  instanceSidecarConfiguration: {{logLevel: ${{LEVEL}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: scripts}}
data: {{run.sh: 'echo ${{arguments[@]}} ${{NOBODY}}'}}
"
    )
}

#[test]
fn placeholders_are_replaced_where_there_are_variables() {
    let mut variables = Variables::new();
    variables.set("PARALLEL", "4").unwrap();
    variables.set("OWNER", "0640").unwrap();

    let loaded = load(&file(&template()), Options::default().variables(&variables)).unwrap();

    let destination = &loaded.config.destinations[0];
    let path = Path::new("/backups/${x}").to_owned();
    assert_eq!(destination.location, Location::File { path });
    assert_eq!(destination.max_parallel, Some(4));
    assert_eq!(destination.tags, [("owner".to_owned(), "0640".to_owned())]);
}

#[test]
fn placeholders_without_a_value_are_problems_where_it_is_needed() {
    let variables = Variables::new();
    let text = template().replace("${OWNER}", "${OWNER:?}");

    let problems = load(&file(&text), Options::default().variables(&variables)).unwrap_err();

    insta::assert_snapshot!(problems, @r"
    a.yaml:12:24: error: no value for `PARALLEL`
      in document 2, ObjectStore/store, spec.configuration.wal.maxParallel
      help: Set it, or give it a default: `${NAME:=…}`.

    a.yaml:13:5: warning: tags means nothing for a file destination
      in document 2, ObjectStore/store, spec.configuration.tags

    a.yaml:13:19: error: operator `:?` is not supported
      in document 2, ObjectStore/store, spec.configuration.tags.owner
      help: Write `$$` for a `$` that is text.

    the configuration has 2 errors and 1 warning
    ");
}

#[test]
fn the_role_of_the_machine_needs_no_keys() {
    let text = store(
        "    destinationPath: s3://bucket
    s3Credentials: {inheritFromIAMRole: true}
",
    );

    let loaded = load(&file(&text), Options::default()).unwrap();

    let Location::S3(s3) = &loaded.config.destinations[0].location else {
        panic!("an s3:// URL is a place in S3");
    };
    assert_eq!(s3.credentials, Credentials::Chain);
    assert_eq!((s3.prefix.as_str(), &s3.region), ("", &None));
}

#[test]
fn the_server_name_is_that_of_options_then_plugin_then_cluster() {
    let cluster = |plugin: &str| {
        format!(
            "{}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: cluster}}
spec:
  plugins:
  - name: barman-cloud.cloudnative-pg.io
    parameters: {{barmanObjectName: store, serverName: early}}
  - name: another.example.org
    parameters: {{serverName: foreign}}
{plugin}",
            store("    destinationPath: file:///backups\n")
        )
    };
    let last = "  - name: barman-cloud.cloudnative-pg.io\n    parameters: {serverName: late}\n";
    let off = "  - name: barman-cloud.cloudnative-pg.io\n    enabled: false
    parameters: {serverName: late}\n";
    let server_name = |plugin: &str, options: Options<'_>| {
        let loaded = load(&file(&cluster(plugin)), options).unwrap();
        let LayoutConfig::Barman(barman) = &loaded.config.destinations[0].layout else {
            panic!("an ObjectStore is in Barman's layout");
        };
        assert_eq!(barman.server_name, loaded.config.server_name);
        loaded.config.server_name.unwrap()
    };

    assert_eq!(server_name("", Options::default()), "early");
    assert_eq!(server_name(last, Options::default()), "late");
    assert_eq!(server_name(off, Options::default()), "cluster");
    assert_eq!(
        server_name(last, Options::default().server_name("given")),
        "given"
    );
}

#[test]
fn documents_may_be_spread_over_files_and_come_in_any_order() {
    let text = store(&format!("    destinationPath: s3://bucket\n{CREDENTIALS}"));
    let (secret, object_store) = text.split_once("---\n").unwrap();
    let files = [
        ("store.yaml".into(), object_store.to_owned()),
        ("secret.yaml".into(), secret.to_owned()),
    ];

    let loaded = load(&files, Options::default()).unwrap();

    assert_eq!(loaded.config.destinations.len(), 1);
}

#[test]
fn secrets_of_the_files_win_over_those_of_the_source() {
    let text = store(&format!(
        "    destinationPath: s3://bucket\n{CREDENTIALS}      region: {{name: elsewhere, key: region}}\n"
    ));

    let loaded = load(&file(&text), Options::default().secrets(&AnySecret)).unwrap();

    let Location::S3(s3) = &loaded.config.destinations[0].location else {
        panic!("an s3:// URL is a place in S3");
    };
    assert_eq!(s3.region.as_deref(), Some("elsewhere/region"));
    let Credentials::Keys { access_key_id, .. } = &s3.credentials else {
        panic!("keys are given");
    };
    assert_eq!(access_key_id.reveal(), "test-id");
}

#[test]
fn one_line_break_at_the_end_of_a_secret_is_left_out_with_a_warning() {
    let text = store(&format!("    destinationPath: s3://bucket\n{CREDENTIALS}"))
        .replace("secret: hunter2", "secret: \"hunter2\\n\"");

    let loaded = load(&file(&text), Options::default()).unwrap();

    let Location::S3(s3) = &loaded.config.destinations[0].location else {
        panic!("an s3:// URL is a place in S3");
    };
    let Credentials::Keys {
        secret_access_key, ..
    } = &s3.credentials
    else {
        panic!("keys are given");
    };
    assert_eq!(secret_access_key.reveal(), "hunter2");
    let path = &loaded.warnings[0].place.path;
    assert_eq!(
        path.to_string(),
        "spec.configuration.s3Credentials.secretAccessKey.key"
    );
}

#[test]
fn a_folder_of_secrets_is_read_as_a_volume_is_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let creds = folder.path().join("creds");
    fs::create_dir_all(creds.join("..data")).unwrap();
    fs::write(creds.join("id"), "test-id\n").unwrap();
    fs::write(creds.join("binary"), b"\xff").unwrap();
    fs::write(creds.join("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
    fs::write(folder.path().join("outside"), "x").unwrap();
    let secrets = DirectorySecrets::new(folder.path());
    let value = |name, key| {
        let namespace = None;
        let wanted = SecretRef {
            namespace,
            name,
            key,
        };
        secrets.value(wanted).map(|value| value.reveal().to_owned())
    };

    assert_eq!(value("creds", "id").unwrap(), "test-id\n");
    assert!(matches!(
        value("other", "id"),
        Err(SecretError::NoSecret(_))
    ));
    assert!(matches!(
        value("outside", "id"),
        Err(SecretError::NoSecret(_))
    ));
    assert!(matches!(
        value("..", "creds"),
        Err(SecretError::NoSecret(_))
    ));
    assert!(matches!(
        value("creds", "../outside"),
        Err(SecretError::NoKey { .. })
    ));
    assert!(matches!(
        value("creds", "binary"),
        Err(SecretError::NotText { .. })
    ));
    assert!(matches!(
        value("creds", "large"),
        Err(SecretError::TooLarge { .. })
    ));
    assert!(matches!(
        value("creds", "..data"),
        Err(SecretError::Unreadable { .. })
    ));
    match value("creds", "nope") {
        Err(error @ SecretError::NoKey { .. }) => {
            assert_eq!(error.hint(), "It has `binary`, `id`, `large`.");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_secret_is_ever_printed() {
    let known = "hunter2";
    let encoded = "aHVudGVyMg";
    let good = store(&format!("    destinationPath: s3://bucket\n{CREDENTIALS}"));
    let mut results = vec![load(&file(&good), Options::default())];
    for name in [
        "secrets",
        "credentials",
        "endpoints",
        "destination_paths",
        "wrong_values",
    ] {
        results.push(load(&fixture(name), Options::default()));
    }
    let trees: Vec<_> = documents(&good)
        .into_iter()
        .chain(documents(&fixture("secrets")[0].1))
        .collect();
    let secret: crate::crd::core::Secret = manifest::decode(trees[0].root.as_ref().unwrap())
        .value
        .unwrap();

    for text in [
        format!("{results:?}"),
        format!("{trees:?}"),
        format!("{secret:?}"),
    ] {
        assert!(!text.contains(known) && !text.contains(encoded), "{text}");
    }
    for result in &results {
        let text = report(result);
        assert!(!text.contains(known) && !text.contains(encoded), "{text}");
    }
    assert!(good.contains(known));
}

/// Words that manifests are made of, so that chance goes deep.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "apiVersion: ",
        "barmancloud.cnpg.io/v1\n",
        "kind: ",
        "ObjectStore\n",
        "Secret\n",
        "v1\n",
        "metadata:\n",
        "  name: ",
        "a\n",
        "spec:\n",
        "  configuration:\n",
        "    destinationPath: ",
        "s3://b/",
        "file:///x\n",
        "    s3Credentials:\n",
        "      accessKeyId: ",
        "{name: a, key: b}\n",
        "---\n",
        "...\n",
        "- ",
        "&a ",
        "*a",
        "<<: ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        ",",
        "? ",
        ": ",
        "#",
        "!!str ",
        "%YAML 1.2\n",
        "\t",
        "\n",
        " ",
        "\u{feff}",
        "ü",
        "${A}",
        "${A:=x: }",
        "0x",
        "~",
    ];
    prop_oneof![
        4 => proptest::sample::select(words.to_vec()).prop_map(ToOwned::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(
        parts in proptest::collection::vec(fragment(), 0..60),
        valid in any::<bool>(),
        substituted in any::<bool>(),
    ) {
        let noise = parts.concat();
        let text = if valid { store(&format!("    {noise}")) } else { noise };

        let variables = Variables::new();
        let options = Options { variables: substituted.then_some(&variables), ..Options::default() };
        let result = load(&file(&text), options.secrets(&AnySecret));

        if let Err(problems) = result {
            prop_assert!(problems.0.iter().any(Problem::is_error));
            prop_assert!(!problems.to_string().is_empty());
        }
    }
}

#[test]
fn the_place_of_a_problem_is_data_too() {
    let text = store("    destinationPath: file:///backups\n    endpointUrl: x\n");

    let problems = load(&file(&text), Options::default()).unwrap_err();

    let place = &problems.0[0].place;
    assert_eq!(place.file.as_deref(), Some(Path::new("a.yaml")));
    assert_eq!(place.document, Some(1));
    assert_eq!(place.resource.as_deref(), Some("ObjectStore/store"));
    assert_eq!(place.path.to_string(), "spec.configuration.endpointUrl");
    assert_eq!(
        place
            .position
            .map(|position| (position.line, position.column)),
        Some((12, 5))
    );
}
