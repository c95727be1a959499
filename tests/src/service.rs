//! Arguments in; a running `counterplay serve` in a folder of its own out.

use crate::outside;
use reqwest::Client;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// A running `counterplay serve`. It is killed when this is dropped.
pub struct Service {
    /// Where it is.
    pub url: String,
    // Dropped in this order: the process goes before its folder.
    process: Process,
    /// The folder that it was started in.
    pub folder: TempDir,
}

/// A process of `counterplay serve`, in a folder that may outlive it. It is killed (SIGKILL) when this is dropped.
pub struct Process {
    /// Where it is.
    pub url: String,
    child: Child,
    told: Vec<String>,
    said: Arc<Mutex<String>>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It is over, whatever became of it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts it in a folder, with further arguments and variables.
    pub fn start(folder: &Path, arguments: &[&str], variables: &[(String, String)]) -> Process {
        Process::of(
            Command::new(outside::counterplay()),
            folder,
            arguments,
            variables,
        )
    }

    /// The same by a command that the program's name was added to, and that is the program in the end.
    pub fn of(
        mut command: Command,
        folder: &Path,
        arguments: &[&str],
        variables: &[(String, String)],
    ) -> Process {
        let mut child = command
            .arg("serve")
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let said = Arc::new(Mutex::new(String::new()));
        let errors = BufReader::new(child.stderr.take().expect("an output"));
        let heard = said.clone();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                let mut heard = heard.lock().expect("not poisoned");
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        let mut lines = BufReader::new(child.stdout.take().expect("an output")).lines();
        let mut told = Vec::new();
        for line in lines.by_ref() {
            let line = line.expect("text");
            let ready = line.contains("Ctrl-C stops");
            told.push(line);
            if ready {
                break;
            }
        }
        // What it prints later is of no use, and must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        let mut process = Process {
            url: String::new(),
            child,
            told,
            said,
        };
        process.url = process.told("dashboard");
        process
    }

    /// The word that was printed after another one.
    fn told(&self, what: &str) -> String {
        let line = self.told.iter().find(|l| l.contains(what));
        let rest = line.and_then(|l| l.split(what).nth(1));
        let word = rest.and_then(|r| r.split_whitespace().next());
        word.unwrap_or_else(|| {
            panic!(
                "`{what}` was not printed: {:#?}\n{}",
                self.told,
                self.said()
            )
        })
        .trim_end_matches('/')
        .to_owned()
    }

    /// Waits until it has ended by itself; its code, and what it said on standard error.
    pub async fn ended(&mut self) -> (Option<i32>, String) {
        for _ in 0..600 {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return (status.code(), self.said());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not end: {:#?}", self.told)
    }

    /// A value of `/proc/PID/status` in KiB: `VmRSS` now, `VmHWM` the most.
    pub fn memory_kib(&self, name: &str) -> u64 {
        memory_kib(self.child.id(), name)
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.said.lock().expect("not poisoned").clone()
    }
}

/// A value of `/proc/PID/status` in KiB.
pub fn memory_kib(process: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|l| l.starts_with(name));
    let number = line.and_then(|l| l.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

impl Service {
    /// Starts it in an empty folder.
    pub fn start(arguments: &[&str]) -> Service {
        Service::of(tempfile::tempdir().expect("a folder"), arguments)
    }

    /// Starts it in a folder that has something in it.
    pub fn of(folder: TempDir, arguments: &[&str]) -> Service {
        Service::with(folder, arguments, &[])
    }

    /// The same, with further variables.
    pub fn with(folder: TempDir, arguments: &[&str], variables: &[(String, String)]) -> Service {
        let process = Process::start(folder.path(), arguments, variables);
        Service {
            url: process.url.clone(),
            folder,
            process,
        }
    }

    /// What it has said on standard error.
    pub fn said(&self) -> String {
        self.process.said()
    }

    /// Tells it to stop, as an operator does, and waits; its code, and what it said on standard error.
    pub async fn stopped(&mut self) -> (Option<i32>, String) {
        let id = self.process.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status();
        assert!(told.expect("kill").success());
        self.ended().await
    }

    /// Where its sandbox is, for services that have one.
    pub fn outside(&self) -> String {
        self.process.told("outside")
    }

    /// Waits until it has ended by itself; its code, and what it said on standard error.
    pub async fn ended(&mut self) -> (Option<i32>, String) {
        self.process.ended().await
    }

    /// A value of `/proc/PID/status` in KiB: `VmRSS` now, `VmHWM` the most.
    pub fn memory_kib(&self, name: &str) -> u64 {
        self.process.memory_kib(name)
    }

    /// A token with a role.
    pub async fn token(&self, role: &str) -> String {
        let http = Client::new();
        let api = format!("{}/api/automation", self.url);
        let who = json!({"email": "finn.murphy@msp.example", "password": self.process.told("finn.murphy@msp.example")});
        let login = http.post(format!("{api}/session")).json(&who).send().await;
        let login = login.expect("a login");
        let cookie = login.headers()["set-cookie"].to_str().expect("text");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let session: Value = login.json().await.expect("JSON");
        let made = http
            .post(format!("{api}/tokens"))
            .header("cookie", cookie)
            .header("origin", &self.url)
            .header("x-csrf-token", session["csrf"].as_str().expect("a word"))
            .json(&json!({"name": role, "role": role}))
            .send()
            .await
            .expect("an answer");
        let made: Value = made.json().await.expect("JSON");
        made["secret"].as_str().expect("a token").to_owned()
    }
}
