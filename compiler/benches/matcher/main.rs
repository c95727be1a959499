//! What it costs to find the playbooks that an alert of 3 kB may start, from its bytes on, for 10 to 10,000 playbooks:
//! `cargo bench -p counterplay-compiler --bench matcher`, with `-- 10000` for that number alone; figures in
//! `docs/performance.md`.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::index::Index;
use counterplay_machine::ingest::{self, Judgement, Scene, Typed};
use counterplay_machine::reader::Reader;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The heap that the binary uses.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// For how long each figure is measured, in rounds of which the fastest counts.
const ROUNDS: usize = 40;
const ROUND: Duration = Duration::from_millis(15);

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const EVENT: &str = "alerts.alert";

/// The alert that the library knows, and of whom it speaks.
const ALERTS: &str = r#"use microsoft.defender

/// An alert of Graph, with the kind of its user.
event alert {
  source: push
  known_by: "serviceSource", "severity", "title"
  fires: once per (raw.id, raw.status, raw.severity)
  field id: Text = raw.id
  field title: Text = raw.title
  field severity: Severity = raw.severity
  field status: defender.AlertStatus = raw.status
  field service: Text = raw.serviceSource
  field category: Text? = raw.category
  field kind: UserKind = raw.additionalData.userType
  field created: Time = raw.createdDateTime
  field updated: Time = raw.lastUpdateDateTime
  field accounts: List<defender.Account> = list(
    defender.Account(
      id: e.userAccount.azureAdUserId,
      principal: e.userAccount.userPrincipalName,
      name: e.userAccount.displayName,
    )
    for e in raw.evidence
    where e.userAccount is present
  )
}
"#;

const CATEGORIES: [&str; 20] = [
    "InitialAccess",
    "Execution",
    "Persistence",
    "PrivilegeEscalation",
    "DefenseEvasion",
    "CredentialAccess",
    "Discovery",
    "LateralMovement",
    "Collection",
    "Exfiltration",
    "CommandAndControl",
    "Impact",
    "Malware",
    "Phishing",
    "Ransomware",
    "SuspiciousActivity",
    "UnwantedSoftware",
    "WebExploit",
    "Exploit",
    "InsiderRisk",
];

/// What most of a project's playbooks look like: of one event, for some tenants, with a few conditions.
fn playbook(number: usize, lenient: bool) -> String {
    let at = |salt: usize, of: usize| (number * 7919 + salt * 104_729 + number / 10 * salt) % of;
    let event = match at(1, 4) {
        0 => "identity.risk_detected as it",
        1 => "intune.noncompliant as it",
        _ => "alerts.alert as it",
    };
    let tenants = match at(2, 4) {
        _ if lenient => "all".to_owned(),
        0 => format!("[\"t{}\", \"t{}\"]", at(3, 50), at(4, 50)),
        1 => format!("all except [\"t{}\"]", at(5, 50)),
        2 => format!("group \"g{}\"", at(6, 4)),
        _ => "all".to_owned(),
    };
    let mut conditions = Vec::new();
    if event.starts_with("alerts") {
        let levels = ["low", "medium", "high", "critical"];
        conditions.push(format!(
            "it.severity >= {}",
            levels[at(7, if lenient { 2 } else { 4 })]
        ));
        if !lenient || at(8, 2) == 0 {
            conditions.push(format!(
                "it.kind == {}",
                ["guest", "member", "unknown"][at(9, 3)]
            ));
        }
        match at(10, 3) {
            _ if lenient => {}
            0 => conditions.push(format!(
                "it.category is present and it.category in [\"{}\", \"{}\", \"{}\"]",
                CATEGORIES[at(11, 20)],
                CATEGORIES[at(12, 20)],
                CATEGORIES[at(13, 20)]
            )),
            _ => conditions.push(format!(
                "it.category is present and it.category == \"{}\"",
                CATEGORIES[at(14, 20)]
            )),
        }
        if at(15, 10) == 0 {
            conditions.push(format!(
                "it.title contains \"{}\"",
                ["memory", "mail", "macro"][at(16, 3)]
            ));
        }
    } else if event.starts_with("identity") {
        conditions.push("it.level >= high".to_owned());
    }
    let condition = match conditions.is_empty() {
        true => String::new(),
        false => format!("  if {}\n", conditions.join(" and ")),
    };
    format!(
        "playbook p{number} \"P{number}\" {{\n  tenants: {tenants}\n  when {event}\n{condition}  then {{\n    notify.teams(team.soc, \"Alert\")\n  }}\n}}\n\n"
    )
}

fn project(playbooks: usize, lenient: bool) -> (Program, Deployment) {
    let mut config = "[project]\nname = \"Bench\"\n\n[teams.soc]\nmembers = [\"ana@example.org\"]\nteams_webhook = \"soc\"\n\n[connections.graph]\n[connections.identity_protection]\n[connections.teams]\n\n".to_owned();
    for tenant in 0..50 {
        let _ = write!(
            config,
            "[tenants.t{tenant}]\nid = \"t{tenant}\"\ngroups = [\"g{}\"]\n\n",
            tenant % 4
        );
    }
    let mut sources = vec![source("alerts", ALERTS.to_owned())];
    let numbers: Vec<usize> = (0..playbooks).collect();
    for (file, numbers) in numbers.chunks(100).enumerate() {
        let mut text = "use microsoft.(identity, intune)\nuse alerts, notify\n\n".to_owned();
        for number in numbers {
            text.push_str(&playbook(*number, lenient));
        }
        sources.push(source(&format!("file{file}"), text));
    }
    let workspace = Workspace::new(sources, Some(("counterplay.toml".into(), config)));
    let compiled = workspace.compile();
    assert!(
        !compiled.has_errors(),
        "{}",
        workspace.render(&compiled.diagnostics[..1], false)
    );
    let file = compiled.file.expect("a project file");
    (compiled.program, file.deployment)
}

fn source(module: &str, text: String) -> Source {
    Source {
        path: format!("{module}.play"),
        module: module.to_owned(),
        text,
    }
}

/// Microseconds of one call: the fastest round.
fn fastest(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let (begun, mut times) = (Instant::now(), 0_u32);
        while begun.elapsed() < ROUND {
            for _ in 0..16 {
                work();
            }
            times += 16;
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e6 / f64::from(times));
    }
    best
}

struct Case {
    program: Program,
    deployment: Deployment,
    tenant: TenantFacts,
    alert: String,
}

impl Case {
    fn new(playbooks: usize, lenient: bool) -> Case {
        let (program, deployment) = project(playbooks, lenient);
        let tenant = TenantFacts::of("t17", &deployment.tenants["t17"]);
        let pretty = include_str!("alert.json");
        let json: Json = serde_json::from_str(pretty).expect("JSON");
        Case {
            program,
            deployment,
            tenant,
            alert: json.to_string(),
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            program: &self.program,
            deployment: &self.deployment,
            tenant: &self.tenant,
            now_ms: 1_780_000_000_000,
        }
    }

    /// The whole object as JSON first, as long as nothing says what is needed.
    fn read_whole(&self) -> Typed {
        let json: Json = serde_json::from_slice(self.alert.as_bytes()).expect("JSON");
        ingest::read(self.scene(), EVENT, &json).expect("an alert")
    }

    fn read(&self, reader: &Reader) -> Typed {
        let text = std::str::from_utf8(self.alert.as_bytes()).expect("UTF-8");
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let json = reader
            .wanted(Some(EVENT))
            .read(&mut deserializer)
            .expect("JSON");
        deserializer.end().expect("nothing behind it");
        ingest::read_shared(self.scene(), EVENT, &Arc::new(json)).expect("an alert")
    }

    /// How many start when each playbook is asked by itself.
    fn one_by_one(&self, typed: &Typed) -> usize {
        let groups = &self.deployment.tenants["t17"].groups;
        let of_event = |p: &&counterplay_machine::playbook::Playbook| {
            p.tenants.includes("t17", groups)
                && p.triggers.iter().any(|t| matches!(&t.kind, counterplay_machine::playbook::TriggerKind::Event(e) if &**e == EVENT))
        };
        self.program
            .playbooks
            .values()
            .filter(of_event)
            .filter(|p| {
                let slots = p.event_slot.map(|s| (s, typed.record.clone()));
                let slots: BTreeMap<_, _> = slots.into_iter().collect();
                matches!(
                    ingest::judge(self.scene(), p, &slots, false),
                    Ok(Judgement::Yes { .. })
                )
            })
            .count()
    }
}

fn main() {
    // `cargo test --benches` only wants to know that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let given: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = if given.is_empty() {
        SIZES.to_vec()
    } else {
        given
    };
    let case = Case::new(1, false);
    let reader = Reader::new(&case.program);
    println!(
        "an alert of {} bytes; microseconds, the fastest of {ROUNDS} rounds\n",
        case.alert.len()
    );
    let json = fastest(|| {
        let json: Json = serde_json::from_slice(black_box(case.alert.as_bytes())).expect("JSON");
        black_box(json);
    });
    println!("{:<56} {json:>8.2}", "all of it as JSON");
    let kept = fastest(|| {
        let mut deserializer = serde_json::Deserializer::from_str(black_box(&case.alert));
        black_box(
            reader
                .wanted(Some(EVENT))
                .read(&mut deserializer)
                .expect("JSON"),
        );
    });
    println!(
        "{:<56} {kept:>8.2}",
        "what the declaration looks at, as JSON"
    );
    println!(
        "{:<56} {:>8.2}",
        "typed, from all of it",
        fastest(|| {
            black_box(case.read_whole());
        })
    );
    println!(
        "{:<56} {:>8.2}",
        "typed, from what the declaration looks at",
        fastest(|| {
            black_box(case.read(&reader));
        })
    );
    for lenient in [false, true] {
        println!(
            "\n{}\n{:>9} {:>8} {:>8} {:>11} {:>10} {:>10} {:>12} {:>10} {:>9}",
            if lenient { "many match" } else { "few match" },
            "playbooks",
            "wait",
            "match",
            "bytes→found",
            "index",
            "with first",
            "one by one",
            "build, ms",
            "index, kB"
        );
        let mut first = None;
        for size in sizes.iter().copied() {
            let case = Case::new(size, lenient);
            let reader = Reader::new(&case.program);
            let begun = Instant::now();
            let index = Index::new(&case.program);
            let build = begun.elapsed();
            let awake = index.awake(&case.program, &case.deployment);
            let typed = case.read(&reader);
            let found = index.find(&awake, case.scene(), EVENT, &typed.record, 0);
            let matching = case.one_by_one(&typed);
            assert_eq!(
                found.candidates.len(),
                matching,
                "the index finds what is there"
            );
            let whole = fastest(|| {
                let typed = case.read(&reader);
                black_box(index.find(&awake, case.scene(), EVENT, &typed.record, 0));
            });
            let alone = fastest(|| {
                black_box(index.find(&awake, case.scene(), EVENT, &typed.record, 0));
            });
            let begun = Instant::now();
            black_box(case.one_by_one(&typed));
            let plain = begun.elapsed().as_secs_f64() * 1e6;
            let first = *first.get_or_insert(whole);
            println!(
                "{size:>9} {:>8} {matching:>8} {whole:>11.2} {alone:>10.2} {:>9.2}× {plain:>12.1} {:>10.2} {:>9}",
                found.waiting,
                whole / first,
                build.as_secs_f64() * 1e3,
                (index.bytes() + awake.bytes()) / 1024
            );
        }
    }
}
