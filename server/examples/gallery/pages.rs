//! A theme and a way of writing names in; every page of the dashboard with made-up data out.

use super::project::{self, Project};
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::Mode;
use counterplay_machine::state::Run;
use counterplay_runtime::simulate::{People, SimulatedRun as Simulated};
use counterplay_runtime::store::{Channel, Message, MessageState};
use counterplay_runtime::timeline::{self, Reading};
use counterplay_server::dashboard::charts::Day;
use counterplay_server::dashboard::chrome::{Area, Chrome, Counts, Flash, Theme, Viewer};
use counterplay_server::dashboard::drawing::{self, Drawing};
use counterplay_server::dashboard::forms;
use counterplay_server::dashboard::highlight::highlight;
use counterplay_server::dashboard::pages::approval::{
    ApprovalPage, Consequences, EvidenceGroup, GatedAction, Standing, Subject, Vote,
};
use counterplay_server::dashboard::pages::approvals::ApprovalRow;
use counterplay_server::dashboard::pages::audit::{AuditRow, ChainResult};
use counterplay_server::dashboard::pages::deploy::difference;
use counterplay_server::dashboard::pages::deploys::DeployRow;
use counterplay_server::dashboard::pages::letters::LetterRow;
use counterplay_server::dashboard::pages::people::{PersonRow, ROLES, TokenRow, TokenState};
use counterplay_server::dashboard::pages::playbook::StartForm;
use counterplay_server::dashboard::pages::playbooks::{CanaryRow, PlaybookRow};
use counterplay_server::dashboard::pages::run::{HeldRow, RunApproval, RunEvent, UndoPart};
use counterplay_server::dashboard::pages::runs::RunRow;
use counterplay_server::dashboard::pages::simulation::{SimulatedRun, WouldDo};
use counterplay_server::dashboard::pages::sources::{
    ConnectionRow, PauseRow, PollRow, StoppedRow, SubscriptionCell, WebhookRow,
};
use counterplay_server::dashboard::pages::{self, Choice, Paging};
use counterplay_server::dashboard::steps::steps;
use counterplay_server::identity::{Login, Role};
use std::collections::BTreeSet;

const MIN: i64 = 60_000;
const HOUR: i64 = 60 * MIN;
const DAY: i64 = 24 * HOUR;

/// Makes pages.
pub struct Gallery {
    /// The project.
    pub project: Project,
    /// Light or dark.
    pub theme: Theme,
    /// The time.
    pub now_ms: i64,
    /// What becomes of every text that comes from outside.
    pub write: fn(&str) -> String,
}

/// A page and its name.
pub type Page = (&'static str, String);

fn render(page: &impl askama::Template) -> String {
    page.render().expect("a page")
}

impl Gallery {
    fn t(&self, text: &str) -> String {
        (self.write)(text)
    }

    fn chrome(&self, area: Area, title: &str) -> Chrome {
        Chrome {
            viewer: Some(Viewer {
                name: self.t("Dana Kim"),
                email: self.t("dana.kim@msp.example"),
                roles: BTreeSet::from([Role::Approver, Role::Administrator]),
                csrf: "made-up-csrf".to_owned(),
            }),
            theme: self.theme,
            sandbox: true,
            counts: Counts {
                approvals: 2,
                held: 1,
                deploys: 1,
                letters: 3,
            },
            area,
            title: title.to_owned(),
            here: "/".to_owned(),
            now_ms: self.now_ms,
            flash: None,
            paused: Vec::new(),
            clock: None,
            store: None,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "made-up rows, one a line")]
    fn run_row(
        &self,
        id: &str,
        title: &str,
        subject: &str,
        status: &str,
        ago: i64,
        ended: Option<i64>,
        why: Option<&str>,
    ) -> RunRow {
        RunRow {
            id: id.to_owned(),
            playbook: "lost_device".to_owned(),
            title: self.t(title),
            tenant: self.t("contoso"),
            started_by: self.t("identity.risk_detected"),
            subject: Some(self.t(subject)),
            status: status.to_owned(),
            why: why.map(|w| self.t(w)),
            simulated: status == "completed",
            started_ms: self.now_ms - ago,
            ended_ms: ended.map(|e| self.now_ms - e),
            repeats: 2,
        }
    }

    fn run_rows(&self) -> Vec<RunRow> {
        vec![
            self.run_row("r-7f31c2", "Lost or Stolen Device", "LAPTOP-PRIYA", "awaiting approval", 12 * MIN, None, None),
            self.run_row("r-7f31b9", "Compromised User Response", "Priya Raman", "waiting", 55 * MIN, None, None),
            self.run_row("r-7f31a4", "Device Noncompliance", "Surface of Omar", "running", 20_000, None, None),
            self.run_row("r-7f3190", "Suspicious Mail Rule", "Lena Fischer", "held", 3 * HOUR, None, Some("whether exchange.delete_rule was performed is not known: the service closed the connection")),
            self.run_row("r-7f3188", "Compromised User Response", "Omar Haddad", "failed", 5 * HOUR, Some(4 * HOUR + 50 * MIN), Some("failed at entra.reset_password(risk.user): 403, the application lacks User-PasswordProfile.ReadWrite.All")),
            self.run_row("r-7f3177", "Stale Account", "svc-backup", "completed", 26 * HOUR, Some(25 * HOUR), None),
            self.run_row("r-7f3170", "MFA not Registered", "Noor Jansen", "completed with failures", 2 * DAY, Some(2 * DAY - 2 * HOUR), None),
            self.run_row("r-7f3161", "Lost or Stolen Device", "PIXEL-OMAR", "rejected", 3 * DAY, Some(3 * DAY - HOUR), None),
        ]
    }

    #[expect(clippy::too_many_arguments, reason = "made-up rows, one a line")]
    fn approval_row(
        &self,
        id: &str,
        question: &str,
        impact: Impact,
        left: i64,
        state: &str,
        votes: u64,
        voted: bool,
    ) -> ApprovalRow {
        ApprovalRow {
            id: id.to_owned(),
            question: self.t(question),
            about: vec![self.t("LAPTOP-PRIYA")],
            title: self.t("Lost or Stolen Device"),
            tenant: self.t("contoso"),
            run: "r-7f31c2".to_owned(),
            impact: Some(impact),
            votes,
            needs: 2,
            asked_ms: self.now_ms - 11 * MIN,
            until_ms: self.now_ms + left,
            state: state.to_owned(),
            question_only: false,
            voted,
            simulated: false,
        }
    }

    fn approval_rows(&self) -> Vec<ApprovalRow> {
        vec![
            self.approval_row(
                "r-7f31c2:7",
                "Wipe LAPTOP-PRIYA? Everything on it is lost. Reported: left on a train to Bergen",
                Impact::Destructive,
                3 * HOUR + 48 * MIN,
                "open",
                1,
                false,
            ),
            self.approval_row(
                "r-7f31aa:4",
                "Disable the account of Omar Haddad until Monday?",
                Impact::Disruptive,
                26 * MIN,
                "open",
                0,
                false,
            ),
        ]
    }

    fn others(&self) -> Vec<ApprovalRow> {
        vec![self.approval_row(
            "r-7f3155:4",
            "Delete the forwarding rule of Lena Fischer?",
            Impact::Reversible,
            2 * HOUR,
            "open",
            1,
            true,
        )]
    }

    fn decided(&self) -> Vec<ApprovalRow> {
        vec![
            self.approval_row(
                "r-7f3101:7",
                "Wipe PIXEL-OMAR? Everything on it is lost.",
                Impact::Destructive,
                -DAY,
                "approved",
                2,
                true,
            ),
            self.approval_row(
                "r-7f3161:7",
                "Wipe SURFACE-LENA? Everything on it is lost.",
                Impact::Destructive,
                -3 * DAY,
                "rejected",
                1,
                false,
            ),
            self.approval_row(
                "r-7f3102:7",
                "Wipe IPAD-NOOR? Everything on it is lost.",
                Impact::Destructive,
                -4 * DAY,
                "unanswered",
                0,
                false,
            ),
        ]
    }

    fn deploy_row(
        &self,
        num: i64,
        summary: &str,
        state: &str,
        ago: i64,
        decided_by: Option<&str>,
    ) -> DeployRow {
        DeployRow {
            num,
            summary: self.t(summary),
            changes: vec![
                self.t("`lost_device` has the approval “Wipe {device.name}?”, which needs one person, it was 2 people"),
                self.t("`lost_device` has the step `ticket.create(priority: urgent)` instead of `ticket.create(priority: high)`"),
            ],
            by: self.t("ana.ortiz@msp.example"),
            at_ms: self.now_ms - ago,
            state: state.to_owned(),
            files: 1,
            decided_by: decided_by.map(|d| self.t(d)),
        }
    }

    fn deploy_rows(&self) -> Vec<DeployRow> {
        vec![
            self.deploy_row(
                14,
                "Ask one lead fewer before a wipe",
                "superseded",
                2 * DAY,
                Some("dana.kim@msp.example"),
            ),
            self.deploy_row(13, "Lock Android devices too", "live", 4 * DAY, None),
            self.deploy_row(
                12,
                "Wipe without asking outside of office hours",
                "refused",
                9 * DAY,
                Some("eli.novak@msp.example"),
            ),
        ]
    }

    fn days(&self) -> Vec<Day> {
        let numbers = [
            (9, 1, [12, 8, 2, 0]),
            (11, 0, [14, 9, 1, 0]),
            (7, 2, [9, 6, 3, 1]),
            (0, 0, [0, 0, 0, 0]),
            (14, 1, [18, 12, 2, 0]),
            (12, 1, [15, 11, 4, 1]),
            (8, 0, [9, 7, 0, 0]),
            (10, 3, [16, 9, 2, 0]),
            (13, 0, [17, 13, 3, 0]),
            (15, 1, [21, 14, 2, 1]),
            (6, 0, [8, 4, 0, 0]),
            (9, 1, [11, 8, 1, 0]),
            (16, 1, [23, 15, 3, 0]),
            (7, 1, [9, 6, 1, 1]),
        ];
        (12..26)
            .zip(numbers)
            .map(|(day, (succeeded, failed, actions))| Day {
                date: format!("2026-11-{day:02}"),
                succeeded,
                failed,
                actions,
            })
            .collect()
    }

    fn playbook_rows(&self) -> Vec<PlaybookRow> {
        self.project
            .program
            .playbooks
            .values()
            .enumerate()
            .map(|(index, playbook)| {
                let triggers: Vec<String> = playbook
                    .triggers
                    .iter()
                    .map(|t| counterplay_machine::schedule::describe(&t.kind))
                    .collect();
                PlaybookRow {
                    id: playbook.id.to_string(),
                    title: self.t(&playbook.title),
                    summary: self.t(playbook.doc.split(". ").next().unwrap_or_default()),
                    manual: triggers.iter().any(|t| t.starts_with("by hand")),
                    triggers,
                    mode: [Mode::Active, Mode::Simulate, Mode::Paused][index % 3],
                    source_mode: (index % 3 == 1).then_some(Mode::Active),
                    open_runs: index as u64 % 3,
                    last_run_ms: (index != 2)
                        .then_some(self.now_ms - 40 * MIN * (index as i64 + 1)),
                    impact: Some(
                        [Impact::Disruptive, Impact::Reversible, Impact::Destructive][index % 3],
                    ),
                    canary: (index % 3 == 0).then(|| CanaryRow {
                        group: self.t("ring0"),
                        version: "b1946ac92492d2347c6235b4d2611184".to_owned(),
                        elsewhere: (index == 0).then(|| "591785b794601e21".to_owned()),
                    }),
                }
            })
            .collect()
    }

    fn form(&self, errors: bool) -> StartForm {
        let program = &self.project.program;
        let playbook = &program.playbooks["lost_device"];
        let mut fields = playbook
            .triggers
            .iter()
            .find_map(|t| match &t.kind {
                counterplay_machine::playbook::TriggerKind::Manual(params) => {
                    Some(forms::fields(params, &program.types))
                }
                _ => None,
            })
            .unwrap_or_default();
        use counterplay_machine::types::Type;
        for (name, ty) in [
            ("wait", Type::Optional(Box::new(Type::Duration))),
            ("sure", Type::Bool),
            ("count", Type::Optional(Box::new(Type::Int))),
        ] {
            if errors {
                fields.push(forms::field(name, &ty, None, &program.types));
            }
        }
        if let Some((name, _)) = program
            .types
            .enums
            .iter()
            .find(|(n, e)| e.ordered && n.contains("Risk"))
            .or(program.types.enums.iter().next())
            && errors
        {
            fields.push(forms::field(
                "risk",
                &Type::Enum(name.clone()),
                None,
                &program.types,
            ));
        }
        if errors && let Some(first) = fields.first_mut() {
            first.value = self.t("LAPTOP-PRIYA");
            first.error = Some(self.t("there is no device with this id in contoso"));
        }
        StartForm {
            tenants: vec![self.t("contoso"), self.t("fabrikam")],
            tenant: self.t("contoso"),
            fields,
            events: Vec::new(),
            payload: String::new(),
            payload_error: None,
            people: if errors {
                Vec::new()
            } else {
                vec![
                    ("approve".into(), "approve after ten minutes".into()),
                    ("reject".into(), "reject after ten minutes".into()),
                    ("unanswered".into(), "nobody answers".into()),
                ]
            },
            error: None,
        }
    }

    fn drawing(
        &self,
        id: &str,
        playbook: &str,
        run: Option<(&Simulated, Option<&Run>)>,
    ) -> Option<String> {
        let playbook = self.project.program.playbooks.get(playbook)?;
        let live = run.map(|(sim, run)| drawing::live(playbook, &sim.journal, run));
        let file = playbook
            .graph
            .node_weight(playbook.start)?
            .origin
            .file
            .clone();
        let page = format!("/playbooks/{}", playbook.id);
        drawing::draw(
            playbook,
            &Drawing {
                id,
                source_page: if run.is_some() { &page } else { "" },
                file: &file,
                live: live.as_ref(),
            },
        )
    }

    /// Every page.
    pub fn pages(&self) -> Vec<Page> {
        let mut out = vec![
            ("overview", self.overview()),
            ("overview-new", self.overview_new()),
            ("login", self.login()),
            ("playbooks", self.playbooks()),
            ("playbook", self.playbook()),
            ("simulation", self.simulation()),
            ("runs", self.runs()),
            ("runs-empty", self.runs_empty()),
        ];
        out.extend(self.run_pages());
        out.push(("archived", self.archived()));
        out.push(("approvals", self.approvals()));
        out.extend(self.approval_pages());
        out.push(("deploys", self.deploys()));
        out.push(("deploy", self.deploy()));
        out.push(("audit", self.audit()));
        out.push(("letters", self.letters()));
        out.push(("letter", self.letter()));
        out.push(("people", self.people()));
        out.push(("answer", self.answer()));
        out.push(("secret", self.secret()));
        out.push(("account", self.account()));
        out.push(("sources", self.sources()));
        out.push(("sources-empty", self.sources_empty()));
        out.push(("error", self.error()));
        out
    }

    fn overview(&self) -> String {
        let rows = self.run_rows();
        let mut chrome = self.chrome(Area::Overview, "Overview");
        chrome.sandbox = false;
        render(&pages::OverviewPage {
            chrome,
            waiting: self.approval_rows(),
            waiting_count: 2,
            running: rows[..3].to_vec(),
            running_count: 3,
            held: rows[3..4].to_vec(),
            held_count: 1,
            failed: rows[4..5].to_vec(),
            failed_count: 1,
            days: self.days(),
            tries: Vec::new(),
            samples: Vec::new(),
            has_playbooks: true,
        })
    }

    fn overview_new(&self) -> String {
        let step =
            |title: &str, text: &str, href: &str, link: &str, done| pages::overview::TryThis {
                title: title.to_owned(),
                text: text.to_owned(),
                href: href.to_owned(),
                link: link.to_owned(),
                done,
            };
        let mut chrome = self.chrome(Area::Overview, "Overview");
        chrome.counts = Counts::default();
        render(&pages::OverviewPage {
            chrome,
            waiting: vec![],
            waiting_count: 0,
            running: vec![],
            running_count: 0,
            held: vec![],
            held_count: 0,
            failed: vec![],
            failed_count: 0,
            days: vec![],
            tries: vec![
                step(
                    "Simulate",
                    "See what a lost device would set off, on a virtual clock. Nothing is performed.",
                    "/playbooks/lost_device#simulate",
                    "Simulate a lost device",
                    true,
                ),
                step(
                    "Start it",
                    "The same, for real within the sandbox: the device is locked and two leads are asked.",
                    "/playbooks/lost_device#run",
                    "Start a run",
                    false,
                ),
                step(
                    "Approve",
                    "Log in as two of the leads, in two windows, and let the wipe go ahead. Or reject it.",
                    "/approvals",
                    "Open the approvals",
                    false,
                ),
                step(
                    "Watch",
                    "The run’s page moves by itself: what was sent, what came back, where it stands.",
                    "/runs",
                    "See the runs",
                    false,
                ),
            ],
            samples: vec![(
                "risky-sign-in".to_owned(),
                self.t("Somebody signs in from an anonymous address"),
            )],
            has_playbooks: true,
        })
    }

    fn login(&self) -> String {
        let mut chrome = self.chrome(Area::Elsewhere, "Log in");
        chrome.viewer = None;
        let hint = |email: &str, what: &str| pages::login::Hint {
            email: self.t(email),
            password: "sandbox-lantern-orbit".to_owned(),
            what: what.to_owned(),
        };
        render(&pages::LoginPage {
            chrome,
            email: self.t("dana.kim@msp.example"),
            next: "/approvals".to_owned(),
            error: Some("The address or the password is wrong.".to_owned()),
            csrf: "made-up".to_owned(),
            hints: vec![
                hint("finn.murphy@msp.example", "starts playbooks"),
                hint("dana.kim@msp.example", "a lead: approves"),
                hint("eli.novak@msp.example", "a lead: approves"),
            ],
        })
    }

    fn answer(&self) -> String {
        let mut chrome = self.chrome(Area::Elsewhere, "Was this you?");
        chrome.viewer = None;
        render(&pages::AnswerPage {
            chrome,
            id: self.t("r-20261125-abc123:8"),
            person: self.t("priya.raman@contoso.example"),
            question: self.t("Somebody signed in from Lagos. Was this you?"),
            title: self.t("Ask the Users of an Incident"),
            tenant: self.t("contoso"),
            actions: Vec::new(),
            about: Vec::new(),
            choices: vec![self.t("This was me"), self.t("Not me")],
            until_ms: self.now_ms + 40 * MIN,
            over: None,
            comment: String::new(),
            error: None,
        })
    }

    fn playbooks(&self) -> String {
        render(&pages::PlaybooksPage {
            chrome: self.chrome(Area::Playbooks, "Playbooks"),
            playbooks: self.playbook_rows(),
            may_operate: true,
            may_promote: true,
            folder: Some(self.t("/srv/counterplay/contoso")),
        })
    }

    fn playbook(&self) -> String {
        let playbook = &self.project.program.playbooks["lost_device"];
        let mut row = self
            .playbook_rows()
            .into_iter()
            .find(|r| r.id == "lost_device")
            .expect("a playbook");
        row.mode = Mode::Active;
        row.source_mode = None;
        render(&pages::PlaybookPage {
            chrome: self.chrome(Area::Playbooks, "Lost or Stolen Device"),
            row,
            doc: self.t(&playbook.doc),
            tags: vec![self.t("attack.T1078")],
            tenants: "every tenant".to_owned(),
            file: self.t("playbooks/lost_device.play"),
            source: highlight(
                "playbooks/lost_device.play",
                &self.source(),
                Some(&self.project.program),
            ),
            drawing: self.drawing("m", "lost_device", None),
            steps: playbook.graph.node_count(),
            run_form: Some(self.form(true)),
            simulate_form: Some(self.form(false)),
            runs: self.run_rows()[..2].to_vec(),
            waiting: vec![self.deploy_row(
                15,
                "Ask one lead only before a wipe",
                "waiting",
                HOUR,
                None,
            )],
            history: self.deploy_rows(),
            may_operate: true,
            may_promote: true,
            folder: None,
            version: "b1946ac92492".to_owned(),
        })
    }

    fn source(&self) -> String {
        let comment: Vec<String> = self
            .t("Every line is shown as it stands.")
            .lines()
            .map(|l| format!("// {l}"))
            .collect();
        format!("{}\n{}", project::LOST_DEVICE, comment.join("\n"))
    }

    fn simulated(&self, id: &str, playbook: &str, run: &Simulated) -> SimulatedRun {
        let reading = Reading {
            assumed: run.assumed.iter().filter_map(|a| a.entry).collect(),
            simulated: true,
        };
        SimulatedRun {
            status: run
                .run
                .outcome
                .as_ref()
                .map_or("held", |o| o.name())
                .to_owned(),
            why: None,
            steps: self.steps(playbook, run, &reading),
            actions: run
                .actions
                .iter()
                .map(|a| WouldDo {
                    offset: format!("+{}", timeline::relative(a.at_ms - run.run.started_ms)),
                    call: self.t(&timeline::call(&a.action, &a.args)),
                    impact: a.impact,
                })
                .collect(),
            assumed: run.assumed.len() as u64,
            drawing: self.drawing(id, playbook, Some((run, Some(&run.run)))),
        }
    }

    fn steps(
        &self,
        playbook: &str,
        run: &Simulated,
        reading: &Reading,
    ) -> Vec<counterplay_server::dashboard::steps::Step> {
        let mut steps = steps(
            &run.journal,
            reading,
            self.project.program.playbooks.get(playbook),
        );
        for step in &mut steps {
            step.text = self.t(&step.text);
            step.result = step.result.as_ref().map(|r| self.t(r));
            step.request = step.request.as_ref().map(|r| self.t(r));
            step.answer = step.answer.as_ref().map(|r| self.t(r));
        }
        steps
    }

    fn simulation(&self) -> String {
        let at_ms = self.now_ms;
        let simulation = project::compromised_user(&self.project, at_ms);
        render(&pages::SimulationPage {
            chrome: self.chrome(Area::Playbooks, "Simulation"),
            playbook: "compromised_user".to_owned(),
            title: self.t("Compromised User Response"),
            tenant: self.t("contoso"),
            cause: self.t("by the event identity.risk_detected"),
            at_ms,
            runs: simulation
                .runs
                .iter()
                .map(|r| self.simulated("s", "compromised_user", r))
                .collect(),
            not_started: vec![self.t("for fabrikam: the playbook is for other tenants")],
            assumed: vec![self.t("entra.user answers a sample user")],
            may_start: true,
        })
    }

    fn statuses() -> Vec<Choice> {
        Choice::list(
            "Any",
            &[
                "running",
                "waiting",
                "awaiting approval",
                "held",
                "failed",
                "completed",
            ],
            Some("failed"),
        )
    }

    fn runs(&self) -> String {
        let mut chrome = self.chrome(Area::Runs, "Runs");
        chrome.flash = Some(Flash {
            problem: false,
            text: self.t("The run r-7f3177 was cancelled."),
        });
        render(&pages::RunsPage {
            chrome,
            runs: self.run_rows(),
            statuses: Self::statuses(),
            tenants: Choice::list(
                "Every tenant",
                &[self.t("contoso"), self.t("fabrikam")],
                None,
            ),
            playbooks: Choice::list(
                "Every playbook",
                &[self.t("lost_device"), self.t("compromised_user")],
                None,
            ),
            filtered: true,
            paging: Paging {
                first: None,
                next: Some("/runs?after=20".to_owned()),
            },
        })
    }

    fn runs_empty(&self) -> String {
        render(&pages::RunsPage {
            chrome: self.chrome(Area::Runs, "Runs"),
            runs: vec![],
            statuses: Self::statuses(),
            tenants: vec![],
            playbooks: vec![],
            filtered: false,
            paging: Paging::default(),
        })
    }

    fn run_pages(&self) -> Vec<Page> {
        // A run that waits is one whose journal and state stop at the question.
        let full = project::lost_device(&self.project, self.now_ms - 12 * MIN, People::default());
        let asked = project::lost_device(&self.project, self.now_ms - 12 * MIN, People::Unanswered);
        let mut waiting = asked.runs[0].clone();
        let cut = waiting
            .journal
            .iter()
            .position(|e| {
                matches!(
                    e.what,
                    counterplay_machine::journal::What::ApprovalAsked { .. }
                )
            })
            .unwrap_or(0);
        waiting.journal.truncate(cut + 1);
        waiting.run.outcome = None;
        let gate = waiting.journal[cut].node.unwrap_or(0);
        let thread = counterplay_machine::state::Thread {
            parent: None,
            shares_names: false,
            path: String::new(),
            node: gate,
            waiting: counterplay_machine::state::Waiting::Ready,
            slots: Default::default(),
            tries: 0,
            laps: 0,
            deadlines: Default::default(),
        };
        waiting.run.threads = [(0, thread)].into();
        let undo = |open: bool| UndoPart {
            cannot: vec![(
                self.t("intune.wipe(LAPTOP-PRIYA)"),
                self.t("what was erased stays erased"),
            )],
            steps: vec![(
                self.t("entra.block_sign_in(Priya Raman)"),
                self.t("entra.unblock_sign_in(Priya Raman)"),
                Some(self.t("run r-7f2f10 did something to the same and may still need it")),
            )],
            teams: vec![self.t("leads"), self.t("soc")],
            offered: !open,
            ..UndoPart::default()
        };
        let page = |title: &str, run: RunRow, sim: &Simulated, outcome: Option<String>| {
            let open = sim.run.outcome.is_none();
            render(&pages::RunPage {
                chrome: self.chrome(Area::Runs, title),
                open,
                outcome,
                held_calls: match run.status.as_str() {
                    "held" => vec![HeldRow {
                        place: "14".to_owned(),
                        action: self.t("intune.wipe"),
                        reason: self.t("the service closed the connection; it may have been carried out, and doing it twice may do harm"),
                        needs_result: Some(self.t("later steps need the result of `intune.wipe`: say what it gave (JSON, a text), or that it was not carried out")),
                    }],
                    _ => Vec::new(),
                },
                waits_for: open.then(|| self.t("Two of dana.kim@msp.example, eli.novak@msp.example are asked to approve. It ends")),
                next_timer_ms: open.then_some(self.now_ms + 3 * HOUR + 48 * MIN),
                steps: self.steps("lost_device", sim, &Reading::default()),
                drawing: self.drawing("m", "lost_device", Some((sim, Some(&sim.run)))),
                approvals: vec![RunApproval {
                    id: format!("{}:7", run.id),
                    question: self.t("Wipe LAPTOP-PRIYA? Everything on it is lost."),
                    state: if open { "open" } else { "approved" }.to_owned(),
                    until_ms: open.then_some(self.now_ms + 3 * HOUR + 48 * MIN),
                    by: vec![self.t("dana.kim@msp.example")],
                }],
                event: Some(RunEvent {
                    num: 812,
                    name: self.t("manual"),
                    received_ms: self.now_ms - 12 * MIN,
                    payload: self.t("{\n  \"device\": \"b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004\",\n  \"reason\": \"left on a train to Bergen\"\n}"),
                }),
                version: "b1946ac92492".to_owned(),
                outdated: true,
                undo: undo(open),
                may_operate: true,
                may_audit: true,
                run,
            })
        };
        let row = |status: &str, ended: Option<i64>, why: Option<&str>| {
            let mut row = self.run_row(
                "r-7f31c2",
                "Lost or Stolen Device",
                "LAPTOP-PRIYA",
                status,
                12 * MIN,
                ended,
                why,
            );
            row.started_by = self.t("finn.murphy@msp.example");
            row.simulated = false;
            row
        };
        vec![
            (
                "run",
                page("Run", row("awaiting approval", None, None), &waiting, None),
            ),
            (
                "run-held",
                page(
                    "Run",
                    row(
                        "held",
                        None,
                        Some(
                            "whether intune.wipe was performed is not known: the service closed the connection",
                        ),
                    ),
                    &waiting,
                    None,
                ),
            ),
            (
                "run-ended",
                page(
                    "Run",
                    row("completed", Some(MIN), None),
                    &full.runs[0],
                    Some(self.t("Completed: every stage is done.")),
                ),
            ),
        ]
    }

    fn approvals(&self) -> String {
        render(&pages::ApprovalsPage {
            chrome: self.chrome(Area::Approvals, "Approvals"),
            mine: self.approval_rows(),
            others: self.others(),
            decided: self.decided(),
        })
    }

    fn approval(&self, standing: Standing, row: ApprovalRow, error: Option<&str>) -> String {
        let fact = |name: &str, value: &str| (self.t(name), self.t(value));
        let message = |channel, recipient: &str, state, error: Option<&str>| Message {
            num: 1,
            run_num: 1,
            run: self.t("r-20261125-9an1zd"),
            tenant: self.t("contoso"),
            approval: self.t("r-20261125-9an1zd:12"),
            channel,
            recipient: self.t(recipient),
            asked_ms: self.now_ms - 11 * MIN,
            state,
            attempts: 1,
            begun: false,
            next_ms: self.now_ms + MIN,
            ended_ms: Some(self.now_ms - 10 * MIN),
            error: error.map(|e| self.t(e)),
        };
        render(&ApprovalPage {
            choices: Vec::new(),
            messages: vec![
                message(Channel::Mail, "dana.kim@msp.example", MessageState::Sent, None),
                message(Channel::Teams, "leads", MessageState::Waiting, Some("teams.msp.example answered 503")),
                message(Channel::Slack, "leads", MessageState::GivenUp, Some("the team has no Slack channel")),
            ],
            chrome: self.chrome(Area::Approvals, "Approval"),
            playbook: "lost_device".to_owned(),
            doc: self.t("Somebody reports a device as lost or stolen. It is locked at once where the platform can do that; it is wiped only after two leads have agreed within four hours."),
            actions: vec![
                GatedAction {
                    call: self.t("intune.wipe(device: LAPTOP-PRIYA)"),
                    doc: self.t("Resets the device to factory settings. Company and personal data on it are lost."),
                    impact: Impact::Destructive,
                    undo: None,
                    known: vec![(self.t("device"), self.t("LAPTOP-PRIYA"))],
                    later: vec![],
                },
                GatedAction {
                    call: self.t("notify.teams(channel: soc, text: \"LAPTOP-PRIYA is being wiped …\")"),
                    doc: self.t("Posts a message to a Teams channel."),
                    impact: Impact::Notify,
                    undo: None,
                    known: vec![(self.t("channel"), self.t("soc"))],
                    later: vec![self.t("text")],
                },
            ],
            subjects: vec![Subject {
                name: self.t("LAPTOP-PRIYA"),
                key: self.t("Device b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004"),
            }],
            started_by: self.t("finn.murphy@msp.example"),
            started_ms: self.now_ms - 12 * MIN,
            evidence: vec![
                EvidenceGroup {
                    title: "What started the run".to_owned(),
                    at_ms: self.now_ms - 12 * MIN,
                    facts: vec![fact("reason", "left on a train to Bergen"), fact("device.name", "LAPTOP-PRIYA"), fact("device.platform", "ios"), fact("device.owner", "Priya Raman"), fact("device.compliance", "compliant")],
                },
                EvidenceGroup {
                    title: self.t("ticket.create answered"),
                    at_ms: self.now_ms - 12 * MIN,
                    facts: vec![fact("number", "4711"), fact("title", "Lost device: LAPTOP-PRIYA")],
                },
                EvidenceGroup {
                    title: self.t("intune.remote_lock was performed"),
                    at_ms: self.now_ms - 11 * MIN,
                    facts: vec![fact("state", "the lock was accepted and not yet confirmed by the device")],
                },
            ],
            votes: vec![
                Vote {
                    by: self.t("eli.novak@msp.example"),
                    approve: true,
                    answer: None,
                    comment: Some(self.t("Spoke to Priya. The laptop is gone, and it holds customer data.")),
                    how: self.t("for dana.kim@msp.example, who is away"),
                    at_ms: self.now_ms - 4 * MIN,
                    refused: None,
                },
                Vote {
                    by: self.t("finn.murphy@msp.example"),
                    approve: true,
                    answer: None,
                    comment: None,
                    how: String::new(),
                    at_ms: self.now_ms - 9 * MIN,
                    refused: Some(self.t("finn.murphy@msp.example started the run")),
                },
            ],
            eligible: vec![self.t("dana.kim@msp.example")],
            excluded: vec![(self.t("finn.murphy@msp.example"), self.t("started the run"))],
            valid_for: "24h".to_owned(),
            consequences: Consequences {
                approved: self.t("LAPTOP-PRIYA is wiped at once, and the SOC is told."),
                rejected: self.t("The ticket gets a note. The device stays locked."),
                unanswered: self.t("Nothing is wiped. The leads get a mail, the ticket stays open."),
            },
            comment: self.t("Looks wrong to me"),
            error: error.map(|e| self.t(e)),
            standing,
            row,
        })
    }

    fn approval_pages(&self) -> Vec<Page> {
        let open = || self.approval_rows().remove(0);
        vec![
            (
                "approval",
                self.approval(
                    Standing::MayAnswer,
                    open(),
                    Some("To reject, say why in the comment."),
                ),
            ),
            (
                "approval-answered",
                self.approval(Standing::Answered, open(), None),
            ),
            (
                "approval-not-for-you",
                self.approval(
                    Standing::MayNot(self.t("You started this run, so you may not approve in it.")),
                    open(),
                    None,
                ),
            ),
            (
                "approval-decided",
                self.approval(
                    Standing::Over(self.t("Rejected by eli.novak@msp.example 2 days ago.")),
                    self.decided().remove(1),
                    None,
                ),
            ),
            (
                "approval-expired",
                self.approval(
                    Standing::Over(self.t("Nobody answered in time. It expired 3 days ago.")),
                    self.decided().remove(2),
                    None,
                ),
            ),
        ]
    }

    fn deploys(&self) -> String {
        render(&pages::DeploysPage {
            chrome: self.chrome(Area::Deploys, "Deploys"),
            waiting: vec![self.deploy_row(
                15,
                "Ask one lead only before a wipe",
                "waiting",
                HOUR,
                None,
            )],
            history: self.deploy_rows(),
            folder: None,
        })
    }

    fn deploy(&self) -> String {
        let before = self.source();
        let after = before
            .replace("needs 2, within 4h", "needs 1, within 4h")
            .replace("high,", "urgent,");
        render(&pages::DeployPage {
            chrome: self.chrome(Area::Deploys, "Deploy"),
            row: self.deploy_row(15, "Ask one lead only before a wipe", "waiting", HOUR, None),
            reasons: vec![
                self.t("lost_device: the gate before intune.wipe needs 1 person instead of 2"),
                self.t("lost_device: newly acts without approval: intune.remote_lock, “a device in strange hands is locked first”"),
            ],
            files: difference(&self.t("playbooks/lost_device.play"), Some(&before), Some(&after)).into_iter().collect(),
            may_decide: true,
            may_refuse: true,
            why_not: None,
            decided_ms: None,
        })
    }

    fn audit(&self) -> String {
        let record =
            |seq, ago: i64, actor: &str, action: &str, text: &str, run: Option<&str>| AuditRow {
                seq,
                tenant: if seq % 4 == 0 {
                    String::new()
                } else {
                    self.t("contoso")
                },
                at_ms: self.now_ms - ago,
                actor: self.t(actor),
                action: action.to_owned(),
                text: self.t(text),
                run: run.map(str::to_owned),
                detail: Some(self.t("{\n  \"approval\": \"r-7f31c2:7\",\n  \"approve\": true\n}")),
            };
        render(&pages::AuditPage {
            chrome: self.chrome(Area::Audit, "Audit"),
            records: vec![
                record(
                    918,
                    4 * MIN,
                    "eli.novak@msp.example",
                    "approval.answer",
                    "approved “Wipe LAPTOP-PRIYA?”",
                    Some("r-7f31c2"),
                ),
                record(
                    917,
                    11 * MIN,
                    "counterplay",
                    "action.performed",
                    "performed intune.remote_lock(device: LAPTOP-PRIYA)",
                    Some("r-7f31c2"),
                ),
                record(
                    916,
                    12 * MIN,
                    "finn.murphy@msp.example",
                    "run.start",
                    "started lost_device",
                    Some("r-7f31c2"),
                ),
                record(
                    915,
                    HOUR,
                    "ana.ortiz@msp.example",
                    "deploy.ask",
                    "asked for revision 15: Ask one lead only before a wipe",
                    None,
                ),
                record(
                    914,
                    2 * HOUR,
                    "token:defender-export",
                    "event.accept",
                    "delivered identity.risk_detected",
                    None,
                ),
                record(
                    913,
                    DAY,
                    "dana.kim@msp.example",
                    "mode.set",
                    "set stale_account to simulate",
                    None,
                ),
            ],
            tenants: Choice::list("Every tenant", &[self.t("contoso")], None),
            actor: self.t(""),
            actions: Choice::list(
                "Anything",
                &["approval.answer", "run.start", "mode.set"],
                None,
            ),
            run: String::new(),
            filtered: false,
            paging: Paging {
                first: Some("/audit".to_owned()),
                next: Some("/audit?after=913".to_owned()),
            },
            verified: vec![
                ChainResult {
                    tenant: self.t("contoso"),
                    records: 918,
                    broken: None,
                },
                ChainResult {
                    tenant: String::new(),
                    records: 211,
                    broken: Some(self.t("record 207 was changed after it was written")),
                },
            ],
            export: "/audit/export".to_owned(),
        })
    }

    fn letter_row(
        &self,
        num: i64,
        name: Option<&str>,
        reason: &str,
        settled: Option<&str>,
    ) -> LetterRow {
        LetterRow {
            num,
            at_ms: self.now_ms - num * 3 * HOUR,
            tenant: self.t("contoso"),
            name: name.map(|n| self.t(n)),
            reason: self.t(reason),
            settled: settled.map(|s| self.t(s)),
        }
    }

    fn letters(&self) -> String {
        render(&pages::LettersPage {
            chrome: self.chrome(Area::Letters, "Dead letters"),
            letters: vec![
                self.letter_row(
                    3,
                    Some("identity.risk_detected"),
                    "riskLevel: expected one of low, medium, high; found \"severe\"",
                    None,
                ),
                self.letter_row(2, None, "no declared event has these fields", None),
                self.letter_row(
                    1,
                    Some("intune.noncompliant"),
                    "deviceId: expected a text; found nothing",
                    Some("tried again by ana.ortiz@msp.example, as event 790"),
                ),
            ],
            all: true,
            paging: Paging::default(),
        })
    }

    fn letter(&self) -> String {
        render(&pages::LetterPage {
            chrome: self.chrome(Area::Letters, "Dead letter"),
            row: self.letter_row(3, Some("identity.risk_detected"), "riskLevel: expected one of low, medium, high; found \"severe\"", None),
            payload: self.t("{\n  \"id\": \"e41f7f3a9c0d48b2a1f0\",\n  \"riskLevel\": \"severe\",\n  \"userDisplayName\": \"Priya Raman\"\n}"),
            may_operate: true,
            error: None,
        })
    }

    fn people(&self) -> String {
        let person =
            |num, name: &str, email: &str, roles: &[&str], tenants: Option<&[&str]>, me| {
                PersonRow {
                    num,
                    name: self.t(name),
                    email: self.t(email),
                    roles: roles.iter().map(|r| (*r).to_owned()).collect(),
                    tenants: tenants.map(|t| t.iter().map(|t| self.t(t)).collect()),
                    disabled: num == 4,
                    me,
                }
            };
        let token = |num, name: &str, role: &str, state: TokenState| TokenRow {
            num,
            name: self.t(name),
            role: role.to_owned(),
            tenants: Some(vec![self.t("contoso")]),
            created_by: self.t("dana.kim@msp.example"),
            expires_ms: self.now_ms + 61 * DAY,
            used_ms: (num == 1).then_some(self.now_ms - 2 * MIN),
            state,
        };
        render(&pages::PeoplePage {
            chrome: self.chrome(Area::People, "People and tokens"),
            people: vec![
                person(
                    1,
                    "Dana Kim",
                    "dana.kim@msp.example",
                    &["administrator", "approver"],
                    None,
                    true,
                ),
                person(
                    2,
                    "Eli Novak",
                    "eli.novak@msp.example",
                    &["approver"],
                    None,
                    false,
                ),
                person(
                    3,
                    "Finn Murphy",
                    "finn.murphy@msp.example",
                    &["operator"],
                    Some(&["contoso", "fabrikam"]),
                    false,
                ),
                person(
                    4,
                    "Ana Ortiz",
                    "ana.ortiz@msp.example",
                    &["author", "viewer"],
                    Some(&["contoso"]),
                    false,
                ),
            ],
            tokens: vec![
                token(1, "defender-export", "source", TokenState::Valid),
                token(2, "nightly-report", "viewer", TokenState::Expired),
                token(3, "old-ci", "author", TokenState::Revoked),
            ],
            roles: ROLES.to_vec(),
            token_roles: Choice::list(
                "Choose…",
                &["source", "viewer", "operator", "author"],
                Some("source"),
            ),
            tenants: vec![self.t("contoso"), self.t("fabrikam")],
            typed: (self.t("Chen Wu"), self.t("dana.kim@msp.example")),
            person_error: Some(
                self.t("There is a person with the address dana.kim@msp.example already."),
            ),
            token_error: None,
        })
    }

    fn secret(&self) -> String {
        render(&pages::SecretPage {
            chrome: self.chrome(Area::People, "Token"),
            what: self.t("The token defender-export"),
            secret: "cp_9f2kq7w1m4x8s0v5t3z6".to_owned(),
            usage: "Send it with each request in the header Authorization: Bearer TOKEN."
                .to_owned(),
            back: "/people".to_owned(),
        })
    }

    fn account(&self) -> String {
        render(&pages::AccountPage {
            chrome: self.chrome(Area::Account, "Account"),
            tenants: "every tenant".to_owned(),
            teams: vec![self.t("leads"), self.t("soc_leads")],
            password_min: 12,
            error: Some("The present password is wrong.".to_owned()),
            sessions: vec![
                Login {
                    created_ms: self.now_ms - 3 * HOUR,
                    seen_ms: self.now_ms,
                    this: true,
                },
                Login {
                    created_ms: self.now_ms - 2 * DAY,
                    seen_ms: self.now_ms - DAY,
                    this: false,
                },
            ],
        })
    }

    fn sources(&self) -> String {
        let poll = |event: &str, failures, error: Option<&str>, read: bool| PollRow {
            event: self.t(event),
            tenant: self.t("contoso"),
            every: "5m".to_owned(),
            polled_ms: read.then_some(self.now_ms - 2 * MIN),
            next_ms: self.now_ms + 3 * MIN,
            failures,
            error: error.map(|e| self.t(e)),
            subscription: Some(SubscriptionCell {
                until_ms: error.is_none().then_some(self.now_ms + DAY),
                error: error.map(|e| self.t(e)),
            }),
        };
        let connection = |name: &str, base: &str, state: &str, error: Option<&str>| ConnectionRow {
            name: self.t(name),
            base: self.t(base),
            auth: "OAuth2 client credentials".to_owned(),
            state: state.to_owned(),
            ok_ms: (state == "ok").then_some(self.now_ms - MIN),
            error: error.map(|e| self.t(e)),
            stopped: error
                .map(|e| StoppedRow {
                    tenant: self.t("contoso"),
                    next_ms: self.now_ms + MIN,
                    reason: self.t(e),
                })
                .into_iter()
                .collect(),
        };
        render(&pages::SourcesPage {
            pauses: vec![PauseRow {
                what: self.t("the tenant contoso"),
                value: "tenant contoso".to_owned(),
                by: self.t("ana.ortiz@msp.example"),
                at_ms: self.now_ms - 5 * MIN,
                why: Some(self.t("the directory answers nonsense")),
                under_way: 1,
                may: true,
            }],
            pausable: vec![Choice {
                value: "all".to_owned(),
                label: "everything".to_owned(),
                chosen: false,
            }],
            may_confirm: true,
            chrome: Chrome {
                paused: vec![self.t(
                    "the tenant contoso (by ana.ortiz@msp.example: the directory answers nonsense)",
                )],
                clock: Some(self.t("the clock went forward by 60d at once")),
                ..self.chrome(Area::Sources, "Sources")
            },
            service: vec![
                ("Version".into(), "0.1.0".into()),
                (
                    "Database".into(),
                    self.t("/var/lib/counterplay/store.db, 48 MB"),
                ),
            ],
            problem: Some(self.t("The store’s file was removed or replaced.")),
            polls: vec![
                poll("identity.risk_detected", 0, None, true),
                poll(
                    "intune.noncompliant",
                    4,
                    Some("401: the client secret has expired"),
                    true,
                ),
                poll("exchange.rule_created", 0, None, false),
            ],
            webhooks: vec![WebhookRow {
                name: self.t("helpdesk"),
                playbooks: vec![self.t("lost_device")],
                last_ms: Some(self.now_ms - 17 * MIN),
                refused: Some(self.t("3 in the last hour: the signature does not fit")),
            }],
            connections: vec![
                connection("graph", "https://graph.microsoft.com/v1.0", "ok", None),
                connection(
                    "halopsa",
                    "https://msp.halopsa.example",
                    "failing",
                    Some("connection refused"),
                ),
                connection("teams", "from a secret", "not used yet", None),
            ],
        })
    }

    fn sources_empty(&self) -> String {
        render(&pages::SourcesPage {
            pauses: Vec::new(),
            pausable: vec![Choice {
                value: "all".to_owned(),
                label: "everything".to_owned(),
                chosen: false,
            }],
            may_confirm: true,
            chrome: self.chrome(Area::Sources, "Sources"),
            service: vec![("Version".into(), "0.1.0".into())],
            problem: None,
            polls: vec![],
            webhooks: vec![],
            connections: vec![],
        })
    }

    fn archived(&self) -> String {
        let mut rows = self.run_rows();
        render(&pages::ArchivedPage {
            chrome: self.chrome(Area::Runs, "Archived run"),
            run: rows.swap_remove(0),
            outcome: Some(self.t("Completed with failures")),
            archived_ms: self.now_ms,
            may_audit: true,
        })
    }

    fn error(&self) -> String {
        render(&pages::ErrorPage {
            chrome: self.chrome(Area::Elsewhere, "Not found"),
            status: 404,
            title: self.t("There is no such run"),
            detail: self.t(
                "No run has the id r-000000, or it belongs to a tenant that you may not look at.",
            ),
            way_out: Some(("/runs".to_owned(), "To the list of runs".to_owned())),
        })
    }
}
