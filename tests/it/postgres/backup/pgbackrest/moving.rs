//! A cluster moves from Barman's layout to pgBackRest's, and can be restored all the time.

use std::fs;

use super::{Kind, Stanzas, TWO, content, secret, stanza};

/// Makes a stanza, then adds it to the destinations: the server archives all the time.
fn add(stanzas: &mut Stanzas, kind: Kind) {
    let document = stanza(&kind, &stanzas.world, &stanzas.s3);
    let file = stanzas.world.path("stanza.yaml");
    fs::write(&file, format!("{document}---\n{}", secret(&stanzas.s3))).unwrap();
    let data = stanzas.primary.cluster.data().display().to_string();
    let file = file.display().to_string();
    let created = stanzas
        .world
        .run(&["stanza-create", "--file", &file, "--pgdata", &data]);
    created.assert_ended(0, "");
    stanzas.world.add_document(&document);
    stanzas.kinds.push(kind);
}

#[test]
fn a_cluster_moves_from_barman_to_pgbackrest_with_both_complete() {
    let kind = TWO[1];
    let mut stanzas = Stanzas::new(&[]);
    stanzas.work(1);
    stanzas.back_up(&[]);
    stanzas.work(2);

    add(&mut stanzas, kind);
    stanzas.work(3);
    stanzas.back_up(&[]);
    stanzas.work(4);
    stanzas.primary.until_archived();
    let while_both = content(&stanzas.primary);

    let destination = kind.destination();
    let old = stanzas.listed("barman");
    let ids = old.iter().map(|backup| backup["id"].as_str().unwrap());
    let ids: Vec<_> = ids.collect();
    assert_eq!((ids.len(), stanzas.listed(&destination).len()), (2, 1));
    for id in ids {
        stanzas.check_restored("barman", Some(id), &while_both);
    }
    stanzas.check_restored(&destination, None, &while_both);

    // The old place is no destination any more.
    stanzas.world.clear_configuration();
    let documents = [
        stanza(&kind, &stanzas.world, &stanzas.s3),
        secret(&stanzas.s3),
    ];
    for document in documents {
        stanzas.world.add_document(&document);
    }
    stanzas.has_barman = false;
    stanzas.work(5);
    stanzas.back_up(&["--type=incr"]);
    stanzas.work(6);
    stanzas.primary.until_archived();
    let expected = content(&stanzas.primary);
    let labels = stanzas.listed(&destination);
    for label in labels.iter().map(|backup| backup["id"].as_str().unwrap()) {
        stanzas.check_restored(&destination, Some(label), &expected);
    }
    stanzas.check_restored_by_tool(&kind, &expected);
}
