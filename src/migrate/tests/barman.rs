use super::*;

#[test]
fn comments_placeholders_and_what_is_not_of_backups_stay() {
    let inventory = inventory(IN_TREE);
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    let files = plan.files(plan.steps.len());
    let texts: Vec<_> = files.iter().map(|one| one.new.as_str()).collect();
    insta::assert_snapshot!(texts.join("=====\n"));
    assert!(files.iter().all(|file| file.is_minimal));
    assert_eq!(
        titles(&plan),
        [
            "Install the Barman Cloud plugin beside the operator",
            "Make the ObjectStores",
            "Move Cluster/shop in one change",
            "Have the schedules use the plugin",
            "Take a backup with the plugin",
        ]
    );
    assert_arrived(&inventory, Target::BarmanPlugin, &Choices::default());
}

#[test]
fn each_step_by_itself_leaves_files_that_can_be_read() {
    let inventory = inventory(IN_TREE);
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    for steps in 0..=plan.steps.len() {
        for file in plan.files(steps) {
            assert!(documents(&file.new).iter().all(|one| one.root.is_ok()));
        }
    }
    let cluster_only = &plan.steps[2].changes[0].new;
    assert!(cluster_only.contains("isWALArchiver"));
    assert!(!cluster_only.contains("pluginConfiguration"));
}

#[test]
fn stores_are_shared_when_they_are_equal_and_split_by_policy() {
    let cluster = |name: &str, policy: &str, namespace: &str| {
        format!(
            "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {{name: {name}, \
             namespace: {namespace}}}\nspec:\n  backup:\n    retentionPolicy: {policy}\n    \
             barmanObjectStore: {{destinationPath: 's3://b/', s3Credentials: \
             {{inheritFromIAMRole: true}}}}\n  storage: {{size: 1Gi}}\n---\n"
        )
    };
    let text = [
        cluster("a", "30d", "one"),
        cluster("b", "30d", "one"),
        cluster("c", "7d", "one"),
        cluster("d", "30d", "two"),
    ];
    let inventory = inventory(text.concat().trim_end_matches("---\n"));
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());
    let after = after(&inventory, &plan);

    let store = |name: &str| {
        let cluster = resource(&after, Kind::Cluster, name);
        let parameters = &cluster["spec"]["plugins"][0]["parameters"];
        (
            parameters["barmanObjectName"].as_str().unwrap().to_owned(),
            parameters["serverName"].as_str().unwrap().to_owned(),
        )
    };
    assert_eq!(store("a"), ("a".to_owned(), "a".to_owned()));
    assert_eq!(store("b"), ("a".to_owned(), "b".to_owned()));
    assert_eq!(store("c"), ("c".to_owned(), "c".to_owned()));
    assert_eq!(store("d"), ("d".to_owned(), "d".to_owned()));
}

#[test]
fn an_external_cluster_keeps_the_folder_that_it_had() {
    let text = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: new}\nspec:\n  \
                bootstrap: {recovery: {source: old}}\n  externalClusters:\n    - name: old # x\n      \
                barmanObjectStore: {destinationPath: 's3://b/', s3Credentials: \
                {inheritFromIAMRole: true}}\n    - name: far\n      connectionParameters: {host: h}\n";
    let inventory = inventory(text);
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    let cluster = resource(&after(&inventory, &plan), Kind::Cluster, "new");
    let external = &cluster["spec"]["externalClusters"];
    let parameters = serde_json::json!({"barmanObjectName": "old", "serverName": "old"});
    assert_eq!(external[0]["plugin"]["parameters"], parameters);
    assert_eq!(external[0].get("barmanObjectStore"), None);
    assert_eq!(external[1]["connectionParameters"]["host"], "h");
    assert_eq!(
        titles(&plan)[1],
        "Have Cluster/new be restored by the plugin"
    );
}

#[test]
fn what_only_a_person_knows_is_asked_and_taken() {
    let text = "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: new}\nspec:\n  \
                bootstrap: {recovery: {source: old}}\n  externalClusters:\n    - name: old\n      \
                plugin: {name: barman-cloud.cloudnative-pg.io, parameters: {barmanObjectName: s}}\n";
    let inventory = inventory(text);

    let asked = plan(&inventory, Target::BarmanPlugin, &Choices::default());
    let mut choices = Choices::default();
    choices.server_names.insert("old".into(), "old-v2".into());
    let answered = plan(&inventory, Target::BarmanPlugin, &choices);

    assert_eq!(asked.questions[0].option, "--server-name old=FOLDER");
    assert!(asked.files(asked.steps.len()).is_empty());
    let cluster = resource(&after(&inventory, &answered), Kind::Cluster, "new");
    let plugin = &cluster["spec"]["externalClusters"][0]["plugin"];
    assert_eq!(plugin["parameters"]["serverName"], "old-v2");
}

#[test]
fn a_restore_from_a_backup_object_becomes_one_by_id() {
    let recovery = "  bootstrap:\n    recovery:\n      backup: {name: b1}\n  storage:";
    let inventory = inventory(&IN_TREE.replacen("  storage:", recovery, 1));

    let asked = plan(&inventory, Target::BarmanPlugin, &Choices::default());
    let mut choices = Choices::default();
    choices
        .backups
        .insert("shop".into(), "old/20260101T000000".into());
    let answered = plan(&inventory, Target::BarmanPlugin, &choices);

    assert_eq!(asked.questions[0].option, "--backup shop=FOLDER/ID");
    let cluster = resource(&after(&inventory, &answered), Kind::Cluster, "shop");
    let recovery = &cluster["spec"]["bootstrap"]["recovery"];
    let expected = serde_json::json!({
        "source": "old", "recoveryTarget": {"backupID": "20260101T000000"},
    });
    assert_eq!(*recovery, expected);
    assert_eq!(cluster["spec"]["externalClusters"][0]["name"], "old");
}

#[test]
fn a_kustomization_lists_the_new_file() {
    let mut inventory = inventory(IN_TREE);
    let text = "kind: Kustomization\nresources:\n  - ./shop.yaml # all of it\n";
    inventory.add("apps/kustomization.yaml", text.to_owned());
    let plan = plan(&inventory, Target::BarmanPlugin, &Choices::default());

    let files = plan.files(plan.steps.len());
    let kustomization = files
        .iter()
        .find(|one| one.file.ends_with("kustomization.yaml"));
    let expected = format!("{text}  - ./objectstore-shop.yaml\n");
    assert_eq!(kustomization.unwrap().new, expected);
}
