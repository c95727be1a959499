//! `counterplay demo`: nothing in; real responses against a made-up tenant, told for a newcomer, out.

pub mod changes;
pub mod promise;
pub mod stage;
pub mod steps;
pub mod world;

use crate::args::DemoArgs;
use crate::choose;
use crate::error::{FOUND, Failure, INTERRUPTED, OK, Outcome};
use crate::lookup::failed;
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, paint};
use crate::{built_in, project, runs, show, signal, view};
use counterplay_runtime::store::RunFilter;
use counterplay_runtime::timeline::{Line, LineKind};
use counterplay_sandbox::Tenant;
use serde_json::Value as Json;
use stage::{Stage, cut};
use world::World;

/// The most of a step that the journals at the end show.
const TEXT_WIDTH: usize = 60;
/// The most of what became of it.
const RESULT_WIDTH: usize = 36;

/// Shows Counterplay at work.
///
/// # Errors
/// When the demo cannot start or breaks off.
pub async fn demo(args: DemoArgs) -> Outcome {
    tokio::select! {
        outcome = play(&args) => outcome,
        () = signal::stop() => {
            out::line("\nThe demo was stopped. Nothing outside of it was touched.")?;
            Ok(INTERRUPTED)
        }
    }
}

async fn play(args: &DemoArgs) -> Outcome {
    let project = choose::without_errors(project::built_in())?;
    let mut world = World::start(&project, Stage::new(args)).await?;
    let before = world.sandbox.state();
    opening(world.stage()).await?;
    compromise(&mut world).await?;
    nobody_answers(&mut world).await?;
    let approved = leaver(&mut world).await?;
    let after = world.sandbox.state();
    changed(&world, &before, &after).await?;
    timelines(&world).await?;
    let broken = promise::broken(&after, approved);
    closing(world.stage(), &broken, approved).await?;
    world.sandbox.stop().await;
    Ok(if broken.is_empty() { OK } else { FOUND })
}

async fn opening(stage: &Stage) -> Result<(), Failure> {
    stage
        .line(paint(
            HEAD,
            "Counterplay: automated incident response for Microsoft 365",
        ))
        .await?;
    stage.line("").await?;
    stage.say("Contoso is a made-up company. Its directory, mailboxes, service desk, chat and mail run inside this").await?;
    stage.say("process, on the same wire format as the real services. The playbooks that act on it are the ones that").await?;
    stage
        .say("ship; nothing outside of this process is touched.")
        .await?;
    Ok(())
}

async fn compromise(world: &mut World) -> Result<(), Failure> {
    world.stage().chapter(1, "An account is taken over").await?;
    let event = sample("risk-detection.json")?;
    let at = |key: &str| event[key].as_str().unwrap_or("?").to_owned();
    let detection = format!(
        "Entra ID Protection reports a sign-in of {} from an anonymous address in {} ({}), risk {}.",
        paint(NAME, at("userDisplayName")),
        event["location"]["city"]
            .as_str()
            .unwrap_or("an unknown place"),
        at("ipAddress"),
        paint(BAD, at("riskLevel")),
    );
    world.stage().say(&detection).await?;
    world.event(event.clone()).await?;
    world.settle().await?;
    world
        .stage()
        .say("The same detection comes in again, with another id:")
        .await?;
    let mut again = event;
    again["id"] = Json::from("e41f7f3a9c0d48b2a1f1");
    world.event(again).await?;
    world.settle().await?;
    world
        .stage()
        .say("Her mailbox has a new rule that sends invoices to a stranger:")
        .await?;
    world.event(sample("forwarding-rule.json")?).await?;
    world.settle().await?;
    Ok(())
}

async fn nobody_answers(world: &mut World) -> Result<(), Failure> {
    world.stage().chapter(2, "Nobody takes the ticket").await?;
    world.stage().say("The run waits; it would survive a restart of this machine. Its clock is sped up for you.").await?;
    world.see_through().await?;
    Ok(())
}

async fn leaver(world: &mut World) -> Result<bool, Failure> {
    world.stage().chapter(3, "Somebody has left").await?;
    world.stage().say("Every morning, accounts that nobody has used for 90 days are looked up. Closing one needs a person's yes.").await?;
    let ticked = world
        .engine
        .tick_now("stale_account", "contoso", None)
        .await;
    ticked.map_err(|e| Failure::refused(format!("the schedule could not be fired: {e}")))?;
    world.see_through().await
}

fn sample(name: &str) -> Result<Json, Failure> {
    let text = built_in::event(name).unwrap_or("");
    serde_json::from_str(text)
        .map_err(|e| Failure::refused(format!("the sample event {name} cannot be read: {e}")))
}

async fn changed(world: &World, before: &Tenant, after: &Tenant) -> Result<(), Failure> {
    let stage = world.stage();
    stage.line("").await?;
    stage.line(paint(HEAD, "What changed at Contoso")).await?;
    let changes = changes::between(before, after);
    let width = changes
        .iter()
        .map(|c| c.about.chars().count())
        .max()
        .unwrap_or(0);
    for change in changes {
        let fill = " ".repeat(width.saturating_sub(change.about.chars().count()));
        let text = format!(
            "{}{fill}  {}",
            paint(NAME, &change.about),
            out::harmless(&change.what)
        );
        stage.say(&text).await?;
    }
    Ok(())
}

async fn timelines(world: &World) -> Result<(), Failure> {
    let stage = world.stage();
    let store = world.engine.store();
    let mut list = store.runs(RunFilter::default()).await.map_err(failed)?;
    list.reverse();
    stage.line("").await?;
    stage
        .line(paint(
            HEAD,
            "The journal of each run, in short; for runs of your own, `counterplay show RUN` prints all of it",
        ))
        .await?;
    for info in list {
        let Some(detail) = store.run_detail(&info.id).await.map_err(failed)? else {
            continue;
        };
        let title = detail.program.playbooks.get(&detail.run.playbook);
        let title = title.map_or(info.playbook.as_str(), |p| &p.title);
        let (status, style) = runs::status(&info);
        let records = out::count(detail.journal.len(), "record");
        stage.line("").await?;
        stage
            .line(format!(
                "  {}  {}, {}",
                paint(HEAD, title),
                paint(style, status),
                paint(QUIET, format!("{records}, {}", info.id)),
            ))
            .await?;
        out::text(view::timeline(&brief(show::lines(&detail))))?;
    }
    Ok(())
}

/// What was done, asked of people and waited for; questions to systems are left out and long texts cut.
fn brief(lines: Vec<Line>) -> Vec<Line> {
    let background = |kind| matches!(kind, LineKind::Query | LineKind::Branch | LineKind::Fork);
    lines
        .into_iter()
        .filter(|line| !background(line.kind))
        .map(|line| Line {
            text: cut(&line.text, TEXT_WIDTH),
            result: line.result.map(|result| cut(&result, RESULT_WIDTH)),
            depth: 0,
            ..line
        })
        .collect()
}

async fn closing(stage: &Stage, broken: &[String], approved: bool) -> Result<(), Failure> {
    stage.line("").await?;
    if broken.is_empty() {
        let text = if approved {
            "Contoso is as the playbooks promise: the account is contained, the leads know, the leaver's mail is kept."
        } else {
            "Contoso is as the playbooks promise: the account is contained, the leads know, and what you rejected was left alone."
        };
        stage.line(paint(GOOD, text)).await?;
    } else {
        stage
            .line(paint(
                BAD,
                "This is not what the playbooks promise. Not so:",
            ))
            .await?;
        for promise in broken {
            stage.say(&paint(BAD, promise)).await?;
        }
    }
    stage.line("").await?;
    stage.line(paint(HEAD, "Where to look next")).await?;
    for (command, why) in [
        (
            "counterplay graph compromised_user",
            "the state machine that you saw at work",
        ),
        (
            "counterplay simulate stale_account",
            "60 days in a moment, nothing is changed",
        ),
        (
            "counterplay check examples/lost-device",
            "a playbook of your own, checked",
        ),
        ("counterplay sandbox", "this company, to try things on"),
        ("counterplay --help", "everything else"),
    ] {
        stage
            .say(&format!("{}  {why}", paint(NAME, format!("{command:<40}"))))
            .await?;
    }
    Ok(())
}
