//! What every command is given: where to write, how long to wait, and a runtime when it needs one.

use std::future::Future;
use std::time::Duration;

use tokio::runtime::Runtime;

use crate::failure::Failure;
use crate::flags::Global;
use crate::output::Output;
use crate::personality::Personality;

/// The surroundings of one command.
pub(crate) struct Context {
    /// As which tool the program was called.
    pub(crate) personality: Personality,
    /// Where data and talk go.
    pub(crate) output: Output,
    timeout: Duration,
}

impl Context {
    /// Gathers what `main` knows.
    pub(crate) fn new(personality: Personality, global: &Global, output: Output) -> Self {
        Self {
            personality,
            output,
            timeout: global.timeout,
        }
    }

    /// Runs `work` to its end, or to the end of `--timeout`.
    ///
    /// # Errors
    /// If the work fails or takes too long.
    pub(crate) fn wait_for<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        runtime()?.block_on(async {
            tokio::time::timeout(self.timeout, work)
                .await
                .unwrap_or(Err(Failure::TimedOut {
                    after: self.timeout,
                }))
        })
    }

    /// Runs `work` however long it takes: for servers.
    ///
    /// # Errors
    /// If the work fails.
    pub(crate) fn serve<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        runtime()?.block_on(work)
    }
}

/// Only commands that wait pay for a runtime: `version` starts none.
fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Runtime {
            error: error.kind(),
        })
}
