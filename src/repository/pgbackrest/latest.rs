use std::{fs, io, os::unix::fs::symlink};

use super::PgBackRestRepository;

impl PgBackRestRepository {
    /// Makes the link `latest` lead to a backup, where the repository is a folder of this machine.
    /// Nobody but people reads it, so that a backup without it is a good one.
    pub(super) async fn point_latest_to(&self, label: &str) {
        let Some(root) = self.settings.local_folder.clone() else {
            return;
        };
        let folder = root.join("backup").join(&self.settings.stanza);
        let target = label.to_owned();
        let link = move || {
            let (latest, next) = (folder.join(LATEST), folder.join(".latest.walcast"));
            match fs::remove_file(&next) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            symlink(target, &next)?;
            fs::rename(&next, &latest)
        };
        if let Err(error) = self.workers.disk(link).await {
            tracing::warn!(repository = %self, %error, "the link `latest` could not be changed");
        }
    }
}

const LATEST: &str = "latest";
