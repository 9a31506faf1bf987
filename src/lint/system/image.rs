//! Which releases run: images of Deployments.

use crate::{
    crd::pgbackrest::PluginVersion,
    inventory::{Field, Index, Kind, Resource, Seen},
    manifest::Node,
};

/// A container image that is known.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) deployment: Resource<'a>,
    pub(crate) product: Product,
    pub(crate) node: &'a Node,
    /// Its tag; empty if there is none.
    pub(crate) tag: &'a str,
}

/// What an image runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Product {
    /// The Barman Cloud plugin's controller.
    BarmanCloud,
    /// Dalibo's pgBackRest plugin's controller.
    PgBackRest,
}

impl Image<'_> {
    /// Returns the release of Dalibo's plugin.
    pub(crate) fn release(&self) -> Option<PluginVersion> {
        let is_dalibo = self.product == Product::PgBackRest;
        self.tag.parse().ok().filter(|_| is_dalibo)
    }
}

/// Finds the images of all Deployments.
pub(super) fn find<'a>(index: &Index<'a>) -> Vec<Image<'a>> {
    let mut images = Vec::new();
    for deployment in index.of_kind(Kind::Deployment) {
        let containers = deployment.spec().at(&["template", "spec", "containers"]);
        for container in containers.items() {
            let image = Field::of(Some(container)).get("image");
            let (Seen::Is(text), Some(node)) = (image.text(), image.node()) else {
                continue;
            };
            let (name, tag) = name_and_tag(text);
            let product = match name.rsplit('/').next() {
                Some(name) if name.contains("plugin-barman-cloud") => Product::BarmanCloud,
                Some(name) if name.contains("pgbackrest") && !name.contains("sidecar") => {
                    Product::PgBackRest
                }
                Some(_) | None => continue,
            };
            images.push(Image {
                deployment: *deployment,
                product,
                node,
                tag,
            });
        }
    }
    images
}

/// Takes an image's reference apart; a digest is left out.
fn name_and_tag(image: &str) -> (&str, &str) {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        // Behind the last colon of `host:5000/name` is no tag.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        Some(_) | None => (image, ""),
    }
}
