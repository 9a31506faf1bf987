//! Whether the data directory that came is one from which recovery can begin. Blocking.

use std::io::Read;

use super::{PlaceError, Placer, check::control_file, folder::Access, site::Site};
use crate::{
    pg::{BackupLabel, ControlData},
    repository::TreePath,
};

impl Placer {
    /// Most bytes that are read of a `backup_label`.
    const MAX_LABEL: u64 = 64 << 10;

    /// Checks that recovery can begin, and that it is the backup that its record describes.
    pub(super) fn check_data_directory(&mut self) -> Result<(), PlaceError> {
        let path = control_file();
        let Some(control) = &self.control else {
            return Err(PlaceError::content(&path, "it is missing"));
        };
        let control = ControlData::parse(&control.content)
            .map_err(|error| PlaceError::content(&path, error.to_string()))?;
        if let Some(expected) = self.placement.system_id
            && expected != control.system_id
        {
            let found = control.system_id;
            return Err(PlaceError::OtherCluster { expected, found });
        }
        let has_folder = |site: &Site| {
            let folder = path.parent();
            folder.is_some_and(|folder| site.directories.contains_key(&folder))
        };
        if !has_folder(self.data_site()) {
            return Err(PlaceError::content(&path, "its directory is missing"));
        }
        self.check_label()
    }

    /// Without its label, a server would recover from the wrong position, and be damaged.
    fn check_label(&mut self) -> Result<(), PlaceError> {
        let path = TreePath::parse(BackupLabel::FILE_NAME).expect("it is a plain name");
        let site = self.data_site();
        let opened = site.folder.open_file(&path, Access::Read);
        let opened = opened.map_err(site.fault(&path))?;
        let Some(file) = opened.filter(|_| site.has_come(&path)) else {
            return Err(PlaceError::content(&path, "it is missing"));
        };
        let mut text = Vec::new();
        let read = file.take(Self::MAX_LABEL).read_to_end(&mut text);
        read.map_err(site.fault(&path))?;
        let label = BackupLabel::parse(&String::from_utf8_lossy(&text))
            .map_err(|error| PlaceError::content(&path, error.to_string()))?;
        match self.placement.start {
            Some(start) if start != label.start => {
                let reason = format!("it begins at {} instead of {start}", label.start);
                Err(PlaceError::content(&path, reason))
            }
            _ => Ok(()),
        }
    }
}
