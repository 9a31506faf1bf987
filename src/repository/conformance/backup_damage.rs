use bytes::Bytes;
use futures_util::TryStreamExt;

use super::{
    Checked, World,
    backup::{read_all, read_tree},
    base::{Base, check_files},
    check, check_class,
};
use crate::{
    repository::{BackupReader, Error, Result, Tree},
    store::{Class, Key, ObjectMeta, PutOptions, StoreExt},
};

pub(super) async fn damaged_backup_is_noticed(world: &World) -> Checked {
    let base = Base::new(0);
    let id = world.back_up(&base).await?;
    let largest = world.largest_object().await?;
    let whole = world.store.get_bytes(&largest.key, largest.size).await?;
    let mut spoilt = whole.to_vec();
    spoilt[..4].fill(0);
    let cuts = [0, 1, whole.len() / 2, whole.len() - 1];

    for damaged in cuts
        .map(|len| whole.slice(..len))
        .into_iter()
        .chain([Bytes::from(spoilt)])
    {
        let len = damaged.len();
        world.replace(&largest.key, damaged).await?;

        match world.try_to_read(&id).await {
            // What fills up a plain archive is no part of it.
            Ok(reader) => check_files(&base, read_all(&*reader).await?)?,
            failed => check_class(failed, Class::Invalid, &format!("{len} bytes of it"))?,
        }
    }
    Ok(())
}

pub(super) async fn backup_without_an_object_is_noticed(world: &World) -> Checked {
    let id = world.back_up(&Base::new(0)).await?;
    let reader = world.repository.open_backup(&id).await?;
    let largest = world.largest_object().await?;

    world.store.delete_one(&largest.key).await?;

    let read = read_tree(&*reader, Tree::Data).await;
    check_class(read, Class::Invalid, "reading on")?;
    let opened = world.repository.open_backup(&id).await;
    check_class(opened, Class::Invalid, "opening it")
}

pub(super) async fn removed_backup_is_missing(world: &World) -> Checked {
    let before = world.objects().await?;
    let id = world.back_up(&Base::new(0)).await?;
    let is_new = |one: &ObjectMeta| before.iter().all(|other| other.key != one.key);
    for one in world.objects().await?.iter().filter(|one| is_new(one)) {
        world.store.delete_one(&one.key).await?;
    }

    for id in ["nonsense", ""] {
        let opened = world.repository.open_backup(id).await;
        check_class(opened, Class::Missing, &format!("opening `{id}`"))?;
    }
    // A layout with a list of backups finds it damaged.
    let opened = world.repository.open_backup(&id).await.map(drop);
    let class = opened.as_ref().map_err(Error::class).err();
    let is_noticed = matches!(class, Some(Class::Missing | Class::Invalid));
    check(is_noticed, || format!("opening it came to {opened:?}"))
}

impl World {
    /// Lists everything in the store.
    pub(super) async fn objects(&self) -> Checked<Vec<ObjectMeta>> {
        Ok(self.store.list("", None).try_collect().await?)
    }

    /// The object with most of the data directory.
    async fn largest_object(&self) -> Checked<ObjectMeta> {
        let objects = self.objects().await?.into_iter();
        let largest = objects.max_by_key(|object| object.size);
        largest.ok_or_else(|| super::Complaint("nothing was stored".to_owned()))
    }

    async fn replace(&self, key: &Key, bytes: Bytes) -> Checked {
        let options = PutOptions::default();
        Ok(self.store.put_bytes(key, bytes, options).await?)
    }

    /// Opens a backup, and reads it to its end.
    async fn try_to_read(&self, id: &str) -> Result<Box<dyn BackupReader>> {
        let reader = self.repository.open_backup(id).await?;
        for (tree, _) in reader.trees() {
            read_tree(&*reader, tree).await?;
        }
        Ok(reader)
    }
}
