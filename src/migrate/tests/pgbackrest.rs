use serde_json::json;

use super::*;

/// A cluster on the Barman Cloud plugin.
const PLUGIN: &str = "\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: shop}
spec:
  instances: 3
  plugins:
    - name: barman-cloud.cloudnative-pg.io # since May
      isWALArchiver: true
      parameters: {barmanObjectName: near, serverName: shop-v2}
  storage: {size: 1Gi}
---
apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {name: near}
spec:
  retentionPolicy: 4w
  configuration:
    destinationPath: s3://backups/postgres/
    endpointURL: https://s3.example.org:9000/
    s3Credentials:
      accessKeyId: {name: keys, key: id}
      secretAccessKey: {name: keys, key: secret}
    wal: {compression: snappy, maxParallel: 4}
    data: {compression: bzip2, jobs: 2, immediateCheckpoint: true}
    tags: {team: shop}
    historyTags: {team: shop}
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {name: nightly}
spec:
  schedule: '0 0 2 * * *'
  cluster: {name: shop}
  method: plugin
  pluginConfiguration: {name: barman-cloud.cloudnative-pg.io}
";

fn answered() -> Choices {
    let mut choices = Choices::default();
    choices.regions.insert("near".into(), "eu-1".into());
    choices
}

#[test]
fn every_field_is_mapped_or_said_to_be_lost() {
    let inventory = inventory(PLUGIN);
    let mut choices = answered();
    choices.storage_class = Some("fast".to_owned());
    let plan = plan(&inventory, Target::PgBackRest, &choices);
    let after = after(&inventory, &plan);

    let stanza = resource(&after, Kind::Stanza, "shop");
    let expected = json!({
        "name": "shop-v2",
        "archive": {"async": true},
        "compressConfig": {"type": "bz2"},
        "customEnvVar": {"PGBACKREST_REPO1_STORAGE_TAG": "team=shop"},
        "processMax": 4,
        "startFast": true,
        "s3Repositories": [{
            "bucket": "backups",
            "endpoint": "s3.example.org:9000",
            "region": "eu-1",
            "repoPath": "/postgres/pgbackrest",
            "retentionPolicy": {"full": 28, "fullType": "time"},
            "secretRef": {
                "accessKeyId": {"name": "keys", "key": "id"},
                "secretAccessKey": {"name": "keys", "key": "secret"},
            },
            "uriStyle": "path",
            "verifyTLS": true,
        }],
    });
    assert_eq!(stanza["spec"]["stanzaConfiguration"], expected);
    let cluster = resource(&after, Kind::Cluster, "shop");
    let plugins = json!([{
        "name": "pgbackrest.dalibo.com",
        "isWALArchiver": true,
        "parameters": {"stanzaRef": "shop", "pluginConfigRef": "shop"},
    }]);
    assert_eq!(cluster["spec"]["plugins"], plugins);
    let schedule = resource(&after, Kind::ScheduledBackup, "nightly");
    assert_eq!(schedule["spec"]["target"], "primary");
    let parameters = json!({"backupType": "full", "selectedRepository": "1"});
    assert_eq!(
        schedule["spec"]["pluginConfiguration"]["parameters"],
        parameters
    );
    let lost = texts(&plan.losses);
    for what in ["historyTags", "WAL had snappy", "points in time before"] {
        assert!(lost.contains(what), "{lost}");
    }
    assert_arrived(&inventory, Target::PgBackRest, &choices);
}

#[test]
fn a_region_that_the_host_does_not_tell_is_asked_for() {
    let plan = plan(&inventory(PLUGIN), Target::PgBackRest, &Choices::default());

    assert_eq!(plan.questions[0].option, "--region near=REGION");
    assert!(plan.is_empty());
}

#[test]
fn hosts_tell_regions_by_the_naming_of_their_providers() {
    let cases = [
        (
            "https://s3.eu-central-1.amazonaws.com",
            "eu-central-1",
            None,
        ),
        ("https://0.r2.cloudflarestorage.com", "auto", Some("path")),
        ("https://fsn1.your-objectstorage.com/", "fsn1", Some("path")),
    ];
    for (url, region, style) in cases {
        let text = PLUGIN.replace("https://s3.example.org:9000/", url);
        let inventory = inventory(&text);
        let plan = plan(&inventory, Target::PgBackRest, &Choices::default());
        let stanza = resource(&after(&inventory, &plan), Kind::Stanza, "shop");
        let repository = &stanza["spec"]["stanzaConfiguration"]["s3Repositories"][0];
        assert_eq!(repository["region"], region);
        assert_eq!(repository.get("uriStyle").and_then(Json::as_str), style);
    }
}

#[test]
fn what_pgbackrest_cannot_do_is_an_obstacle_or_a_question() {
    let cases = [
        (
            "s3://backups/postgres/",
            "gs://backups/",
            "no repositories of kind `gs`",
        ),
        (
            "https://s3.example.org:9000/",
            "https://s3.example.org/tenant",
            "has a path",
        ),
        (
            "accessKeyId: {name: keys, key: id}",
            "sessionToken: {name: k, key: t}",
            "session token",
        ),
    ];
    for (old, new, said) in cases {
        let plan = plan(
            &inventory(&PLUGIN.replace(old, new)),
            Target::PgBackRest,
            &answered(),
        );
        assert!(
            texts(&plan.obstacles).contains(said),
            "{:?}",
            plan.obstacles
        );
        assert!(plan.is_empty());
    }
    let questions = [
        (
            "    tags:",
            "    endpointCA: {name: ca, key: ca}\n    tags:",
            "--unchecked-tls near",
        ),
        ("4w", "${KEEP}", "--set NAME=VALUE"),
        (
            "https://s3.example.org:9000/",
            "${HOST}",
            "--endpoint near=HOST[:PORT]",
        ),
    ];
    for (old, new, option) in questions {
        let plan = plan(
            &inventory(&PLUGIN.replace(old, new)),
            Target::PgBackRest,
            &answered(),
        );
        assert_eq!(plan.questions[0].option, option);
        assert!(plan.is_empty());
    }
}

#[test]
fn numbers_that_are_filled_in_later_are_said_to_be_left_out() {
    let text = PLUGIN.replace("maxParallel: 4", "maxParallel: '${N}'");
    let plan = plan(&inventory(&text), Target::PgBackRest, &answered());

    assert!(texts(&plan.losses).contains("`wal.maxParallel` is filled in later"));
}

#[test]
fn azure_is_mapped_by_host_and_kind_of_key() {
    let start = PLUGIN.find("    destinationPath").unwrap();
    let end = PLUGIN.find("    wal:").unwrap();
    let place = "    destinationPath: https://acc.blob.core.windows.net/box/pg\n    \
                 azureCredentials:\n      storageAccount: {name: k, key: a}\n      \
                 storageKey: {name: k, key: s}\n";
    let text = format!("{}{place}{}", &PLUGIN[..start], &PLUGIN[end..]);
    let inventory = inventory(&text);
    let plan = plan(&inventory, Target::PgBackRest, &Choices::default());

    let stanza = resource(&after(&inventory, &plan), Kind::Stanza, "shop");
    let repository = json!([{
        "account": "acc",
        "container": "box",
        "keyType": "shared",
        "repoPath": "/pg/pgbackrest",
        "retentionPolicy": {"full": 28, "fullType": "time"},
        "secretRef": {"keyReference": {"name": "k", "key": "s"}},
        "verifyTLS": true,
    }]);
    assert_eq!(
        stanza["spec"]["stanzaConfiguration"]["azureRepositories"],
        repository
    );
}

#[test]
fn a_repository_without_schedules_gets_one_of_full_backups() {
    let text = "\
apiVersion: pgbackrest.dalibo.com/v1
kind: Stanza
metadata: {name: shop}
spec:
  stanzaConfiguration:
    name: shop
    s3Repositories:
      - {bucket: a, endpoint: a.example.org, region: r, repoPath: /a, verifyTLS: true}
      - {bucket: b, endpoint: b.example.org, region: r, repoPath: /b, verifyTLS: true}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: shop}
spec:
  instances: 3
  plugins:
    - {name: pgbackrest.dalibo.com, isWALArchiver: true, parameters: {stanzaRef: shop}}
---
apiVersion: postgresql.cnpg.io/v1
kind: ScheduledBackup
metadata: {name: hourly}
spec:
  schedule: '0 0 * * * *'
  cluster: {name: shop}
  method: plugin
  pluginConfiguration: {name: pgbackrest.dalibo.com}
";
    let inventory = inventory(text);
    let plan = plan(&inventory, Target::PgBackRest, &Choices::default());
    let after = after(&inventory, &plan);

    for (name, number, when) in [
        ("shop-full-1", "1", "0 0 1 * * 0"),
        ("shop-full-2", "2", "0 0 2 * * 0"),
    ] {
        let spec = &resource(&after, Kind::ScheduledBackup, name)["spec"];
        let parameters = json!({"backupType": "full", "selectedRepository": number});
        assert_eq!(spec["pluginConfiguration"]["parameters"], parameters);
        assert_eq!(
            (&spec["schedule"], &spec["target"]),
            (&json!(when), &json!("primary"))
        );
    }
    let hourly = resource(&after, Kind::ScheduledBackup, "hourly");
    assert_eq!(hourly["spec"]["target"], "primary");
    assert_eq!(
        hourly["spec"]["pluginConfiguration"].get("parameters"),
        None
    );
}

#[test]
fn with_an_overlap_both_plugins_archive_until_the_next_plan() {
    let inventory = inventory(PLUGIN);
    let mut choices = answered();
    choices.overlap = true;
    let first = plan(&inventory, Target::PgBackRest, &choices);
    let both = after(&inventory, &first);
    let second = plan(&both, Target::PgBackRest, &answered());

    let cluster = resource(&both, Kind::Cluster, "shop");
    let entry = |index: usize| {
        let entry = &cluster["spec"]["plugins"][index];
        (
            entry["name"].as_str().unwrap(),
            entry.get("isWALArchiver").cloned(),
        )
    };
    assert_eq!(entry(0), ("barman-cloud.cloudnative-pg.io", None));
    assert_eq!(entry(1), ("pgbackrest.dalibo.com", Some(json!(true))));
    let last = resource(&after(&both, &second), Kind::Cluster, "shop");
    assert_eq!(last["spec"]["plugins"].as_array().unwrap().len(), 1);
}

#[test]
fn a_repository_becomes_a_stanza_that_does_what_it_did() {
    let text = "\
apiVersion: pgbackrest.dalibo.com/v1
kind: Repository
metadata: {name: repo}
spec:
  repoConfiguration:
    stanza: main # never change it
    processMax: 4
    s3Repositories:
      - bucket: b # the near one
        endpoint: s3.example.org
        region: r
        repoPath: /b
        secretRef: {accessKeyId: {name: k, key: i}, secretAccessKey: {name: k, key: s}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: shop}
spec:
  plugins:
    - name: pgbackrest.dalibo.com
      parameters: {repositoryRef: repo}
";
    let inventory = inventory(text);
    let plan = plan(&inventory, Target::PgBackRest, &Choices::default());

    let files = plan.files(plan.steps.len());
    let file = files.iter().find(|one| one.old.is_some()).unwrap();
    insta::assert_snapshot!(file.new);
    assert!(file.is_minimal);
    assert_arrived(&inventory, Target::PgBackRest, &Choices::default());
}
