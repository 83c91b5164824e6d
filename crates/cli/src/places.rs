//! Where signatures are kept: beside the image, or where `COSIGN_REPOSITORY` says.

use countersign_client::material::Place;

use crate::failure::Failure;

/// Reads `COSIGN_REPOSITORY`.
///
/// # Errors
/// If it is set and names no repository.
pub(crate) fn of_environment() -> Result<Place, Failure> {
    match std::env::var("COSIGN_REPOSITORY") {
        Ok(repository) if !repository.is_empty() => {
            Place::in_repository(&repository).map_err(Failure::Place)
        }
        _ => Ok(Place::default()),
    }
}
