use super::{Checked, World, base::Base, check};
use crate::{repository::Pace, store::Key};

pub(super) async fn removed_backup_leaves_the_others(world: &World) -> Checked {
    let older = world.back_up(&Base::new(0)).await?;
    let before = keys(world).await?;
    let newer = world.back_up(&Base::new(10)).await?;
    let catalog = world.repository.catalog(None).await?;
    let ids: Vec<_> = catalog.backups.iter().map(|one| &one.stored.id).collect();
    let is_whole = catalog.backups.iter().all(|backup| backup.is_whole);
    check(is_whole && ids == [&older, &newer], || {
        format!("{catalog:?}")
    })?;
    let (going, pace) = ([newer], Pace::unlimited());

    let removal = world.repository.remove_backups(&going, &pace).await?;
    world.repository.remove_records(&going, &pace).await?;

    check(removal.objects > 0 && removal.kept.is_empty(), || {
        format!("{removal:?}")
    })?;
    let after = keys(world).await?;
    check(after == before, || format!("{after:?} are left"))?;
    let again = world.repository.remove_backups(&going, &pace).await?;
    check(again.objects == 0, || format!("{again:?} the second time"))
}

async fn keys(world: &World) -> Checked<Vec<Key>> {
    let objects = world.objects().await?.into_iter();
    Ok(objects.map(|object| object.key).collect())
}
