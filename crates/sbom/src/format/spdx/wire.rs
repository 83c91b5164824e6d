//! The JSON, name by name (the specification's schemas/spdx-schema.json).

use std::borrow::Cow;

use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Document<'a, P: Serialize, E: Serialize, R: Serialize> {
    #[serde(rename = "spdxVersion")]
    pub(super) spdx_version: &'static str,
    #[serde(rename = "dataLicense")]
    pub(super) data_license: &'static str,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'static str,
    pub(super) name: &'a str,
    #[serde(rename = "documentNamespace")]
    pub(super) namespace: String,
    #[serde(rename = "creationInfo")]
    pub(super) creation: Creation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    pub(super) packages: P,
    #[serde(rename = "hasExtractedLicensingInfos")]
    pub(super) extracted: E,
    pub(super) relationships: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Creation {
    pub(super) license_list_version: &'static str,
    pub(super) creators: Vec<String>,
    pub(super) created: String,
}

#[derive(Serialize)]
pub(super) struct Package<'a> {
    pub(super) name: &'a str,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'a str,
    #[serde(rename = "versionInfo", skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<&'a str>,
    pub(super) supplier: Cow<'a, str>,
    #[serde(rename = "downloadLocation")]
    pub(super) download_location: &'a str,
    #[serde(rename = "filesAnalyzed")]
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) homepage: Option<&'a str>,
    #[serde(rename = "sourceInfo", skip_serializing_if = "Option::is_none")]
    pub(super) source_info: Option<String>,
    #[serde(rename = "licenseConcluded")]
    pub(super) license_concluded: Cow<'a, str>,
    #[serde(rename = "licenseDeclared")]
    pub(super) license_declared: Cow<'a, str>,
    #[serde(rename = "copyrightText")]
    pub(super) copyright: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    #[serde(rename = "externalRefs", skip_serializing_if = "Vec::is_empty")]
    pub(super) external_references: Vec<ExternalReference<'a>>,
    #[serde(
        rename = "primaryPackagePurpose",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) purpose: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct Checksum<'a> {
    pub(super) algorithm: &'static str,
    #[serde(rename = "checksumValue")]
    pub(super) value: &'a str,
}

#[derive(Serialize)]
pub(super) struct ExternalReference<'a> {
    #[serde(rename = "referenceCategory")]
    pub(super) category: &'static str,
    #[serde(rename = "referenceType")]
    pub(super) kind: &'static str,
    #[serde(rename = "referenceLocator")]
    pub(super) locator: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct Extracted<'a> {
    #[serde(rename = "licenseId")]
    pub(super) id: &'a str,
    #[serde(rename = "extractedText")]
    pub(super) text: &'a str,
    pub(super) name: &'a str,
}

#[derive(Serialize)]
pub(super) struct Relationship<'a> {
    #[serde(rename = "spdxElementId")]
    from: &'a str,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    #[serde(rename = "relatedSpdxElement")]
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
}

impl<'a> Relationship<'a> {
    pub(super) fn new(from: &'a str, kind: &'static str, to: &'a str) -> Self {
        Self {
            from,
            kind,
            to,
            comment: None,
        }
    }

    pub(super) fn with_comment(mut self, comment: &'static str) -> Self {
        self.comment = Some(comment);
        self
    }
}
