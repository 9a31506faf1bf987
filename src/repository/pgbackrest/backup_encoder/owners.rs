use std::{collections::HashMap, sync::Arc};

use super::super::ManifestAttributes;
use crate::repository::Attributes;

/// Names that most files share, kept once each.
#[derive(Default)]
pub(super) struct Names(HashMap<String, Arc<str>>);

impl Names {
    pub(super) fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let shared: Arc<str> = Arc::from(name);
        self.0.insert(name.to_owned(), Arc::clone(&shared));
        shared
    }

    pub(super) fn attributes(&mut self, attributes: &Attributes) -> ManifestAttributes {
        ManifestAttributes {
            mode: attributes.mode,
            user: attributes.user.as_ref().map(|name| self.shared(name)),
            group: attributes.group.as_ref().map(|name| self.shared(name)),
        }
    }
}
