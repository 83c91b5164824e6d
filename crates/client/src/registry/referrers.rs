//! What refers to an image: the referrers API, and the tag that stands in for it (OCI distribution
//! 1.1, "Listing Referrers" and "Referrers Tag Schema").

use std::time::Duration;

use bytes::Bytes;
use countersign_artifact::manifest::MAX_MANIFEST_SIZE;
use countersign_artifact::{
    Descriptor, Digest, ImageIndex, Manifest, media_type, referrer::fallback_tag,
};
use http::header::{ACCEPT, HeaderMap, LINK};
use tokio::time::Instant;
use url::Url;

use super::Repository;
use super::access::{Asked, Target, refusal};
use super::client::Client;
use super::error::{Fault, RegistryError, Resource};
use super::manifests::{Listed, content_type, manifest_resource};
use crate::transport::{read_capped, spread};

/// The manifests that refer to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrers {
    /// Points at each. The artifact type is what a registry or another client wrote there, so it is
    /// no reason to leave one out.
    pub descriptors: Vec<Descriptor>,
    /// Where the list is from.
    pub from: ReferrersFrom,
}

/// Where a list of referrers is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferrersFrom {
    /// The referrers API.
    Api,
    /// The tag that clients keep where there is no such API.
    FallbackTag,
}

impl Client {
    /// Lists what refers to `subject`, all pages of it.
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Referrers, RegistryError> {
        if let Some(descriptors) = self.listed_by_api(repository, subject).await? {
            let from = ReferrersFrom::Api;
            return Ok(Referrers { descriptors, from });
        }
        let found = self.fallback_index(repository, subject).await?;
        let descriptors = match found {
            Fallback::Index(index) => index.manifests,
            // `cosign copy` tags the image itself so; it lists nothing.
            Fallback::Absent | Fallback::Image => Vec::new(),
        };
        let from = ReferrersFrom::FallbackTag;
        Ok(Referrers { descriptors, from })
    }

    /// Pushes the manifest of something that refers to `subject` and sees to it that it is listed.
    pub async fn push_referrer(
        &self,
        repository: &Repository,
        subject: &Digest,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, RegistryError> {
        let manifest = Manifest::parse(Some(media_type), &bytes);
        let (mut pushed, listed) = self
            .push_manifest(repository, None, media_type, bytes)
            .await?;
        if listed == Listed::ByRegistry || self.has_referrers_api(repository, subject).await? {
            return Ok(pushed);
        }
        // As go-containerregistry since 0.21: the artifact type, and no annotations.
        pushed.artifact_type = manifest
            .ok()
            .and_then(|manifest| manifest.artifact_type().map(str::to_owned));
        self.list_by_tag(repository, subject, &pushed).await?;
        Ok(pushed)
    }

    /// Asks the API; `None` where the registry has none.
    async fn listed_by_api(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        let resource = referrers_resource(repository, subject);
        let mut target = Target::Path(format!("referrers/{subject}"));
        let mut found = Vec::new();
        for _ in 0..MAX_PAGES {
            let due = self.due();
            let mut asked =
                Asked::get(&resource, String::new(), due).header(ACCEPT, media_type::OCI_INDEX)?;
            asked.target = target;
            let response = self.ask_any(&asked).await?;
            match response.status().as_u16() {
                200 if content_type(response.headers()).as_deref()
                    == Some(media_type::OCI_INDEX) => {}
                200 | 400 | 404 | 406 => return Ok(None),
                _ => return Err(refusal(response, due).await.of(&resource)),
            }
            let next = next_page(response.headers(), response.url())
                .map_err(|fault| fault.of(&resource))?;
            let bytes = read_capped(response, MAX_MANIFEST_SIZE as u64, due)
                .await
                .map_err(|fault| Fault::from(fault).of(&resource))?;
            match Manifest::parse(Some(media_type::OCI_INDEX), &bytes) {
                Ok(Manifest::Index(page)) => found.extend(page.manifests),
                Ok(Manifest::Image(_)) => {
                    let (expected, found) = ("an index", "an image");
                    return Err(Fault::UnexpectedManifest { expected, found }.of(&resource));
                }
                Err(error) => return Err(Fault::Manifest(error).of(&resource)),
            }
            if found.len() > MAX_REFERRERS {
                return Err(Fault::TooManyReferrers {
                    limit: MAX_REFERRERS,
                }
                .of(&resource));
            }
            match next {
                Some(url) => target = Target::Url(url),
                None => return Ok(Some(found)),
            }
        }
        Err(Fault::TooManyReferrers {
            limit: MAX_REFERRERS,
        }
        .of(&resource))
    }

    async fn has_referrers_api(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<bool, RegistryError> {
        let resource = referrers_resource(repository, subject);
        let due = self.due();
        let asked = Asked::get(&resource, format!("referrers/{subject}"), due)
            .header(ACCEPT, media_type::OCI_INDEX)?;
        let response = self.ask_any(&asked).await?;
        match response.status().as_u16() {
            200 => Ok(content_type(response.headers()).as_deref() == Some(media_type::OCI_INDEX)),
            400 | 404 | 406 => Ok(false),
            _ => Err(refusal(response, due).await.of(&resource)),
        }
    }

    async fn fallback_index(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Fallback, RegistryError> {
        match self.manifest_at(repository, &fallback_tag(subject)).await {
            Ok(fetched) => match fetched.manifest {
                Manifest::Index(index) => Ok(Fallback::Index(Box::new(index))),
                Manifest::Image(_) => Ok(Fallback::Image),
            },
            Err(error) if error.is_not_found() => Ok(Fallback::Absent),
            Err(error) => Err(error),
        }
    }

    /// Adds `entry` to the list under the fallback tag.
    ///
    /// Registries have no compare-and-swap for tags, so two writers that read the same list lose one
    /// entry. Each writer therefore looks again after a pause that is longer than another's time
    /// between reading and writing, and writes again if its entry is gone; what it has seen in
    /// between it keeps.
    async fn list_by_tag(
        &self,
        repository: &Repository,
        subject: &Digest,
        entry: &Descriptor,
    ) -> Result<(), RegistryError> {
        let writer = self.index_writer(repository, subject);
        let _one_at_a_time = writer.lock().await;
        let tag = fallback_tag(subject);
        let mut seen = vec![entry.clone()];
        for _ in 0..MAX_INDEX_WRITES {
            let started = Instant::now();
            let mut index = match self.fallback_index(repository, subject).await? {
                Fallback::Index(index) => *index,
                Fallback::Absent => empty_index(),
                Fallback::Image => {
                    let resource = manifest_resource(repository, &tag);
                    return Err(Fault::FallbackTagTaken.of(&resource));
                }
            };
            if seen.iter().all(|one| lists(&index, one)) {
                return Ok(());
            }
            merge(&mut seen, index.manifests);
            index.manifests = seen.clone();
            let bytes = serde_json::to_vec(&index).expect("an index is plain data");
            self.push_manifest(repository, Some(&tag), media_type::OCI_INDEX, bytes.into())
                .await?;
            let settle = (started.elapsed() * 3).max(SETTLE) + SETTLE.mul_f64(spread());
            tokio::time::sleep(settle).await;
        }
        let attempts = MAX_INDEX_WRITES;
        Err(Fault::FallbackTagContended { attempts }.of(&manifest_resource(repository, &tag)))
    }
}

enum Fallback {
    Index(Box<ImageIndex>),
    Image,
    Absent,
}

fn lists(index: &ImageIndex, entry: &Descriptor) -> bool {
    index.manifests.iter().any(|one| one.digest == entry.digest)
}

/// Adds what is new; sorted by digest, so that equal lists are equal bytes.
fn merge(seen: &mut Vec<Descriptor>, found: Vec<Descriptor>) {
    for one in found {
        if !seen.iter().any(|known| known.digest == one.digest) {
            seen.push(one);
        }
    }
    seen.sort_by_key(|one| one.digest);
}

fn empty_index() -> ImageIndex {
    ImageIndex {
        schema_version: 2,
        media_type: Some(media_type::OCI_INDEX.to_owned()),
        artifact_type: None,
        manifests: Vec::new(),
        subject: None,
        annotations: Default::default(),
    }
}

/// The next page, `Link: <url>; rel="next"`. It must be on the same registry: our token goes there.
fn next_page(headers: &HeaderMap, base: &Url) -> Result<Option<Url>, Fault> {
    let links = headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok());
    for link in links.flat_map(|value| value.split(", <")) {
        let Some((target, parameters)) = link.split_once('>') else {
            continue;
        };
        let parameters = parameters.to_ascii_lowercase().replace([' ', '"'], "");
        if !parameters
            .split(';')
            .any(|parameter| parameter == "rel=next")
        {
            continue;
        }
        let bad = Fault::Header { name: "Link" };
        let Ok(url) = base.join(target.trim_start().trim_start_matches('<')) else {
            return Err(bad);
        };
        return if url.origin() == base.origin() {
            Ok(Some(url))
        } else {
            Err(bad)
        };
    }
    Ok(None)
}

fn referrers_resource(repository: &Repository, subject: &Digest) -> Resource {
    Resource::Referrers {
        repository: repository.clone(),
        subject: *subject,
    }
}

/// As many as cosign reads layers of one signature manifest.
const MAX_REFERRERS: usize = 1000;
/// A registry that gives a few descriptors a page is slow; one that gives none for ever is hostile.
const MAX_PAGES: usize = 100;
/// Many writers at once settle in a few rounds.
const MAX_INDEX_WRITES: u32 = 40;
/// Longer than a registry nearby takes for one read and one write.
const SETTLE: Duration = Duration::from_millis(150);

#[cfg(test)]
mod tests {
    use super::*;

    fn next(link: &str) -> Result<Option<Url>, Fault> {
        let base = Url::parse("https://r.example/v2/a/referrers/x").unwrap();
        next_page(
            &HeaderMap::from_iter([(LINK, link.parse().unwrap())]),
            &base,
        )
    }

    #[test]
    fn links() {
        let url = |text: &str| Ok(Some(Url::parse(text).unwrap()));
        assert_eq!(
            next("</v2/a/referrers/x?last=1>; rel=\"next\""),
            url("https://r.example/v2/a/referrers/x?last=1")
        );
        assert_eq!(
            next("<?p=0>; rel=prev, <?p=2>; rel=next"),
            url("https://r.example/v2/a/referrers/x?p=2")
        );
        assert_eq!(
            next("<https://evil.example/>; rel=next"),
            Err(Fault::Header { name: "Link" })
        );
        assert_eq!(next("<?p=2>; rel=last"), Ok(None));
        assert_eq!(next("nonsense"), Ok(None));
    }
}
