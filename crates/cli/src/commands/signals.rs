//! Being told to stop: Ctrl-C and SIGTERM.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// The two signals, listened to from now on.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

/// Listens before anything is started, so that no signal is lost.
///
/// # Errors
/// If the operating system refuses.
pub(crate) fn listen() -> Result<Stop, Failure> {
    let on = |kind| {
        signal(kind).map_err(|error| Failure::Runtime {
            error: error.kind(),
        })
    };
    Ok(Stop {
        interrupt: on(SignalKind::interrupt())?,
        terminate: on(SignalKind::terminate())?,
    })
}

impl Stop {
    /// Waits for either.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
