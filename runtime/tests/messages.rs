//! Messages about approvals, over a real mail server and real webhooks of the sandbox.

mod support;

use counterplay_machine::deployment::{ConnectionSettings, Deployment, Mode};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{NodeKind, Playbook};
use counterplay_machine::state::Outcome;
use counterplay_machine::{Program, Value};
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Connectors, MasterKey, MemorySecrets};
use counterplay_runtime::engine::{Engine, EngineOptions, Ids, Notice, Until};
use counterplay_runtime::store::{
    Channel, Crash, Message, MessageState, RunFilter, Store, StoreError, StoreOptions,
};
use counterplay_sandbox::{ChatMessage, ChatService, Fault, FaultKind, Mail, Options, Sandbox};
use serde_json::Value as Json;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use support::connector::{Answer, Fake};
use support::{HOUR, START, alert, project};
use tempfile::TempDir;

const BASE: &str = "https://play.example/";
const HOSTILE: &str = "<https://evil|click> *bold* [x](http://evil) <script>alert(1)</script> <!channel> & \u{202e}gpj.exe\r\nX: y";
const HARMLESS: &str = "<https[:]//evil|click> *bold* [x](http[:]//evil) <script>alert(1)</script> <!channel> & gpj.exe X: y";

/// Real time as the engine sees it, moved by hand.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    fn sleep(&self, _ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn skip_to(&self, ms: i64) {
        self.0.fetch_max(ms, Ordering::SeqCst);
    }
}

/// Messages go out for real; the playbook's own calls are answered from a script.
struct Both {
    fake: Arc<Fake>,
    real: Connectors,
}

impl Connector for Both {
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>> {
        if request.callable.starts_with("approval.") {
            self.real.call(request)
        } else {
            self.fake.call(request)
        }
    }
}

struct World {
    folder: TempDir,
    clock: Arc<dyn Clock>,
    fake: Arc<Fake>,
    program: Program,
    deployment: Deployment,
    base: Option<String>,
    sandbox: Sandbox,
}

impl World {
    async fn new() -> World {
        let sandbox = Sandbox::start(Options::default()).await.expect("a sandbox");
        let mut deployment = support::deployment();
        let team = deployment.teams.get_mut("soc").expect("the team");
        team.email = Some("soc@soc.example".into());
        team.teams_webhook = Some("soc-teams".into());
        team.slack_webhook = Some("soc-slack".into());
        let open = ConnectionSettings {
            allow_private: true,
            ..ConnectionSettings::default()
        };
        for chat in ["teams", "slack"] {
            deployment.connections.insert(chat.into(), open.clone());
        }
        let mail = ConnectionSettings {
            base: Some(format!("smtp://{}", sandbox.smtp_addr())),
            from: Some("play@soc.example".into()),
            tls: Some("none".into()),
            ..open
        };
        deployment.connections.insert("mail".into(), mail);
        World {
            folder: tempfile::tempdir().expect("a folder"),
            clock: Arc::new(HandClock(AtomicI64::new(START))),
            fake: Arc::default(),
            program: project::respond(),
            deployment,
            base: Some(BASE.into()),
            sandbox,
        }
    }

    fn playbook(&mut self) -> &mut Playbook {
        self.program
            .playbooks
            .get_mut("respond")
            .expect("the playbook")
    }

    fn store(&self, crash: Option<Crash>) -> Store {
        let options = StoreOptions {
            crash,
            ..StoreOptions::default()
        };
        Store::open_with(self.folder.path().join("store.db"), options).expect("the store opens")
    }

    async fn open(&self, store: Store) -> Result<Engine, String> {
        let url = self.sandbox.base_url();
        let secrets = MemorySecrets::new([
            (
                "soc-teams",
                format!("{url}/teams/soc/sandbox-teams-key").as_str(),
            ),
            (
                "soc-slack",
                format!("{url}/slack/services/T0CONTOSO/B0SOC/sandbox-slack-key").as_str(),
            ),
        ]);
        let key = MasterKey::from_bytes([9; 32]);
        let real = Connectors::new(
            self.deployment.clone(),
            Arc::new(secrets),
            key,
            self.clock.clone(),
        );
        let connector = Both {
            fake: self.fake.clone(),
            real: real.expect("an HTTP client"),
        };
        let mut options = EngineOptions::new(
            Arc::new(self.program.clone()),
            self.deployment.clone(),
            store,
            Arc::new(connector),
            self.clock.clone(),
        );
        options.ids = Ids::seeded(1);
        options.schedules = false;
        options.link_base = self.base.clone();
        Engine::open(options).await.map_err(|e| e.to_string())
    }

    async fn engine(&self) -> Engine {
        self.open(self.store(None)).await.expect("the engine opens")
    }

    /// Drives a run to its question. Those who are asked are told on the way.
    async fn ask(&self, engine: &Engine) -> Result<(), String> {
        let said = |e: &dyn std::fmt::Display| e.to_string();
        if engine
            .store()
            .events(1)
            .await
            .map_err(|e| said(&e))?
            .is_empty()
        {
            engine.accept(alert(5, "u1")).await.map_err(|e| said(&e))?;
        }
        engine.run(Until::Settled).await.map_err(|e| said(&e))?;
        self.clock.skip_to(START + 4 * HOUR);
        engine.run(Until::Settled).await.map_err(|e| said(&e))?;
        Ok(())
    }

    /// What there is about the run's approval.
    async fn messages(&self, engine: &Engine) -> Vec<Message> {
        let run = engine
            .store()
            .runs(RunFilter::default())
            .await
            .expect("readable")
            .remove(0);
        let approval = format!("{}:8", run.id);
        let mut messages = engine.store().messages(&approval).await.expect("readable");
        messages.retain(|m| m.channel != Channel::Reminder);
        messages
    }

    async fn drive(&self, engine: &Engine, skip_ms: i64) {
        self.clock.skip_to(self.clock.now_ms() + skip_ms);
        engine.run(Until::Settled).await.expect("driven");
    }

    fn mails(&self) -> Vec<Mail> {
        let mut mails = self.sandbox.state().mails;
        mails.sort_by(|a, b| a.to.cmp(&b.to));
        mails
    }

    fn chat(&self, service: ChatService) -> Vec<ChatMessage> {
        let chat = self.sandbox.state().chat;
        chat.into_iter().filter(|m| m.service == service).collect()
    }

    /// A question, an owner and a title of other people's making; the owner's address is Ann's.
    fn make_hostile(&mut self) {
        let owner = Value::record(
            "User",
            [
                ("id", Value::text("u1")),
                ("name", Value::text(HOSTILE)),
                ("enabled", Value::Bool(true)),
                ("email", Value::text("ANN@soc.example")),
            ],
        );
        self.fake
            .next("ask.owner", Answer::Outcome(CallOutcome::Done(owner)));
        let playbook = self.playbook();
        playbook.title = HOSTILE.into();
        for node in playbook.graph.node_weights_mut() {
            if let NodeKind::Approve(approve) = &mut node.kind {
                approve.question = project::text(HOSTILE);
            }
        }
    }
}

fn recipients(messages: &[Message]) -> Vec<(Channel, &str)> {
    messages
        .iter()
        .map(|m| (m.channel, m.recipient.as_str()))
        .collect()
}

#[tokio::test]
async fn everyone_who_may_answer_is_shown_the_way() {
    let world = World::new().await;
    let engine = world.engine().await;
    let mut watch = engine.watch();
    world.ask(&engine).await.expect("asked");

    let messages = world.messages(&engine).await;
    assert_eq!(
        recipients(&messages),
        [
            (Channel::Mail, "ann@soc.example"),
            (Channel::Mail, "bob@soc.example"),
            (Channel::Mail, "soc@soc.example"),
            (Channel::Teams, "soc"),
            (Channel::Slack, "soc"),
        ]
    );
    for message in &messages {
        assert_eq!(
            (message.state, message.attempts, message.begun),
            (MessageState::Sent, 1, false),
            "{message:?}"
        );
        assert_eq!(
            (message.ended_ms, message.error.as_deref()),
            (Some(START + 4 * HOUR), None)
        );
    }
    let mut told = Vec::new();
    while let Ok(notice) = watch.try_recv() {
        if let Notice::Told(message) = notice {
            told.push(*message);
        }
    }
    told.sort_by_key(|m| m.num);
    assert_eq!(told, messages);

    let approval = messages[0].approval.clone();
    let run = messages[0].run.clone();
    assert_eq!(messages[0].tenant, "acme");
    let url = format!("https://play.example/approvals/{run}%3A8");
    let mails = world.mails();
    let to: Vec<&str> = mails.iter().map(|m| m.to[0].as_str()).collect();
    assert_eq!(
        to,
        ["ann@soc.example", "bob@soc.example", "soc@soc.example"]
    );
    assert!(mails.iter().all(|m| m.to.len() == 1 && m.html.is_none()));
    assert_eq!(mails[0].subject, "Approval needed: Wipe it?");
    let expected = format!(
        "Wipe it?\n\n\
         Playbook: respond (respond)\n\
         Tenant: acme\n\
         What will be done: wipe\n\
         To: User u1\n\
         Why it was started:\n  \
         - test.alert at Sun 22 Nov 2026, 08:00 (Europe/London, UTC+00:00), run {run}\n  \
         - alert.level >= 3\n  \
         - alert.owner.enabled\n\
         Answer by: Sun 22 Nov 2026, 20:00 (Europe/London, UTC+00:00)\n\
         Who may answer:\n  \
         - ann@soc.example\n  \
         - bob@soc.example\n\
         Needed: one of them\n\n\
         {url}\n\n\
         Opening this link decides nothing; you will be asked to log in."
    );
    assert_eq!(mails[0].text.trim().replace("\r\n", "\n"), expected);

    let card = world.chat(ChatService::Teams).remove(0);
    assert_eq!(card.target, "soc");
    let content = &card.body["attachments"][0]["content"];
    assert_eq!(
        content["actions"],
        serde_json::json!([{ "type": "Action.OpenUrl", "title": "Open the approval", "url": url }])
    );
    assert!(
        card.text.contains("Wipe it?") && card.text.contains("decides nothing"),
        "{}",
        card.text
    );
    let post = world.chat(ChatService::Slack).remove(0);
    assert_eq!(
        post.text,
        format!("Approval needed: Wipe it?\n{url}").as_str()
    );
    assert!(
        texts(&post.body["blocks"], "mrkdwn").contains(&format!("<{url}|Open the approval>")),
        "{}",
        post.body
    );

    // Nothing is left to be sent, and the run goes on as ever.
    engine
        .vote(&approval, "ann@soc.example", true, None)
        .await
        .expect("taken");
    world.drive(&engine, HOUR).await;
    assert_eq!(world.mails().len(), 3);
    let ended = engine
        .store()
        .runs(RunFilter::default())
        .await
        .expect("readable")
        .remove(0);
    assert_eq!(ended.outcome, Some(Outcome::Completed));
    world.sandbox.stop().await;
}

/// Every text of a Slack or card object of this type, in order.
fn texts(json: &Json, kind: &str) -> Vec<String> {
    let mut out = Vec::new();
    match json {
        Json::Array(items) => items.iter().for_each(|i| out.extend(texts(i, kind))),
        Json::Object(map) => {
            if let (Some(Json::String(text)), true) = (
                map.get("text"),
                map.get("type").and_then(Json::as_str) == Some(kind),
            ) {
                out.push(text.clone());
            }
            map.values().for_each(|v| out.extend(texts(v, kind)));
        }
        _ => {}
    }
    out
}

#[tokio::test]
async fn what_others_wrote_is_shown_as_text() {
    let mut world = World::new().await;
    world.make_hostile();
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");

    let mails = world.mails();
    // The alert is about Ann: she is not asked. Titles and names reach everyone else.
    let to: Vec<&str> = mails.iter().map(|m| m.to[0].as_str()).collect();
    assert_eq!(to, ["bob@soc.example", "soc@soc.example"]);
    let text = mails[0].text.replace("\r\n", "\n");
    assert!(text.starts_with(&format!("{HARMLESS}\n")), "{text}");
    assert!(text.contains(&format!("To: {HARMLESS}\n")), "{text}");
    assert_eq!(
        text.matches("://").count(),
        1,
        "ours is the only address: {text}"
    );
    let subject = &mails[0].subject;
    assert!(
        subject.starts_with("Approval needed: <https[:]//evil|click> *bold*"),
        "{subject}"
    );
    assert!(
        subject.ends_with('…') && subject.chars().count() <= 97,
        "{subject}"
    );
    assert!(!subject.contains(['\u{202e}', '\n', '\r']));

    let card = world.chat(ChatService::Teams).remove(0);
    let content = &card.body["attachments"][0]["content"];
    // Runs of text are the only texts: they read no Markdown.
    assert!(
        texts(content, "TextRun").contains(&HARMLESS.to_owned()),
        "{content}"
    );
    assert!(texts(content, "TextBlock").is_empty(), "{content}");
    assert!(content.get("msteams").is_none() && !content.to_string().contains("\"facts\""));

    let post = world.chat(ChatService::Slack).remove(0);
    let escaped = HARMLESS
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let plain = texts(&post.body["blocks"], "plain_text").join("\n");
    assert!(plain.contains(&format!("To: {escaped}")), "{plain}");
    assert!(
        !plain.contains(['<', '>']) && !post.text.contains(['<', '>']),
        "{}",
        post.body
    );
    assert_eq!(post.body["mrkdwn"], false);
    let links = texts(&post.body["blocks"], "mrkdwn");
    assert_eq!(links.len(), 1);
    assert!(
        links[0].starts_with("<https://play.example/approvals/r-"),
        "{links:?}"
    );
    world.sandbox.stop().await;
}

#[tokio::test]
async fn a_person_who_is_asked_gets_a_mail_and_no_channel_hears_of_it() {
    let mut world = World::new().await;
    let eve = Value::record("User", [("email", Value::text("eve@acme.example"))]);
    for node in world.playbook().graph.node_weights_mut() {
        if let NodeKind::Approve(approve) = &mut node.kind {
            approve.by = Expr::Const(eve.clone());
        }
    }
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let messages = world.messages(&engine).await;
    assert_eq!(recipients(&messages), [(Channel::Mail, "eve@acme.example")]);
    let mails = world.mails();
    assert_eq!(mails.len(), 1);
    assert!(
        mails[0].text.contains("Who may answer: eve@acme.example"),
        "{}",
        mails[0].text
    );
    assert!(world.sandbox.state().chat.is_empty());
    world.sandbox.stop().await;
}

#[tokio::test]
async fn nobody_is_told_of_what_is_only_simulated() {
    for case in ["simulated", "no address", "virtual clock"] {
        let mut world = World::new().await;
        match case {
            "simulated" => world.playbook().mode = Mode::Simulate,
            "no address" => world.base = None,
            _ => world.clock = Arc::new(VirtualClock::at(START)),
        }
        let engine = world.engine().await;
        world.ask(&engine).await.expect("asked");
        assert_eq!(
            engine.store().approvals().await.expect("readable").len(),
            1,
            "{case}"
        );
        assert_eq!(world.messages(&engine).await, [], "{case}");
        assert!(
            world.mails().is_empty() && world.sandbox.state().chat.is_empty(),
            "{case}"
        );
        world.sandbox.stop().await;
    }
}

#[tokio::test]
async fn a_mail_server_that_is_away_is_tried_again_and_holds_nobody_up() {
    let mut world = World::new().await;
    let there = world.sandbox.smtp_addr();
    // A port that was free a moment ago.
    let away = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port");
    let set = |world: &mut World, address| {
        let mail = world.deployment.connections.get_mut("mail").expect("mail");
        mail.base = Some(format!("smtp://{address}"));
    };
    set(&mut world, away);
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let messages = world.messages(&engine).await;
    let asked = START + 4 * HOUR;
    for mail in messages.iter().filter(|m| m.channel == Channel::Mail) {
        assert_eq!(
            (mail.state, mail.attempts, mail.begun, mail.next_ms),
            (MessageState::Waiting, 1, false, asked + 5_000)
        );
        let error = mail.error.as_deref().unwrap_or_default();
        assert!(
            error.starts_with("127.0.0.1 could not be reached"),
            "{error}"
        );
    }
    // The channels have heard of it.
    assert_eq!(world.sandbox.state().chat.len(), 2);
    engine.run(Until::Settled).await.expect("driven");
    assert_eq!(
        world.messages(&engine).await,
        messages,
        "nothing before its time"
    );
    world.drive(&engine, 5_000).await;
    let again = world.messages(&engine).await;
    assert_eq!(
        (again[0].attempts, again[0].next_ms),
        (2, asked + 5_000 + 10_000)
    );
    drop(engine);

    set(&mut world, there);
    let engine = world.engine().await;
    world.drive(&engine, 10_000).await;
    let sent = world.messages(&engine).await;
    assert!(
        sent.iter().all(|m| m.state == MessageState::Sent),
        "{sent:?}"
    );
    let mails = world.mails();
    assert_eq!(mails.len(), 3);
    assert!(
        mails
            .iter()
            .all(|m| m.subject == "Approval needed: Wipe it?")
    );
    world.sandbox.stop().await;
}

#[tokio::test]
async fn what_is_not_set_up_is_said_once() {
    let mut world = World::new().await;
    world.deployment.connections.remove("mail");
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let messages = world.messages(&engine).await;
    let mails: Vec<&Message> = messages
        .iter()
        .filter(|m| m.channel == Channel::Mail)
        .collect();
    assert_eq!(mails.len(), 3);
    for mail in mails {
        assert_eq!((mail.state, mail.attempts), (MessageState::GivenUp, 0));
        let error = mail.error.as_deref().unwrap_or_default();
        assert!(error.contains("[connections.mail]"), "{error}");
    }
    assert_eq!(world.sandbox.state().chat.len(), 2);
    world.sandbox.stop().await;
}

#[tokio::test]
async fn a_channel_that_a_team_has_left_is_not_tried_again() {
    let mut world = World::new().await;
    world.sandbox.inject(Fault {
        method: None,
        path_contains: "/teams".into(),
        times: 1,
        kind: FaultKind::DropConnection,
    });
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let waiting = world.messages(&engine).await.remove(3);
    assert_eq!(
        (waiting.channel, waiting.state),
        (Channel::Teams, MessageState::Waiting)
    );
    drop(engine);
    let team = world.deployment.teams.get_mut("soc").expect("the team");
    team.teams_webhook = None;
    let engine = world.engine().await;
    world.drive(&engine, 5_000).await;
    let left = world.messages(&engine).await.remove(3);
    assert_eq!(
        (left.state, left.error.as_deref()),
        (
            MessageState::GivenUp,
            Some("the team `soc` no longer has a channel in Teams")
        )
    );
    world.sandbox.stop().await;
}

#[tokio::test]
async fn after_an_hour_of_trying_a_message_is_given_up_and_the_approval_stays_open() {
    let world = World::new().await;
    let refusal = FaultKind::Status {
        status: 500,
        code: "x".into(),
        message: "x".into(),
    };
    world.sandbox.inject(Fault {
        method: None,
        path_contains: "/slack".into(),
        times: 1_000,
        kind: refusal,
    });
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let slack = async || world.messages(&engine).await.pop().expect("messages");
    let mut attempts = 1;
    while slack().await.state == MessageState::Waiting {
        assert_eq!(slack().await.attempts, attempts);
        assert!(attempts < 100, "it never ends");
        world.drive(&engine, 300_000).await;
        attempts += 1;
    }
    let given_up = slack().await;
    assert_eq!(
        (given_up.channel, given_up.state, given_up.attempts),
        (Channel::Slack, MessageState::GivenUp, attempts)
    );
    let ended = given_up.ended_ms.expect("an end");
    assert!(
        ended <= START + 5 * HOUR && ended > START + 4 * HOUR + HOUR / 2,
        "{given_up:?}"
    );
    assert!(given_up.error.is_some_and(|e| e.contains("500")));
    assert_eq!(
        engine.store().approvals().await.expect("readable").len(),
        1,
        "it can still be answered"
    );
    world.sandbox.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_after_the_decision() {
    let mut world = World::new().await;
    let mail = world.deployment.connections.get_mut("mail").expect("mail");
    let there = mail.base.replace("smtp://127.0.0.1:1".into());
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let approval = world.messages(&engine).await[0].approval.clone();
    engine
        .vote(&approval, "bob@soc.example", false, None)
        .await
        .expect("taken");
    engine.run(Until::Settled).await.expect("driven");
    drop(engine);
    world
        .deployment
        .connections
        .get_mut("mail")
        .expect("mail")
        .base = there;
    let engine = world.engine().await;
    world.drive(&engine, 5_000).await;
    for message in world.messages(&engine).await {
        let expected = match message.channel {
            Channel::Mail => (
                MessageState::GivenUp,
                Some("the approval is no longer open"),
            ),
            _ => (MessageState::Sent, None),
        };
        assert_eq!((message.state, message.error.as_deref()), expected);
    }
    assert!(world.mails().is_empty());
    world.sandbox.stop().await;
}

#[tokio::test]
async fn a_crash_at_any_commit_loses_no_message() {
    let whole = World::new().await;
    let engine = whole.engine().await;
    whole.ask(&engine).await.expect("asked");
    let commits = engine.store().commits();
    assert!(commits > 8, "{commits}");
    let mut again = 0;
    for commit in 1..=commits {
        for kind in [Crash::After(commit), Crash::Instead(commit - 1)] {
            let world = World::new().await;
            let ended = match world.open(world.store(Some(kind))).await {
                Ok(engine) => world.ask(&engine).await,
                Err(error) => Err(error),
            };
            if let Err(error) = ended {
                assert_eq!(error, StoreError::Stopped.to_string());
            }
            let engine = world.engine().await;
            world.ask(&engine).await.expect("asked");
            if engine
                .store()
                .approvals()
                .await
                .expect("readable")
                .is_empty()
            {
                // The crash fell on an action that is not repeated: there is no question.
                continue;
            }
            let messages = world.messages(&engine).await;
            assert_eq!(messages.len(), 5, "{kind:?}");
            assert!(
                messages
                    .iter()
                    .all(|m| m.state == MessageState::Sent && !m.begun),
                "{kind:?}: {messages:?}"
            );
            let mails = world.mails();
            for person in ["ann@soc.example", "bob@soc.example", "soc@soc.example"] {
                let got: Vec<&Mail> = mails.iter().filter(|m| m.to == [person]).collect();
                assert!(
                    !got.is_empty() && got.len() <= 2,
                    "{kind:?}: {person} got {}",
                    got.len()
                );
                if let [first, second] = got[..] {
                    again += 1;
                    assert_eq!(first.message_id, second.message_id, "{kind:?}");
                    assert!(
                        second.subject.starts_with("[sent again"),
                        "{kind:?}: {}",
                        second.subject
                    );
                }
            }
            for service in [ChatService::Teams, ChatService::Slack] {
                assert!(!world.chat(service).is_empty(), "{kind:?}");
            }
            world.sandbox.stop().await;
        }
    }
    assert!(again > 0, "no crash fell between a mail and its commit");
    whole.sandbox.stop().await;
}

#[tokio::test]
async fn who_has_not_answered_is_reminded_once() {
    let mut world = World::new().await;
    for node in world.playbook().graph.node_weights_mut() {
        if let NodeKind::Approve(approve) = &mut node.kind {
            approve.needs = 2;
        }
    }
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    assert_eq!(world.mails().len(), 3);
    let approval = world.messages(&engine).await[0].approval.clone();
    let ann = engine.vote(&approval, "ann@soc.example", true, None);
    ann.await.expect("taken");
    // Eight hours are given; after four Bob is reminded, and Ann and the team are left alone.
    world.drive(&engine, 4 * HOUR - 1).await;
    assert_eq!(world.mails().len(), 3);
    world.drive(&engine, 1).await;
    let mails = world.mails();
    let again: Vec<(&str, &str)> = mails
        .iter()
        .filter(|m| m.subject.starts_with("Reminder: "))
        .map(|m| (m.to[0].as_str(), m.subject.as_str()))
        .collect();
    assert_eq!(
        again,
        [("bob@soc.example", "Reminder: Approval needed: Wipe it?")]
    );
    let bob = engine.vote(&approval, "bob@soc.example", true, None);
    bob.await.expect("taken");
    world.drive(&engine, 6 * HOUR).await;
    assert_eq!(world.mails().len(), 4);
    let all = engine.store().messages(&approval).await.expect("readable");
    let reminders = all.iter().filter(|m| m.channel == Channel::Reminder);
    let reminders: Vec<(&str, MessageState)> =
        reminders.map(|m| (m.recipient.as_str(), m.state)).collect();
    assert_eq!(
        reminders,
        [("bob@soc.example", MessageState::Sent)],
        "Ann's is gone"
    );
    world.sandbox.stop().await;
}

#[tokio::test]
async fn nobody_is_reminded_of_what_is_over() {
    let world = World::new().await;
    let engine = world.engine().await;
    world.ask(&engine).await.expect("asked");
    let approval = world.messages(&engine).await[0].approval.clone();
    let ann = engine.vote(&approval, "ann@soc.example", true, None);
    ann.await.expect("taken");
    world.drive(&engine, 7 * HOUR).await;
    assert_eq!(world.mails().len(), 3);
    let all = engine.store().messages(&approval).await.expect("readable");
    assert!(all.iter().all(|m| m.channel != Channel::Reminder));
    world.sandbox.stop().await;
}
