//! `demo`: a team ships an image, from the first signature to the refused pod, on the embedded services.
//!
//! Every step goes through the code of the real commands and over real sockets. The forgeries are made
//! here, because nothing that ships makes them; they are refused by the same code.

mod cluster;
mod enforcement;
mod forgery;
mod narrator;
mod shipping;
mod verification;
mod world;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use tempfile::TempDir;

use super::signals;
use crate::context::Context;
use crate::failure::Failure;
use crate::flags::{DataFormat, Demo};
use crate::output::{FAINT, STRONG};
use narrator::Narrator;
use world::World;

/// Tells the story. The exit status is 1 if anything went otherwise than it should.
///
/// # Errors
/// If a step cannot be done at all.
pub(crate) fn run(flags: &Demo, context: &Context) -> Result<ExitCode, Failure> {
    let place = Folder::open(flags)?;
    context.serve(async {
        let mut stop = signals::listen()?;
        let mut narrator = Narrator::new(context, flags.output);
        let told = tokio::select! {
            told = tell(flags, place.path(), &mut narrator) => told?,
            // Ctrl-C ends the story; the folder goes as at its end.
            () = stop.wait() => return Err(Failure::Interrupted),
        };
        let as_expected = narrator.finish()?;
        if flags.keep.is_some() {
            invite(&told.world, flags.output, context);
            stop.wait().await;
        }
        told.end().await;
        Ok(if as_expected {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
}

/// What is still up when the story is told.
struct Told {
    world: World,
    webhook: countersign_kube::Controller,
}

impl Told {
    async fn end(self) {
        self.webhook.shutdown().await;
        self.world.end().await;
    }
}

async fn tell(flags: &Demo, folder: PathBuf, narrator: &mut Narrator<'_>) -> Result<Told, Failure> {
    let world = narrator.step(1, "start", World::start(folder)).await?;
    let image = narrator
        .step(2, "push", shipping::push(&world, flags.image.as_deref()))
        .await?;
    let documents = narrator
        .step(
            3,
            "sbom",
            shipping::describe(&world, &image, flags.image.is_none()),
        )
        .await?;
    narrator
        .step(4, "sign", shipping::sign(&world, &image))
        .await?;
    let spdx = narrator
        .step(
            5,
            "attest",
            shipping::attest(&world, &image, "spdxjson", &documents.spdx),
        )
        .await?;
    narrator
        .step(
            5,
            "attest",
            shipping::attest(&world, &image, "cyclonedx", &documents.cyclonedx),
        )
        .await?;
    verification::tell(&world, &image, &spdx, narrator).await?;
    let webhook = enforcement::tell(&world, &image, narrator).await?;
    narrator
        .step(8, "audit", verification::audit(&world))
        .await?;
    Ok(Told { world, webhook })
}

fn invite(world: &World, format: DataFormat, context: &Context) {
    let folder = world.folder().display();
    context.output.say(format!(
        "{STRONG}Everything is kept in {folder} and the services are up.{STRONG:#}"
    ));
    if format == DataFormat::Text {
        context.output.say(format!(
            "{FAINT}Try: countersign verify --trusted-root {folder}/sigstore/trusted_root.json --certificate-identity {} --certificate-oidc-issuer {} {}{FAINT:#}",
            world.identity(),
            world.issuer(),
            world.image_name(),
        ));
    }
    context.output.say("Ctrl-C stops them.");
}

/// The folder of the story: a temporary one that goes, or one that stays.
enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    fn open(flags: &Demo) -> Result<Self, Failure> {
        match &flags.keep {
            Some(folder) => {
                let failed = |error: io::Error| Failure::write(folder, &error);
                std::fs::create_dir_all(folder).map_err(failed)?;
                // The story writes under plain names; what somebody has there is not ours to replace.
                if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
                    return Err(failed(io::ErrorKind::DirectoryNotEmpty.into()));
                }
                Ok(Self::Kept(folder.clone()))
            }
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("countersign-demo-")
                    .tempdir();
                let place = std::env::temp_dir();
                folder
                    .map(Self::Temporary)
                    .map_err(|error| Failure::write(&place, &error))
            }
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Temporary(folder) => folder.path().to_owned(),
            Self::Kept(folder) => folder.clone(),
        }
    }
}
