use serde_json::json;

use super::*;

#[test]
fn a_cluster_goes_to_walcast_and_back() {
    let inventory = inventory(IN_TREE);
    let choices = Choices::default();
    let plugin = after(
        &inventory,
        &plan(&inventory, Target::BarmanPlugin, &choices),
    );
    let there = after(&plugin, &plan(&plugin, Target::Walcast, &choices));
    let back = after(&there, &plan(&there, Target::BarmanPlugin, &choices));

    let entry = json!([{
        "name": "walcast.dev",
        "isWALArchiver": true,
        "parameters": {"destinations": "ObjectStore/shop", "serverName": "shop"},
    }]);
    assert_eq!(
        resource(&there, Kind::Cluster, "shop")["spec"]["plugins"],
        entry
    );
    for (kind, name) in [(Kind::Cluster, "shop"), (Kind::ScheduledBackup, "nightly")] {
        assert_eq!(resource(&back, kind, name), resource(&plugin, kind, name));
    }
    assert_arrived(&plugin, Target::Walcast, &choices);
}

#[test]
fn a_store_that_was_never_written_becomes_a_destination() {
    let mut inventory = Inventory::default();
    inventory
        .read(&folder("examples/manifests/upgrade-plan"))
        .unwrap();
    let mut choices = Choices::default();

    let without = plan(&inventory, Target::Walcast, &choices);
    choices
        .also
        .insert("shop".into(), vec!["ObjectStore/shop-offsite".into()]);
    let with = plan(&inventory, Target::Walcast, &choices);

    assert!(texts(&without.losses).contains("--also shop=ObjectStore/shop-offsite"));
    let after = after(&inventory, &with);
    let cluster = resource(&after, Kind::Cluster, "shop");
    let destinations = &cluster["spec"]["plugins"][0]["parameters"]["destinations"];
    assert_eq!(
        *destinations,
        "ObjectStore/shop-frankfurt, ObjectStore/shop-offsite"
    );
    let second = resource(&after, Kind::ScheduledBackup, "shop-offsite");
    assert_eq!(second["spec"]["suspend"], true);
}

#[test]
fn every_repository_of_a_stanza_is_a_destination_and_one_schedule_is_enough() {
    let mut inventory = Inventory::default();
    inventory
        .read(&folder("examples/manifests/field-report"))
        .unwrap();
    let choices = Choices::default();
    let there = after(&inventory, &plan(&inventory, Target::Walcast, &choices));

    let cluster = resource(&there, Kind::Cluster, "orders");
    let parameters = &cluster["spec"]["plugins"][0]["parameters"];
    assert_eq!(*parameters, json!({"destinations": "Stanza/orders"}));
    let near = resource(&there, Kind::ScheduledBackup, "orders-near");
    let far = resource(&there, Kind::ScheduledBackup, "orders-far");
    assert_eq!(near["spec"].get("suspend"), None);
    assert_eq!(far["spec"]["suspend"], true);
    assert_eq!(
        near["spec"]["pluginConfiguration"]["parameters"],
        json!({"backupType": "full"})
    );
}

#[test]
fn the_way_back_says_what_it_leaves_behind() {
    let text = IN_TREE.split("---").next().unwrap();
    let start = text.find("  backup:").unwrap();
    let end = text.find("  storage:").unwrap();
    let entry = "  plugins:\n    - name: walcast.dev\n      isWALArchiver: true\n      parameters:\n        \
                 destinations: ObjectStore/near, Stanza/far/1\n        minCopies: \"2\"\n";
    let inventory = inventory(&format!("{}{entry}{}", &text[..start], &text[end..]));
    let to_barman = plan(&inventory, Target::BarmanPlugin, &Choices::default());
    let to_pgbackrest = plan(&inventory, Target::PgBackRest, &Choices::default());

    let lost = texts(&to_barman.losses);
    assert!(lost.contains("`far-1` gets no more WAL"), "{lost}");
    assert!(lost.contains("`minCopies`"), "{lost}");
    let cluster = resource(&after(&inventory, &to_pgbackrest), Kind::Cluster, "shop");
    assert_eq!(
        cluster["spec"]["plugins"][0]["parameters"],
        json!({"stanzaRef": "far"})
    );
}
