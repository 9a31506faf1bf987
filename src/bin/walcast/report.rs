//! `walcast report`: an audit as a page for a browser.

use std::path::{Path, PathBuf};

use clap::Args;
use walcast::report::Page;

use crate::{
    audit::{LookOptions, as_json, code, headline},
    output::{self, Failure, Format},
};

#[derive(Args, Debug)]
pub(crate) struct Report {
    /// The file that the page is written to, in one step; `-` is standard output.
    #[arg(long, value_name = "FILE", required = true)]
    html: PathBuf,
    /// What the page calls the cluster. Default: its folder in the destinations.
    #[arg(long, value_name = "NAME")]
    title: Option<String>,
    #[command(flatten)]
    look: LookOptions,
}

impl Report {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let looker = self.look.looker().await?;
        let look = looker.look(None).await?;
        let page = Page {
            audit: &look.audit,
            cluster: self.title.as_deref().or(looker.server_name.as_deref()),
        };
        let page = page.to_html();
        if self.html == Path::new("-") {
            output::print(&page);
            return Ok(code(&look.audit));
        }
        let path = self.html.clone();
        let write = move || output::replace(&path, page.as_bytes());
        let written = looker.workers.disk(write).await;
        written.map_err(|error| Failure::new(format!("{}: {error}", self.html.display())))?;
        match format {
            Format::Text => output::print(&format!("{}\n", headline(&look.audit))),
            Format::Json => output::print_json(&as_json(&look)),
        }
        Ok(code(&look.audit))
    }
}
