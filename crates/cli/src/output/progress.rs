//! A sign of life while something takes time.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A turning wheel that goes away when this is dropped.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Starts one where a person looks on.
    pub(crate) fn start(text: &'static str, terminal: bool) -> Self {
        if !terminal {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner().with_message(text);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(Some(bar))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
