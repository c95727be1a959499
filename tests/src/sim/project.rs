//! A seed in; a project of random playbooks, and what has to hold of every run of them, out.

use super::chance::Chance;
use counterplay_cli::sandboxed;
use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::connect::MemorySecrets;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

/// The people who may answer; each gate needs one or two of them.
pub const TEAM: [&str; 3] = ["ana@msp.example", "bo@msp.example", "cy@msp.example"];
/// The tenants.
pub const TENANTS: [&str; 3] = ["acme", "birch", "cedar"];
/// The levels of alarms, the lowest first.
pub const LEVELS: [&str; 4] = ["unknown", "low", "medium", "high"];
const MINUTE_MS: i64 = 60_000;

/// What playbooks do, as the service outside knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// May be done again.
    Block,
    /// May be done again; the state is read back.
    Lock,
    /// A message: may come twice where nobody knows.
    Note,
    /// Must not be done twice.
    Once,
    /// Must not be done twice; a lost answer is looked up.
    Ticket,
    /// Must not be done twice, and needs an approval.
    Reset,
    /// Must not be done twice, and needs an approval.
    Wipe,
}

impl Kind {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Block => "block",
            Kind::Lock => "lock",
            Kind::Note => "note",
            Kind::Once => "once",
            Kind::Ticket => "ticket",
            Kind::Reset => "reset",
            Kind::Wipe => "wipe",
        }
    }

    /// By its name.
    pub fn of(name: &str) -> Option<Kind> {
        let all = [
            Kind::Block,
            Kind::Lock,
            Kind::Note,
            Kind::Once,
            Kind::Ticket,
            Kind::Reset,
            Kind::Wipe,
        ];
        all.into_iter().find(|kind| kind.name() == name)
    }

    fn declared(self, step: u32, version: u32) -> String {
        let name = self.name();
        let impact = match self {
            Kind::Note | Kind::Ticket => "notify",
            Kind::Once | Kind::Block | Kind::Lock => "reversible",
            Kind::Reset => "disruptive",
            Kind::Wipe => "destructive",
        };
        let (returns, rest) = match self {
            Kind::Lock => ("", "confirm: is_locked(about), within 2m"),
            Kind::Ticket => (
                " -> Slip",
                "check: opened_as(run.call)\n  returns: Slip(id: body.id)",
            ),
            _ => ("", ""),
        };
        // Which step it is stands in the declaration: an argument could choose what a wipe reaches.
        format!(
            "action {name}_{step}(about: Person){returns} {{\n  impact: {impact}\n  idempotent: {}\n  \
             request: desk.post(\"/{name}\", json: {{ step: {step}, version: {version}, person: about.id, \
             run: run.id, call: run.call, tenant: tenant.name }})\n  expect: 200\n  {rest}\n}}\n\n",
            self.is_idempotent()
        )
    }

    /// Whether doing it twice does harm.
    pub fn must_not_repeat(self) -> bool {
        matches!(self, Kind::Once | Kind::Ticket | Kind::Reset | Kind::Wipe)
    }

    /// Whether it may be sent again while its connection tries.
    pub fn is_idempotent(self) -> bool {
        matches!(self, Kind::Block | Kind::Lock)
    }
}

const DECLARED: &str = r#"connection desk {
  auth: none
  retry: for 10m, from 1s up to 1m
  timeout: 30s
  notify: POST "/note"
  notify: POST "/ticket"
  reversible: POST "/once"
  reversible: POST "/block"
  reversible: POST "/lock"
  disruptive: POST "/reset"
  destructive: POST "/wipe"
}

enum Level ordered { unknown, low, medium, high }

type Person {
  id: Text
  name: Text
}

event alarm {
  source: push
  known_by: "key"
  field key: Text = raw.key
  field level: Level = raw.level
  field person: Person = Person(id: raw.person, name: raw.person)
  field others: List<Person> = list(Person(id: o.id, name: o.id) for o in raw.others)
}

query is_locked(about: Person) -> Bool {
  request: desk.get("/locked", query: { person: about.id, tenant: tenant.name })
  returns: body.locked
}

query is_flagged(about: Person) -> Bool {
  request: desk.get("/flagged", query: { person: about.id, tenant: tenant.name })
  returns: body.flagged
}

type Slip {
  id: Text
}

query opened_as(reference: Text) -> Slip? {
  request: desk.get("/opened", query: { call: reference })
  returns: (if body.id is present then Slip(id: body.id) else absent)
}
"#;

const CONFIG: &str = r#"[project]
name = "Simulation"

[teams.soc]
members = ["ana@msp.example", "bo@msp.example", "cy@msp.example"]

[tenants.acme]
id = "acme-id"
zone = "Europe/London"

[tenants.birch]
id = "birch-id"
zone = "Europe/Berlin"

[tenants.cedar]
id = "cedar-id"

[connections.desk]
base = "https://desk.example"
"#;

/// What has to hold of the runs of a playbook.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Its id.
    pub id: String,
    /// The lowest level that starts it, as its place in [`LEVELS`].
    pub level: usize,
    /// The tenants that it is for.
    pub tenants: Vec<String>,
    /// Whether a run is started for each alarm, and none is left out as a repeat.
    pub each: bool,
    /// Whether a goal may end a run before its last step.
    pub has_goal: bool,
    /// The steps that every run does which is completed.
    pub straight: Vec<u32>,
    /// Steps that come before others: none of the second before all of the first were sent that are sent at all.
    pub order: Vec<(BTreeSet<u32>, BTreeSet<u32>)>,
    /// Steps between which time passes: from the first to the second at least so much.
    pub waits: Vec<(u32, u32, i64)>,
    /// Steps that are done for each of several.
    pub looped: BTreeSet<u32>,
    /// The gate of a step, and how many have to approve there.
    pub gates: BTreeMap<u32, (u32, u32)>,
}

/// A project as it is deployed.
#[derive(Clone)]
pub struct Project {
    /// Which version it is; every action says so.
    pub version: u32,
    /// The playbooks' source.
    pub text: String,
    /// What holds of them.
    pub rules: Vec<Rules>,
    /// The compiled program.
    pub program: Arc<Program>,
    /// The rest.
    pub deployment: Deployment,
    /// Its secrets.
    pub secrets: Arc<MemorySecrets>,
    /// The teams that have a channel of their own, where it is led into the sandbox.
    pub channels: Vec<String>,
}

impl Project {
    /// A project of some playbooks.
    ///
    /// # Panics
    /// When the compiler refuses what was drawn: a fault of the generator.
    pub fn drawn(chance: &mut Chance, version: u32) -> Project {
        let mut text = String::new();
        let mut rules = Vec::new();
        for number in 0..chance.between(1, 3) {
            let (source, of) =
                Writer::new(chance.fork(), version, 100 * number as u32).playbook(number);
            text += &source;
            rules.push(of);
        }
        let workspace = Workspace::new(
            vec![source(
                "drawn.play",
                "drawn",
                &format!("{DECLARED}\n{text}"),
            )],
            Some(("counterplay.toml".into(), CONFIG.into())),
        );
        let compiled = workspace.compile();
        assert!(
            !compiled.has_errors(),
            "{text}\n{}",
            workspace.render(&compiled.diagnostics, false)
        );
        let deployment = compiled.file.map(|file| file.deployment);
        Project {
            version,
            text,
            rules,
            program: Arc::new(compiled.program),
            deployment: deployment.unwrap_or_default(),
            secrets: Arc::new(MemorySecrets::new::<String, String>([])),
            channels: Vec::new(),
        }
    }

    /// The responses that ship, on the services of a sandbox. What holds of drawn playbooks' steps is not known of them.
    pub fn shipped() -> Project {
        static SHIPPED: LazyLock<(Arc<Program>, Deployment)> =
            LazyLock::new(|| crate::example("shipped-responses"));
        let (program, deployment) = SHIPPED.clone();
        let mut channels = Vec::new();
        let at = ("http://sandbox.example", "mail.sandbox.example:25");
        let (deployment, secrets) =
            sandboxed::lead(deployment, at, |team| channels.push(team.to_owned()));
        Project {
            version: 1,
            text: "// the responses that ship\n".into(),
            rules: Vec::new(),
            program,
            deployment,
            secrets: Arc::new(secrets),
            channels,
        }
    }

    /// Whether these are the responses that ship.
    pub fn is_shipped(&self) -> bool {
        self.rules.is_empty()
    }
}

fn source(path: &str, module: &str, text: &str) -> Source {
    Source {
        path: path.into(),
        module: module.into(),
        text: text.into(),
    }
}

/// What was written of a list of steps.
#[derive(Default)]
struct Written {
    text: String,
    /// All actions in it.
    steps: BTreeSet<u32>,
    /// Those that are done whenever it is gone through.
    straight: Vec<u32>,
}

struct Writer {
    chance: Chance,
    version: u32,
    next: u32,
    gates: u32,
    declared: String,
    /// Whom actions are about: the person of the alarm, or the one that a loop is at.
    about: &'static str,
    rules: Rules,
}

impl Writer {
    fn new(chance: Chance, version: u32, first: u32) -> Writer {
        Writer {
            chance,
            version,
            next: first,
            gates: 0,
            declared: String::new(),
            about: "a.person",
            rules: Rules::default(),
        }
    }

    fn playbook(mut self, number: i64) -> (String, Rules) {
        let chance = &mut self.chance;
        self.rules.id = format!("drawn_{number}");
        self.rules.level = chance.below(LEVELS.len());
        let but = chance.one_in(3).then(|| *chance.of(&TENANTS));
        self.rules.tenants = TENANTS
            .iter()
            .filter(|t| Some(**t) != but)
            .map(|t| (*t).to_owned())
            .collect();
        self.rules.each = !chance.one_in(4);
        self.rules.has_goal = chance.one_in(5);
        let mut text = format!("playbook drawn_{number} \"Drawn {number}\" {{\n");
        if let Some(but) = but {
            let _ = writeln!(text, "tenants: all except [\"{but}\"]");
        }
        text += "\nwhen alarm as a\n";
        if self.rules.level > 0 {
            let _ = writeln!(text, "if a.level >= {}", LEVELS[self.rules.level]);
        }
        if !self.rules.each {
            let hours = self.chance.between(1, 3);
            text += &match self.chance.below(2) {
                0 => format!("ignore repeats of a.person for {hours}h\n"),
                _ => "ignore repeats of a.person\n".to_owned(),
            };
        }
        if self.rules.has_goal {
            text += "resolved when not is_flagged(a.person)\n";
        }
        let mut before: BTreeSet<u32> = BTreeSet::new();
        let stages = self.chance.between(1, 3);
        for stage in 0..stages {
            if stage > 0 {
                let minutes = self.chance.between(1, 600);
                let _ = writeln!(text, "\nwait {minutes}m");
            }
            let written = self.list(0, None);
            self.then(&before, &written.steps);
            before = written.steps;
            self.rules.straight.extend(written.straight);
            let _ = writeln!(text, "\nthen {{\n{}}}", written.text);
        }
        if self.chance.one_in(3) {
            let hours = self.chance.between(24, 72);
            let written = self.list(2, None);
            self.then(&before, &written.steps);
            self.rules.straight.extend(written.straight);
            let _ = writeln!(text, "\nescalate after {hours}h {{\n{}}}", written.text);
        }
        if self.chance.one_in(3) {
            let step = self.action(None);
            let _ = writeln!(text, "\non failure {{\n{}}}", step.text);
        }
        text += "}\n\n";
        (text + &self.declared, self.rules)
    }

    fn then(&mut self, first: &BTreeSet<u32>, second: &BTreeSet<u32>) {
        if !first.is_empty() && !second.is_empty() {
            self.rules.order.push((first.clone(), second.clone()));
        }
    }

    /// Steps one after the other.
    fn list(&mut self, depth: u32, gate: Option<(u32, u32)>) -> Written {
        let mut all = Written::default();
        let mut before: BTreeSet<u32> = BTreeSet::new();
        // The last action, and how long is waited after it.
        let mut waited: Option<(u32, i64)> = None;
        for _ in 0..self.chance.between(1, 3) {
            if self.chance.one_in(6) {
                let minutes = self.chance.between(1, 90);
                let _ = writeln!(all.text, "wait {minutes}m");
                if let Some((_, ms)) = &mut waited {
                    *ms += minutes * MINUTE_MS;
                }
                continue;
            }
            let one = self.step(depth, gate);
            self.then(&before, &one.steps);
            if let (Some((from, ms)), [to]) = (waited, one.straight.as_slice())
                && ms > 0
                && one.steps.len() == 1
            {
                self.rules.waits.push((from, *to, ms));
            }
            waited = match one.straight.as_slice() {
                [only] if one.steps.len() == 1 => Some((*only, 0)),
                _ => None,
            };
            if !one.steps.is_empty() {
                before = one.steps.clone();
            }
            all.text += &one.text;
            all.steps.extend(one.steps);
            all.straight.extend(one.straight);
        }
        if all.steps.is_empty() {
            return self.action(gate);
        }
        all
    }

    fn step(&mut self, depth: u32, gate: Option<(u32, u32)>) -> Written {
        if depth >= 2 || self.chance.one_in(2) {
            return self.action(gate);
        }
        match self.chance.below(10) {
            7 => {
                self.gates += 1;
                let own = self.gates;
                let hours = self.chance.between(1, 6);
                let (a, b) = (self.list(depth + 1, gate), self.list(depth + 1, gate));
                branch(
                    format!(
                        "wait for alarm as e{} where e{}.person.id == a.person.id, at most {hours}h {{\ncame {{\n{}}}\ntimed_out {{\n{}}}\n}}\n",
                        own, own, a.text, b.text
                    ),
                    [a, b],
                )
            }
            8 => {
                let acts = self.action(gate);
                let (a, b) = (self.list(depth + 1, gate), self.list(depth + 1, gate));
                let call = acts.text.trim_end();
                let mut written = branch(
                    format!(
                        "{call} {{\ndone {{\n{}}}\nfailed {{\n{}}}\n}}\n",
                        a.text, b.text
                    ),
                    [a, b],
                );
                self.then(&acts.steps, &written.steps);
                written.steps.extend(acts.steps);
                // Where it fails the run goes on; it is asked for all the same.
                written
            }
            9 if self.about == "a.person" => {
                self.about = "other";
                let some = self.list(depth + 1, None);
                self.about = "a.person";
                let together = self.chance.between(1, 3);
                branch(
                    format!(
                        "for each other in a.others, {together} at a time {{\n{}}}\n",
                        some.text
                    ),
                    [some],
                )
            }
            0 => {
                let (a, b) = (self.list(depth + 1, gate), self.list(depth + 1, gate));
                branch(
                    format!(
                        "if is_flagged(a.person) {{\n{}}} else {{\n{}}}\n",
                        a.text, b.text
                    ),
                    [a, b],
                )
            }
            1 => {
                let all: Vec<Written> = (0..self.chance.between(2, 3))
                    .map(|_| self.list(depth + 1, gate))
                    .collect();
                let mut text = "in parallel {\n".to_owned();
                for one in &all {
                    let _ = writeln!(text, "then {{\n{}}}", one.text);
                }
                text += "}\n";
                let mut written = Written {
                    text,
                    ..Written::default()
                };
                for one in all {
                    written.steps.extend(one.steps);
                    written.straight.extend(one.straight);
                }
                written
            }
            2 => {
                let hours = self.chance.between(1, 8);
                let (a, b) = (self.list(depth + 1, gate), self.list(depth + 1, gate));
                branch(
                    format!(
                        "wait until is_flagged(a.person), at most {hours}h, checking every 20m {{\nmet {{\n{}}}\ntimed_out {{\n{}}}\n}}\n",
                        a.text, b.text
                    ),
                    [a, b],
                )
            }
            3 => {
                let mut one = self.action(gate);
                one.text = format!("attempt {}", one.text);
                // It may fail and the run goes on; it is sent all the same.
                one
            }
            4..=6 if self.about == "a.person" => {
                self.gates += 1;
                let own = self.gates;
                let (needs, hours) = (self.chance.between(1, 2) as u32, self.chance.between(1, 24));
                let yes = self.list(depth + 1, Some((own, needs)));
                let (no, late) = (self.list(depth + 1, None), self.list(depth + 1, None));
                branch(
                    format!(
                        "approve \"Gate {own}?\" about a.person, by team.soc, needs {needs}, within {hours}h, valid 60d {{\napproved {{\n{}}}\nrejected {{\n{}}}\nunanswered {{\n{}}}\n}}\n",
                        yes.text, no.text, late.text
                    ),
                    [yes, no, late],
                )
            }
            _ => self.action(gate),
        }
    }

    fn action(&mut self, gate: Option<(u32, u32)>) -> Written {
        self.next += 1;
        let number = self.next;
        let free = [
            Kind::Note,
            Kind::Once,
            Kind::Block,
            Kind::Lock,
            Kind::Ticket,
        ];
        let kind = match gate {
            Some(_) if self.chance.one_in(2) => *self.chance.of(&[Kind::Reset, Kind::Wipe]),
            _ => *self.chance.of(&free),
        };
        self.declared += &kind.declared(number, self.version);
        if self.about != "a.person" {
            self.rules.looped.insert(number);
        }
        if let Some(gate) = gate
            && matches!(kind, Kind::Reset | Kind::Wipe)
        {
            self.rules.gates.insert(number, gate);
        }
        Written {
            text: format!("{}_{number}({})\n", kind.name(), self.about),
            steps: [number].into(),
            straight: vec![number],
        }
    }
}

/// Of several ways one is gone.
fn branch<const N: usize>(text: String, ways: [Written; N]) -> Written {
    let mut written = Written {
        text,
        ..Written::default()
    };
    for way in ways {
        written.steps.extend(way.steps);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_compiles() {
        for seed in 0..40 {
            let project = Project::drawn(&mut Chance::seeded(seed), 1);
            assert!(!project.rules.is_empty());
        }
    }
}
