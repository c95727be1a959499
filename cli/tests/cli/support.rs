//! A folder to work in and the binary; what it printed and how it ended come out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A folder of its own.
pub struct Place {
    folder: TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Result<Place> {
        Ok(Place {
            folder: tempfile::tempdir()?,
        })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)?;
        Ok(path)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterplay"));
        command
            .args(args)
            .current_dir(self.path())
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, args: &[&str]) -> Result<Ran> {
        Ok(ran(self.command(args).output()?))
    }

    pub fn run_with(&self, args: &[&str], input: &str) -> Result<Ran> {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        Ok(ran(child.wait_with_output()?))
    }

    /// The id of the latest run in the sandbox's store.
    pub fn latest_run(&self) -> Result<String> {
        let list = self.run(&["runs", "--sandbox", "--json"])?;
        let runs: serde_json::Value = serde_json::from_str(&list.out)?;
        Ok(runs[0]["id"].as_str().ok_or("there is no run")?.to_owned())
    }
}

pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Presses Ctrl-C.
pub fn interrupt(child: &Child) -> Result {
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()?;
    Ok(())
}

/// The folder of an example project.
pub fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../examples/{name}"))
}

/// A sample event of the shipped responses.
pub fn event(name: &str) -> String {
    format!(
        "{}/../examples/shipped-responses/events/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    )
}
