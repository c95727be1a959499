//! A recorded editing session in a project of 1,000 playbooks, through the whole server: how long the findings
//! and the suggestions of each keystroke take. `cargo bench -p counterplay-lsp`; figures in `docs/performance.md`.

use counterplay_compiler::workspace::Source;
use counterplay_lsp::disk::{Disk, Loaded};
use counterplay_lsp::server::serve;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};

/// How many playbooks the project has.
const PLAYBOOKS: usize = 1_000;
/// The document that is written.
const DOCUMENT: &str = "/p/playbooks/team0/p0.play";

const CONFIG: &str = "[project]\nname = \"Bench\"\nsources = [\"playbooks\"]\n\n[teams.soc]\nmembers = [\"ana@example.org\", \"bo@example.org\"]\nemail = \"soc@example.org\"\nteams_webhook = \"soc\"\n\n[connections.graph]\n[connections.identity_protection]\n[connections.halopsa]\n[connections.mail]\n[connections.teams]\n";

/// What the author types, at the end of the first stage: four steps and their mistakes on the way.
const TYPED: &str = r#"
    let manager = entra.manager(risk.user)
    match manager {
      present { notify.email(manager, subject: "About {risk.user.name}", body: "Sign-in is blocked.") }
      absent { notify.email(team.soc, subject: "Nobody to ask", body: "{risk.user.name} has no manager.") }
    }
    approve "Disable {risk.user.name}?" about risk.user, by team.soc, needs 2, within 4h {
      approved { entra.disable(risk.user) }
      rejected { ticket.note(case, "Not disabled, {approval.by} said no.") }
    }
"#;

fn playbook(i: usize) -> String {
    format!(
        r#"use microsoft.(identity, entra)
use notify, ticket

/// Contain an account, variant {i}.
playbook p{i} "Response {i}" {{
  mode: active
  tags: ["attack.T1078"]
  when identity.risk_detected as risk
  if risk.level >= high and risk.user.kind != guest
  ignore repeats of risk.user for 1h

  then {{
    entra.block_sign_in(risk.user)
    entra.revoke_sessions(risk.user)
    without approval because "containment cannot wait" {{
      entra.reset_password(risk.user, require_mfa: true)
    }}
    let case = ticket.create(
      title: "Compromised account: {{risk.user.name}}",
      priority: ticket.priority_for(risk.level),
      team: "SOC",
    )
    attempt notify.teams(team.soc, "Contained {{risk.user.name}} ({{risk.reason}}), ticket {{case.number}}")
  }}

  escalate after 4h unless ticket.is_acknowledged(case) {{
    notify.email(team.soc, subject: "Unacknowledged", body: "Ticket {{case.number}} is open for 4 hours.")
  }}
}}
"#
    )
}

struct Generated;

impl Disk for Generated {
    fn root_of(&self, _: &Path) -> Option<PathBuf> {
        Some(PathBuf::from("/p"))
    }

    fn roots_below(&self, _: &Path) -> Vec<PathBuf> {
        vec![PathBuf::from("/p")]
    }

    fn load(&self, _: &Path, _: Option<&str>) -> Loaded {
        let sources = (0..PLAYBOOKS).map(|i| Source {
            path: format!("/p/playbooks/team{}/p{i}.play", i / 100),
            module: format!("team{}.p{i}", i / 100),
            text: playbook(i),
        });
        Loaded {
            sources: sources.collect(),
            config: Some(("/p/counterplay.toml".into(), CONFIG.into())),
            folders: vec![PathBuf::from("/p/playbooks")],
            unread: Vec::new(),
        }
    }

    fn read(&self, _: &Path) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// An editor at the other end of two pipes.
struct Editor {
    to: DuplexStream,
    from: BufReader<DuplexStream>,
    id: i64,
}

impl Editor {
    async fn send(&mut self, message: Value) {
        let body = message.to_string();
        let framed = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.to
            .write_all(framed.as_bytes())
            .await
            .expect("the server reads");
    }

    async fn notify(&mut self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
            .await;
    }

    async fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.from
                .read_line(&mut line)
                .await
                .expect("the server writes");
            match line.trim() {
                "" => break,
                header => {
                    if let Some(value) = header.strip_prefix("Content-Length: ") {
                        length = value.parse().expect("a length");
                    }
                }
            }
        }
        let mut body = vec![0; length];
        self.from
            .read_exact(&mut body)
            .await
            .expect("the whole message");
        serde_json::from_slice(&body).expect("JSON")
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let id = self.id;
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .await;
        loop {
            let message = self.receive().await;
            if message["id"] == json!(id) && message.get("method").is_none() {
                return message["result"].clone();
            }
        }
    }

    /// Waits for the findings of one version of the document; how many there are.
    async fn findings(&mut self, version: i64) -> usize {
        loop {
            let message = self.receive().await;
            let params = &message["params"];
            if message["method"] == "textDocument/publishDiagnostics"
                && params["version"] == json!(version)
            {
                return params["diagnostics"].as_array().map_or(0, Vec::len);
            }
        }
    }
}

fn report(what: &str, histogram: &Histogram<u64>) {
    let ms = |us: u64| us as f64 / 1_000.0;
    println!("\n{what}: {} keystrokes, milliseconds", histogram.len());
    for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
        println!(
            "  {name:<5} {:>7.2}",
            ms(histogram.value_at_quantile(quantile))
        );
    }
    let widest = (0..8).map(|i| 1u64 << i);
    let mut low = 0;
    for high in widest {
        let count = histogram.count_between(low * 1_000, high * 1_000 - 1);
        if count > 0 {
            let share = count as f64 / histogram.len() as f64;
            let bar = "█".repeat((share * 50.0).ceil() as usize);
            println!("  {low:>3}–{high:<3} {count:>5} {bar}");
        }
        low = high;
    }
}

async fn session() {
    let (to, input) = tokio::io::duplex(1 << 20);
    let (output, from) = tokio::io::duplex(1 << 20);
    let server = tokio::spawn(serve(Arc::new(Generated), input, output));
    let mut editor = Editor {
        to,
        from: BufReader::new(from),
        id: 0,
    };
    let begun = Instant::now();
    editor
        .request(
            "initialize",
            json!({ "processId": null, "rootUri": "file:///p", "capabilities": {} }),
        )
        .await;
    editor.notify("initialized", json!({})).await;
    let start = playbook(0);
    let uri = format!("file://{DOCUMENT}");
    editor
        .notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": uri, "languageId": "counterplay", "version": 1, "text": start } }),
        )
        .await;
    assert_eq!(editor.findings(1).await, 0);
    println!(
        "{PLAYBOOKS} playbooks: the open document has its findings after {:.0} ms",
        begun.elapsed().as_secs_f64() * 1_000.0
    );

    let attempt = start.find("    attempt").expect("the stage has it");
    let mut line = start[..attempt].matches('\n').count() as u64;
    let mut character = 0u64;
    let mut findings = Histogram::<u64>::new(3).expect("3 digits");
    let mut suggestions = Histogram::<u64>::new(3).expect("3 digits");
    let mut version = 1;
    for typed in TYPED.trim_start().chars() {
        version += 1;
        let at = json!({ "line": line, "character": character });
        let clock = Instant::now();
        editor
            .notify(
                "textDocument/didChange",
                json!({
                    "textDocument": { "uri": uri, "version": version },
                    "contentChanges": [{ "range": { "start": at, "end": at }, "text": typed.to_string() }],
                }),
            )
            .await;
        editor.findings(version).await;
        findings
            .record(clock.elapsed().as_micros() as u64)
            .expect("in range");
        if typed == '\n' {
            line += 1;
            character = 0;
        } else {
            character += 1;
        }
        let clock = Instant::now();
        editor
            .request(
                "textDocument/completion",
                json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } }),
            )
            .await;
        suggestions
            .record(clock.elapsed().as_micros() as u64)
            .expect("in range");
        // Nobody types faster than this; meanwhile the other files are looked at.
        tokio::time::sleep(Duration::from_millis(if version % 40 == 0 {
            400
        } else {
            15
        }))
        .await;
    }
    report("Findings", &findings);
    report("Suggestions", &suggestions);
    if let Some(kib) = resident_kib() {
        println!("\nresident memory: {} MiB", kib / 1024);
    }
    editor.request("shutdown", Value::Null).await;
    editor.notify("exit", Value::Null).await;
    assert!(server.await.expect("the server does not panic"));
}

fn resident_kib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the system gives threads");
    runtime.block_on(session());
    runtime.shutdown_background();
}
