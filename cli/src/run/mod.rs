//! `counterplay run`: events, starts and a store in; runs that act, told as they happen, out.

pub mod feed;
pub mod setup;
pub mod stdin;
pub mod tell;

use crate::args::RunArgs;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::failed;
use crate::out::{self, BAD, HEAD, NAME, QUIET, paint};
use crate::{pause, signal, waiting};
use counterplay_runtime::engine::{Engine, EngineError, Notice, Rest, Until};
use counterplay_runtime::store::RunFilter;
use feed::Feed;
use setup::Setup;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tell::Teller;
use tokio::sync::broadcast::Receiver as Notices;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

/// Takes events, starts playbooks and sees runs through.
///
/// # Errors
/// When it cannot start, or the store fails.
pub async fn run(args: RunArgs) -> Outcome {
    let setup = setup::set_up(&args).await?;
    let Setup {
        engine,
        sandbox,
        flags,
        ..
    } = &setup;
    let stopped = watch_for_stop(engine);
    let mut session = Session {
        engine: engine.clone(),
        notices: engine.watch(),
        teller: Teller::new(engine.clone(), flags.clone()),
        feed: Feed::new(engine.clone(), setup.tenant.clone(), args.event.clone()),
    };
    if std::io::stderr().is_terminal() {
        out::note(paint(
            QUIET,
            "Ctrl-C stops in good order; what is open goes on at the next start.",
        ));
    }
    pause::tell(engine.store()).await?;
    crate::clock::tell(engine).await?;
    session.feed.start(&args, &setup).await?;
    for path in args.files.iter().filter(|p| p.as_path() != Path::new("-")) {
        session.feed.file(path).await?;
    }
    if args.files.iter().any(|p| p.as_path() == Path::new("-")) {
        session.standard_input(stdin::items()).await?;
    }
    let until = match (args.once, args.stay) {
        (true, _) => Until::Settled,
        (_, true) => Until::stopped(std::future::pending()),
        _ => Until::AllEnded,
    };
    let mut rest = Rest::default();
    if !stopped.load(Ordering::SeqCst) {
        rest = session.drive(until, None).await?;
    }
    let code = close(&session, &rest).await?;
    if let Some(sandbox) = sandbox {
        out::line(paint(
            QUIET,
            format!(
                "the sandbox answered {} calls; its state is gone now",
                sandbox.requests().len()
            ),
        ))?;
    }
    Ok(code)
}

/// Stops the engine at the first Ctrl-C and the process at the second.
fn watch_for_stop(engine: &Engine) -> Arc<AtomicBool> {
    let stopped = Arc::new(AtomicBool::new(false));
    let (flag, engine) = (stopped.clone(), engine.clone());
    let first = signal::stop();
    tokio::spawn(async move {
        first.await;
        flag.store(true, Ordering::SeqCst);
        out::note("\nstopping; calls under way are waited for (Ctrl-C again stops at once)");
        engine.stop();
        // A listener from before would still hold the first signal.
        signal::stop().await;
        std::process::exit(i32::from(crate::error::INTERRUPTED));
    });
    stopped
}

struct Session {
    engine: Engine,
    notices: Notices<Notice>,
    teller: Teller,
    feed: Feed,
}

impl Session {
    /// Takes what comes in on standard input until it ends, while runs go on.
    async fn standard_input(
        &mut self,
        items: UnboundedReceiver<crate::input::Item>,
    ) -> Result<(), Failure> {
        let (end, ended) = oneshot::channel::<()>();
        let until = Until::stopped(async {
            // An error means that the other end is gone, which is an end, too.
            let _ = ended.await;
        });
        self.drive(until, Some((items, end))).await?;
        Ok(())
    }

    /// Lets the engine work and tells what happens.
    async fn drive(
        &mut self,
        until: Until,
        input: Option<(UnboundedReceiver<crate::input::Item>, oneshot::Sender<()>)>,
    ) -> Result<Rest, Failure> {
        let engine = self.engine.clone();
        let mut running = std::pin::pin!(engine.run(until));
        let (mut items, mut end) = input.unzip();
        let rest = loop {
            tokio::select! {
                rest = &mut running => break rest.map_err(|e| stopped_working(&e))?,
                notice = self.notices.recv() => match notice {
                    Ok(notice) => self.teller.tell(notice).await?,
                    Err(RecvError::Lagged(missed)) => lagged(missed)?,
                    Err(RecvError::Closed) => {}
                },
                item = next(&mut items) => match item {
                    Some(item) => self.feed.item(item).await?,
                    None => {
                        items = None;
                        if let Some(end) = end.take() {
                            // The engine may have stopped by itself.
                            let _ = end.send(());
                        }
                    }
                },
            }
        };
        loop {
            match self.notices.try_recv() {
                Ok(notice) => self.teller.tell(notice).await?,
                Err(TryRecvError::Lagged(missed)) => lagged(missed)?,
                Err(_) => return Ok(rest),
            }
        }
    }
}

/// The next item; for ever where nothing more comes.
async fn next(
    items: &mut Option<UnboundedReceiver<crate::input::Item>>,
) -> Option<crate::input::Item> {
    match items {
        Some(items) => items.recv().await,
        None => std::future::pending().await,
    }
}

fn lagged(missed: u64) -> Result<(), Failure> {
    let text = format!("{missed} lines are left out here; `counterplay show RUN` has everything");
    Ok(out::line(paint(QUIET, text))?)
}

fn stopped_working(error: &EngineError) -> Failure {
    Failure::cannot_start(format!("the engine has stopped: {error}"))
}

/// Says how things stand, and how the process ends.
async fn close(session: &Session, rest: &Rest) -> Outcome {
    let (accepted, rejected) = (session.feed.accepted(), session.feed.rejected());
    let failed_runs = session.teller.failed();
    let filter = RunFilter {
        open: true,
        limit: Some(u32::MAX),
        ..RunFilter::default()
    };
    let store = session.engine.store();
    let open = store.runs(filter).await.map_err(failed)?;
    let seen = session.teller.ended();
    if accepted + rejected + seen == 0 && open.is_empty() {
        out::line("Nothing to do: no event was given and no run is open.")?;
        return Ok(OK);
    }
    let mut parts = Vec::new();
    if accepted > 0 {
        parts.push(format!("{} accepted", out::count(accepted, "event")));
    }
    if rejected > 0 {
        parts.push(paint(BAD, format!("{rejected} rejected")));
    }
    if seen > 0 {
        parts.push(format!("{} ended", out::count(seen, "run")));
    }
    if failed_runs > 0 {
        parts.push(paint(BAD, format!("{failed_runs} of them failed")));
    }
    if !open.is_empty() {
        parts.push(format!("{} open", out::count(open.len(), "run")));
    }
    if rest.open_arrivals > 0 {
        let number = usize::try_from(rest.open_arrivals).unwrap_or(0);
        parts.push(format!(
            "{} still to be matched",
            out::count(number, "event")
        ));
    }
    out::line(format!("{} {}", paint(HEAD, "Summary:"), parts.join(", ")))?;
    let flags = &session.teller.flags;
    for info in &open {
        let detail = store.run_detail(&info.id).await.map_err(failed)?;
        let waits = detail.map_or_else(Vec::new, |d| waiting::sentences(&d, flags));
        out::line(format!("  {}  {}", paint(NAME, &info.id), info.playbook))?;
        for sentence in waits {
            out::line(format!("      {}", out::harmless(&sentence)))?;
        }
    }
    if !open.is_empty() || rest.open_arrivals > 0 {
        let text = format!(
            "`counterplay run{flags}` goes on with what is open; nothing is lost meanwhile"
        );
        out::line(paint(QUIET, text))?;
    }
    if rest.abandoned_calls > 0 {
        let text = format!(
            "{} under way when it stopped; what became of them is settled at the next start",
            out::count(rest.abandoned_calls, "call")
        );
        out::line(paint(BAD, text))?;
    }
    Ok(if rejected + failed_runs > 0 {
        FOUND
    } else {
        OK
    })
}
