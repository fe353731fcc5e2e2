//! The files of a folder, read together.

use super::file::ProviderFile;
use super::read::{Around, provider};
use hub_catalog::document::Document;
use hub_core::Finding;

/// The providers of a folder.
#[derive(Debug, Default)]
pub struct Providers {
    pub(crate) files: Vec<ProviderFile>,
}

impl Providers {
    /// From the documents of a folder: each with the name of its file without the ending.
    ///
    /// # Errors
    /// Every finding of every document.
    pub fn from_documents(documents: Vec<(String, Document)>, around: &Around<'_>) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut files: Vec<ProviderFile> = Vec::new();
        for (id, document) in documents {
            files.extend(provider(&id, document, around, &mut findings));
        }
        if findings.is_empty() {
            Ok(Self { files })
        } else {
            Err(findings)
        }
    }

    /// Every provider, active or not.
    #[must_use]
    pub fn all(&self) -> &[ProviderFile] {
        &self.files
    }
}
