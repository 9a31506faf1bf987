use futures_util::{StreamExt, TryStreamExt, future::join_all};

use super::{
    Checked, World,
    base::{Arrival, Base, Encoded, Files, check_files},
    check, check_class,
};
use crate::{
    repository::{
        BackupEnd, BackupReader, BackupStart, BackupState, BackupWriter, Result, Taker, Tree,
        TreeEvent,
    },
    store::{Class, Payload},
};

pub(super) async fn files_of_a_backup_come_back(world: &World) -> Checked {
    let base = Base::new(0);
    let id = world.back_up(&base).await?;

    let reader = world.repository.open_backup(&id).await?;

    let trees: Vec<Tree> = reader.trees().iter().map(|(tree, _)| *tree).collect();
    let is_in_order = matches!(trees[..], [Tree::Tablespace(_), Tree::Data]);
    check(is_in_order, || format!("the trees are {trees:?}"))?;
    check_files(&base, read_all(&*reader).await?)
}

pub(super) async fn objects_of_many_parts_come_back(world: &World) -> Checked {
    let writer = world
        .repository
        .begin_backup(&Base::new(1).start, &Taker::of_backup())
        .await?;
    let part = usize::try_from(writer.part_size()).unwrap_or(usize::MAX);
    let base = Base::with_file_of(part.saturating_add(1_000_000));

    let id = world.back_up(&base).await?;

    let reader = world.repository.open_backup(&id).await?;
    check_files(&base, read_all(&*reader).await?)
}

pub(super) async fn encoding_is_repeatable(world: &World) -> Checked {
    let base = Base::new(0);
    let taker = Taker::of_backup();
    let writer = world.repository.begin_backup(&base.start, &taker).await?;
    let (one, _) = base.encode(&*writer, 1)?;

    let (other, _) = base.encode(&*writer, 3)?;

    check(one == other, || "they did not".to_owned())
}

pub(super) async fn record_of_a_backup_comes_back(world: &World) -> Checked {
    let base = Base::new(0);
    let id = world.back_up(&base).await?;

    let reader = world.repository.open_backup(&id).await?;

    let Some((start, end)) = reader.origin() else {
        return check(false, || "there was no record".to_owned());
    };
    let expected = BackupStart {
        id: Some(id.clone()),
        ..base.start.clone()
    };
    check(*start == expected, || format!("{start:?}"))?;
    let expected = BackupEnd {
        // It says nothing that the tablespaces do not say.
        tablespace_map: end.tablespace_map.clone(),
        ..base.end.clone()
    };
    check(*end == expected, || format!("{end:?}"))?;
    let tablespaces = reader.tablespaces();
    check(tablespaces == base.start.server.tablespaces, || {
        format!("the tablespaces are {tablespaces:?}")
    })
}

pub(super) async fn unfinished_backup_is_not_complete(world: &World) -> Checked {
    let base = Base::new(0);
    let writer = world
        .repository
        .begin_backup(&base.start, &Taker::of_backup())
        .await?;
    world.check_none_is_complete().await?;

    let (objects, contents) = base.encode(&*writer, 2)?;
    send(&*writer, &objects).await?;

    world.check_none_is_complete().await?;
    // Layouts without a record of the beginning do not know it yet.
    if let Ok(reader) = world.repository.open_backup(writer.id()).await {
        let state = &reader.backup().state;
        check(*state != BackupState::Complete, || {
            "it was opened as a complete one".to_owned()
        })?;
        check(reader.origin().is_none(), || "its end was known".to_owned())?;
    }
    writer.finish(&base.end, &contents).await?;
    let backups = world.repository.backups().await?;
    let states: Vec<_> = backups.found.iter().map(|one| &one.state).collect();
    check(states == [&BackupState::Complete], || {
        format!("in the end there were {states:?}")
    })
}

pub(super) async fn unfinished_backup_is_found_and_removed(world: &World) -> Checked {
    let base = Base::new(0);
    let taker = Taker::of_backup();
    let before = world.objects().await?;
    let writer = world.repository.begin_backup(&base.start, &taker).await?;
    let (objects, _) = base.encode(&*writer, 2)?;
    let (last, whole) = objects.split_last().expect("there is a data directory");
    send(&*writer, whole).await?;
    put_parts(&*writer, last).await?;
    drop(writer);

    let found = world.repository.unfinished_backups().await?;

    check(found.len() == 1 && found[0].taker == taker, || {
        format!("{found:?} was found")
    })?;
    let is_removed = world.repository.remove_unfinished(&found[0]).await?;
    check(is_removed, || "it was not removed".to_owned())?;
    let after = world.objects().await?;
    check(before == after, || format!("{after:?} were there then"))?;
    let uploads = world.store.unfinished_uploads("").await;
    check(uploads.map_or(true, |uploads| uploads.is_empty()), || {
        "an upload was left".to_owned()
    })
}

pub(super) async fn given_up_backup_leaves_nothing(world: &World) -> Checked {
    let base = Base::new(0);
    let writer = world
        .repository
        .begin_backup(&base.start, &Taker::of_backup())
        .await?;
    let (objects, _) = base.encode(&*writer, 2)?;
    let (last, whole) = objects.split_last().expect("there is a data directory");
    send(&*writer, whole).await?;
    put_parts(&*writer, last).await?;

    writer.give_up("the check wants it so").await?;

    for backup in world.repository.backups().await?.found {
        let is_empty =
            matches!(backup.state, BackupState::Failed { .. }) && backup.stored_size == 0;
        check(is_empty, || format!("there was {backup:?}"))?;
    }
    let uploads = world.store.unfinished_uploads("").await?;
    check(uploads.is_empty(), || format!("{uploads:?} were left"))?;
    world.back_up(&base).await.map(drop)
}

pub(super) async fn backup_in_the_same_second_is_refused(world: &World) -> Checked {
    let base = Base::new(0);
    world.back_up(&base).await?;
    world.check_refuses(&base, "a second one").await
}

pub(super) async fn backup_of_another_cluster_is_refused(world: &World) -> Checked {
    world.back_up(&Base::new(0)).await?;
    world
        .check_refuses(&Base::of_another_cluster(), "that of another cluster")
        .await
}

pub(super) async fn backups_are_listed_oldest_first(world: &World) -> Checked {
    let mut written = Vec::new();
    for minutes in [10, 0, 1] {
        let base = Base::new(minutes);
        let id = world.back_up(&base).await?;
        written.push((base, id));
    }
    written.sort_by_key(|(base, _)| base.start.began);

    let backups = world.repository.backups().await?;

    check(backups.damaged.is_empty(), || {
        format!("{:?} are damaged", backups.damaged)
    })?;
    let found: Vec<_> = backups.found.iter().map(|one| &one.id).collect();
    let expected: Vec<_> = written.iter().map(|(_, id)| id).collect();
    check(found == expected, || format!("{found:?} were listed"))?;
    for (backup, (base, id)) in backups.found.iter().zip(&written) {
        let Base { start, end, .. } = base;
        let is_described = backup.name == start.name
            && backup.annotations == start.annotations
            && backup.state == BackupState::Complete
            && backup.began == Some(start.began)
            && backup.ended == Some(end.ended)
            && backup.system_id == Some(start.server.system_id)
            && backup.server_version.map(major) == Some(major(start.server.version))
            && backup
                .segment_size
                .is_none_or(|size| size == start.server.segment_size)
            && backup.timeline == Some(start.timeline)
            && backup.start == Some(start.start)
            && backup.stop == Some(end.stop)
            && backup.keep.is_none();
        check(is_described, || format!("there was {backup:?}"))?;
        let reader = world.repository.open_backup(id).await?;
        let size: u64 = reader.trees().iter().map(|(_, size)| size).sum();
        check(size > 0 && size == backup.stored_size, || {
            format!("{} instead of {size} bytes", backup.stored_size)
        })?;
    }
    Ok(())
}

/// A layout need not keep the minor version.
fn major(version: u32) -> u32 {
    version / 10_000
}

pub(super) async fn dropped_backup_stream_does_no_harm(world: &World) -> Checked {
    let base = Base::new(0);
    let id = world.back_up(&base).await?;
    let reader = world.repository.open_backup(&id).await?;

    let mut stream = reader.read(Tree::Data).await?;
    let first: Vec<_> = stream.by_ref().take(3).try_collect().await?;
    drop(stream);

    check(first.len() == 3, || format!("only {first:?} came"))?;
    check_files(&base, read_all(&*reader).await?)
}

impl World {
    /// Takes a base backup to its end, and returns its id.
    pub(super) async fn back_up(&self, base: &Base) -> Checked<String> {
        let writer = self
            .repository
            .begin_backup(&base.start, &Taker::of_backup())
            .await?;
        let (objects, contents) = base.encode(&*writer, 2)?;
        send(&*writer, &objects).await?;
        writer.finish(&base.end, &contents).await?;
        Ok(writer.id().to_owned())
    }

    async fn check_none_is_complete(&self) -> Checked {
        let backups = self.repository.backups().await?;
        let is_complete = |state| state == BackupState::Complete;
        let any = backups.found.into_iter().any(|one| is_complete(one.state));
        check(!any, || "it was complete".to_owned())
    }

    /// Complains unless a backup cannot begin, and nothing is written of it.
    async fn check_refuses(&self, base: &Base, what: &str) -> Checked {
        let before = self.objects().await?;
        let begun = self
            .repository
            .begin_backup(&base.start, &Taker::of_backup())
            .await;
        check_class(begun, Class::Conflict, what)?;
        let after = self.objects().await?;
        check(before == after, || format!("{after:?} were there then"))
    }
}

/// Reads all trees.
pub(super) async fn read_all(reader: &dyn BackupReader) -> Checked<Files> {
    let mut arrival = Arrival::default();
    for (tree, _) in reader.trees() {
        for event in read_tree(reader, tree).await? {
            arrival.take(event)?;
        }
    }
    arrival.files()
}

/// Reads a tree to its end.
pub(super) async fn read_tree(reader: &dyn BackupReader, tree: Tree) -> Result<Vec<TreeEvent>> {
    reader.read(tree).await?.try_collect().await
}

async fn send(writer: &dyn BackupWriter, objects: &[Encoded]) -> Checked {
    for object in objects {
        let count = put_parts(writer, object).await?;
        writer.complete(&object.0, count).await?;
    }
    Ok(())
}

/// Sends the parts of an object side by side, the first one again, and returns how many they are.
async fn put_parts(writer: &dyn BackupWriter, object: &Encoded) -> Checked<u32> {
    let (name, content) = object;
    let size = usize::try_from(writer.part_size()).unwrap_or(usize::MAX);
    let parts: Vec<_> = (0..).zip(content.chunks(size)).collect();
    let again = parts.first().copied();
    let puts = parts.iter().map(|(index, part)| {
        let payload = Payload::new(part.to_vec());
        writer.put_part(name, *index, payload)
    });
    for put in join_all(puts).await {
        put?;
    }
    if let Some((index, part)) = again {
        let payload = Payload::new(part.to_vec());
        writer.put_part(name, index, payload).await?;
    }
    Ok(u32::try_from(parts.len()).unwrap_or(u32::MAX))
}
