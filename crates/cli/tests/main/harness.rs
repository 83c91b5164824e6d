//! Runs the binary, and keeps an embedded Sigstore running for a test.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Asserts the exit status and gives the run back; both outputs are in the message.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(
            self.status, status,
            "\nstdout: {}\nstderr: {}",
            self.stdout, self.stderr
        );
        self
    }

    /// Asserts that standard error contains every one of `texts`.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "`{text}` is not in: {}",
                self.stderr
            );
        }
        self
    }

    /// Reads standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// The binary, in a folder of its own and without anything of this machine's environment.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(folder).env_clear().env("HOME", folder);
    command
}

/// Runs the binary in `folder`.
pub(crate) fn run<S: AsRef<OsStr>>(folder: &Path, words: &[S]) -> Run {
    finish(command(folder).args(words), b"")
}

/// Runs the binary with variables and standard input.
pub(crate) fn run_with<S: AsRef<OsStr>>(
    folder: &Path,
    variables: &[(&str, &str)],
    stdin: &[u8],
    words: &[S],
) -> Run {
    finish(
        command(folder).envs(variables.iter().copied()).args(words),
        stdin,
    )
}

/// Starts `command`, feeds it, and waits for its end.
pub(crate) fn finish(command: &mut Command, stdin: &[u8]) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that does not read its input closes it; that is no failure of the test.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    let output = child.wait_with_output().expect("the binary ends");
    Run {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// An embedded Sigstore and registry in a process of its own; ended when dropped.
pub(crate) struct Services {
    pub(crate) folder: TempDir,
    pub(crate) facts: Value,
    child: Child,
}

impl Services {
    /// Starts it, and returns when it says that it is ready.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (child, facts) = serve(
            folder.path(),
            &["stack", "up", "--dir", "sigstore", "-o", "json"],
        );
        Self {
            folder,
            facts,
            child,
        }
    }

    /// The folder that commands of the test run in; the services' data is in `sigstore` there.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `host:port/` and `rest`.
    pub(crate) fn image(&self, rest: &str) -> String {
        format!("{}/{rest}", self.fact("registry"))
    }

    /// One of the facts that the services printed.
    pub(crate) fn fact(&self, name: &str) -> String {
        self.facts[name]
            .as_str()
            .unwrap_or_else(|| panic!("no `{name}` in {}", self.facts))
            .to_owned()
    }

    /// A token of the default GitHub workflow.
    pub(crate) fn token(&self) -> String {
        let printed = run(
            self.path(),
            &["stack", "token", "--dir", "sigstore", "--github-workflow"],
        );
        printed.exits(0).stdout.trim().to_owned()
    }

    /// Runs the binary beside the services.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Run {
        run(self.path(), words)
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(mut self, signal: rustix::process::Signal) -> i32 {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("it runs");
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a command that serves, and reads the line of JSON it prints when it is ready.
pub(crate) fn serve(folder: &Path, words: &[&str]) -> (Child, Value) {
    let mut child = command(folder)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let facts = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    (child, facts)
}

/// Writes a file and returns its path as a word for the command line.
pub(crate) fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, content).expect("the file is written");
    path.display().to_string()
}

/// A layout with one small image in `folder/name`, made with the binary itself: packing a text file
/// instead of a program makes an image that is quickly pushed.
pub(crate) fn small_image(folder: &Path, name: &str, content: &str) -> PathBuf {
    let program = write(folder, &format!("{name}.program"), content);
    let target = folder.join(name);
    let target_text = target.display().to_string();
    run(
        folder,
        &[
            "debug",
            "pack-image",
            "--binary",
            &program,
            "--output",
            &target_text,
        ],
    )
    .exits(0);
    target
}
