//! What one destination shows.

use futures_util::{StreamExt, stream};

use super::{Level, Remembered};
use crate::{
    catalog::Catalog,
    error::chain,
    fanout::Destination,
    repository::{BackupState, Format, Repository, Result, Survey},
    store::Class,
};

/// What was seen of one destination.
#[derive(Debug)]
pub struct Observation {
    /// The destination.
    pub destination: super::Id,
    /// Its layout.
    pub format: Format,
    /// Where it is, for people.
    pub location: String,
    /// What it holds, or why that is not known.
    pub catalog: std::result::Result<Catalog, String>,
    /// What a closer look showed, at [`Level::Metadata`] and above.
    pub look: Option<Look>,
    /// What is remembered of it.
    pub remembered: Remembered,
}

/// What a closer look at a destination showed.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Everything that is there.
    pub survey: Survey,
    /// The complete backups whose objects are not as their record says, and how.
    pub odd: Vec<(String, String)>,
}

/// Asks a destination what it holds. What cannot be read is part of the answer. `known` is what it
/// held before, of which the WAL is not listed again.
pub async fn observe(
    destination: &Destination,
    level: Level,
    remembered: Remembered,
    known: Option<&Catalog>,
) -> Observation {
    let repository = &*destination.repository;
    let seen = async {
        let catalog = repository.catalog(known).await?;
        let look = match level {
            Level::Listing => None,
            Level::Metadata | Level::Digests | Level::All => {
                Some(look(repository, &catalog).await?)
            }
        };
        Ok((catalog, look))
    };
    let seen: Result<_> = seen.await;
    let (catalog, look) = match seen {
        Ok((catalog, look)) => (Ok(catalog), look),
        Err(error) => (Err(chain(&error)), None),
    };
    Observation {
        destination: destination.id.clone(),
        format: repository.format(),
        location: repository.to_string(),
        catalog,
        look,
        remembered,
    }
}

/// Opening a backup compares its record with what is there.
async fn look(repository: &dyn Repository, catalog: &Catalog) -> Result<Look> {
    let backups = catalog.backups.iter();
    let complete = backups.filter(|backup| backup.stored.state == BackupState::Complete);
    let open = complete.map(|backup| async move {
        let id = &backup.stored.id;
        match repository.open_backup(id).await {
            Ok(_) => Ok(None),
            Err(error) if matches!(error.class(), Class::Invalid | Class::Missing) => {
                Ok(Some((id.clone(), chain(&error))))
            }
            Err(error) => Err(error),
        }
    });
    let opened: Vec<Result<_>> = stream::iter(open).buffered(CONCURRENCY).collect().await;
    let odd: Result<Vec<_>> = opened.into_iter().collect();
    Ok(Look {
        odd: odd?.into_iter().flatten().collect(),
        survey: repository.survey().await?,
    })
}

/// How many backups are looked at at once.
const CONCURRENCY: usize = 4;
