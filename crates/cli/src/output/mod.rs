//! Where data and talk go: data on standard output (or `--output-file`), talk on standard error.
//!
//! `json` and `text` print the same value; `progress` shows that something is going on, on a terminal only.

pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod text;

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::mem;
use std::sync::{Mutex, PoisonError};

use anstyle::{AnsiColor, Style};

use crate::failure::Failure;
use crate::flags::Global;
use crate::written_file::{self, Draft, Readers};
use progress::Progress;

/// The two ways out of the program.
pub(crate) struct Output {
    data: Mutex<Data>,
    verbose: bool,
}

/// Where data goes.
enum Data {
    /// At once: standard output, a device, the file of a server.
    Stream(Box<dyn Write + Send>),
    /// Into a file that appears when the command has succeeded.
    File(Draft),
    /// Everything was written.
    Done,
}

/// When the file of `--output-file` is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appears {
    /// Whole, at the end of a command that succeeds; a failure leaves what was there.
    Whole,
    /// At once: whoever started a server waits for it.
    AtOnce,
}

/// A step that went as it should.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// A step that did not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A word of warning.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What matters more.
pub(crate) const STRONG: Style = Style::new().bold();

impl Output {
    /// Opens the way for data.
    ///
    /// # Errors
    /// If the file of `--output-file` cannot be made.
    pub(crate) fn open(global: &Global, appears: Appears) -> Result<Self, Failure> {
        let data = match &global.output_file {
            Some(path) if appears == Appears::AtOnce || written_file::is_device(path) => {
                let file = File::create(path).map_err(|error| Failure::write(path, &error))?;
                Data::Stream(Box::new(file))
            }
            Some(path) => Data::File(Draft::open(path, Readers::All)?),
            // Colours only on a terminal, and never under NO_COLOR: the stream decides.
            None => Data::Stream(Box::new(anstream::stdout())),
        };
        Ok(Self {
            data: Mutex::new(data),
            verbose: global.verbose,
        })
    }

    /// Writes data, as it is.
    ///
    /// # Errors
    /// If it cannot be written: a full disk is no success. A reader who went away is one.
    pub(crate) fn data(&self, text: impl AsRef<[u8]>) -> Result<(), Failure> {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *data {
            Data::Stream(stream) => match stream
                .write_all(text.as_ref())
                .and_then(|()| stream.flush())
            {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output {
                    error: error.kind(),
                }),
                _ => Ok(()),
            },
            Data::File(draft) => {
                draft.append(&anstream::adapter::strip_bytes(text.as_ref()).into_vec())
            }
            Data::Done => Ok(()),
        }
    }

    /// Puts the file of `--output-file` in its place.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        match mem::replace(&mut *data, Data::Done) {
            Data::File(draft) => draft.place(),
            Data::Stream(_) | Data::Done => Ok(()),
        }
    }

    /// Writes one line of data.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        self.data(format!("{}\n", text.as_ref()))
    }

    /// Says something to the person. That nobody listens is no error.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
    }

    /// Says something only under `--verbose`.
    pub(crate) fn murmur(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Says `WARNING: ...`.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.say(format!("{WARNING}WARNING:{WARNING:#} {}", text.as_ref()));
    }

    /// Shows what is being waited for, on a terminal only, until the value is dropped.
    pub(crate) fn wait(&self, text: &'static str) -> Progress {
        Progress::start(text, io::stderr().is_terminal())
    }
}
