//! A test in, what is given and expected out, as data for whoever runs it.

use super::Lower;
use crate::check::Queries;
use crate::check::calls::Callee;
use crate::check::declare::duration_ms;
use crate::check::mention::Meaning;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Index;
use crate::near;
use crate::span::{Name, Span};
use crate::syntax::ast::{
    Expr as Ast, ExprKind, Item, TestDecl, TestLine, TestLineKind, TextPart, Trigger, UnaryOp,
};
use counterplay_machine::testcase::{Expectation, Expected, Given, Later, Start, TestCase, Word};
use counterplay_machine::types::Type;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The outcomes that a test may expect.
const OUTCOMES: &[&str] = &[
    "completed",
    "completed with failures",
    "resolved",
    "stopped",
    "rejected",
    "failed",
    "cancelled",
    "not started",
];

/// Checks and compiles a test.
pub fn case(mut lower: Lower<'_, '_>, written: &TestDecl) -> TestCase {
    let title = lower.c.literal(&written.title);
    let mut case = TestCase {
        title: title.unwrap_or_else(|| Arc::from("")),
        origin: lower.origin(written.title.span),
        ..TestCase::default()
    };
    let mut first: Option<Span> = None;
    let mut named: Option<Name> = written.of.clone();
    let mut started: Vec<Name> = Vec::new();
    for line in &written.lines {
        let start = lower.line(line, &mut case);
        if let Some((start, of)) = start {
            if let Some(first) = first {
                lower.second_start(line.span, first);
            } else {
                case.start = Some(start);
                first = Some(line.span);
            }
            match of {
                Some(of) if named.is_some() => started.push(of),
                of => named = named.or(of),
            }
        }
    }
    let broken = written
        .lines
        .iter()
        .any(|line| line.kind == TestLineKind::Broken);
    let starts = written.lines.iter().any(|line| {
        matches!(
            line.kind,
            TestLineKind::Manual(_)
                | TestLineKind::Schedule(_)
                | TestLineKind::Webhook { .. }
                | TestLineKind::Event { after: None, .. }
        )
    });
    if !starts && !broken {
        let place = lower.c.at(written.title.span);
        let diagnostic = Diagnostic::error(
            codes::MISSING_PROPERTY,
            "nothing starts the playbook in this test",
            place,
            "it has no `given` that does",
        )
        .help("add for instance `given intune.noncompliant from \"fixtures/a.json\"`, `given manual lost_device(user: \"u-17\")` or `given schedule stale_account`");
        lower.c.report(diagnostic);
    }
    let expects = written.lines.iter().any(|line| {
        matches!(
            line.kind,
            TestLineKind::Expect { .. }
                | TestLineKind::ExpectNever(_)
                | TestLineKind::ExpectOutcome(_)
        )
    });
    if !expects && !broken {
        let place = lower.c.at(written.title.span);
        let diagnostic = Diagnostic::error(
            codes::MISSING_PROPERTY,
            "this test expects nothing",
            place,
            "it has no `expect`",
        )
        .because("a test that cannot fail shows nothing")
        .help("add for instance `expect outcome completed`");
        lower.c.report(diagnostic);
    }
    case.playbook = lower.tested(named.as_ref(), written);
    for name in &started {
        lower.started(name, &case.playbook, named.as_ref());
    }
    lower.delivered_elsewhere(written, &case);
    case
}

impl Lower<'_, '_> {
    fn second_start(&mut self, span: Span, first: Span) {
        let (place, first) = (self.c.at(span), self.c.at(first));
        let diagnostic = Diagnostic::error(
            codes::DUPLICATE,
            "this test starts its playbook twice",
            place,
            "the second start",
        )
        .also(first, "the first")
        .help("an event that comes later has a time: `given … from \"…\" after 2h`");
        self.c.report(diagnostic);
    }

    /// A playbook's name in a test; whether the project has it.
    fn playbook_name(&mut self, name: &Name) -> bool {
        let index = self.c.index;
        self.c.mention(
            name.span,
            Meaning::Playbook(Arc::from(name.text.as_str())),
            false,
            None,
        );
        if index.playbooks.contains_key(&name.text) {
            return true;
        }
        let place = self.c.at(name.span);
        let known = || index.playbooks.keys().map(String::as_str);
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_NAME,
            format!("this project has no playbook `{}`", name.text),
            place.clone(),
            "not known",
        );
        diagnostic = match near::best(&name.text, known()) {
            Some(near) => diagnostic.fix(format!("write `{near}`"), false, place, near),
            None => diagnostic.help(format!("it has {}", near::menu(known()))),
        };
        self.c.report(diagnostic);
        false
    }

    /// What a start names has to be the playbook that is tested.
    fn started(&mut self, name: &Name, tested: &str, of: Option<&Name>) {
        let known = self.c.index.playbooks.contains_key(tested);
        if !self.playbook_name(name) || name.text == tested || !known {
            return;
        }
        let place = self.c.at(name.span);
        let mut diagnostic = Diagnostic::error(
            codes::TRIGGER,
            format!("this starts `{}`, and the test is of `{tested}`", name.text),
            place.clone(),
            "another playbook",
        )
        .fix(format!("write `{tested}`"), false, place, tested);
        if let Some(of) = of {
            diagnostic = diagnostic.also(self.c.at(of.span), "the playbook that is tested");
        }
        self.c.report(diagnostic);
    }

    /// A webhook's deliveries belong to the tenant that the project file says.
    fn delivered_elsewhere(&mut self, written: &TestDecl, case: &TestCase) {
        let (Some(Start::Webhook { name, .. }), Some(tenant)) = (&case.start, &case.tenant) else {
            return;
        };
        let settings = self.c.deployment.and_then(|d| d.webhooks.get(&**name));
        let Some(owner) = settings.map(|hook| &*hook.tenant) else {
            return;
        };
        let said = written.lines.iter().find_map(|line| match &line.kind {
            TestLineKind::Tenant(name) => Some(name.span),
            _ => None,
        });
        let (Some(span), true) = (said, owner != &**tenant) else {
            return;
        };
        let place = self.c.at(span);
        let diagnostic = Diagnostic::error(
            codes::NOT_IN_PROJECT,
            format!("what comes to the webhook `{name}` belongs to the tenant `{owner}`"),
            place.clone(),
            "no delivery is for this one",
        )
        .because(format!(
            "[webhooks.{name}] in counterplay.toml says so, whatever a delivery holds"
        ))
        .fix(
            format!("write \"{owner}\""),
            false,
            place,
            format!("\"{owner}\""),
        );
        self.c.report(diagnostic);
    }

    /// The playbook that a test is of: the one that it names, or the only one of its file.
    fn tested(&mut self, named: Option<&Name>, written: &TestDecl) -> Arc<str> {
        if let Some(name) = named {
            self.playbook_name(name);
            return Arc::from(name.text.as_str());
        }
        let here: Vec<&str> = self
            .c
            .index
            .playbooks
            .iter()
            .filter(|(_, place)| place.anchor.file == self.c.anchor.file)
            .map(|(id, _)| id.as_str())
            .collect();
        if let [only] = here.as_slice() {
            return Arc::from(*only);
        }
        let place = self.c.at(written.title.span);
        let diagnostic = Diagnostic::error(
            codes::MISSING_ARGUMENT,
            "this test does not say which playbook it is of",
            place,
            match here.len() {
                0 => "its file has no playbook".to_owned(),
                n => format!("its file has {n} playbooks"),
            },
        )
        .help(format!(
            "write `test \"…\" of {} {{`",
            here.first().copied().unwrap_or("PLAYBOOK")
        ));
        self.c.report(diagnostic);
        Arc::from("")
    }

    /// A line; what starts the playbook comes out, with the playbook where the line names it.
    fn line(&mut self, line: &TestLine, case: &mut TestCase) -> Option<(Start, Option<Name>)> {
        match &line.kind {
            TestLineKind::Tenant(name) => {
                case.tenant = self.tenant(name);
            }
            TestLineKind::Manual(call) => return self.manual_start(call),
            TestLineKind::Schedule(name) => return Some((Start::Schedule, Some(name.clone()))),
            TestLineKind::Webhook { name, file } => {
                let (name, file) = (self.c.literal(name)?, self.c.literal(file)?);
                return Some((Start::Webhook { name, file }, None));
            }
            TestLineKind::Event { event, file, after } => {
                let name = self.event_name(&Trigger::Event(event.clone()));
                let file = self.c.literal(file)?;
                let Some(after) = after else {
                    return Some((Start::Event { event: name?, file }, None));
                };
                case.events.push(Later {
                    event: name?,
                    file,
                    after_ms: self.moment(after)?,
                });
            }
            TestLineKind::Vote {
                approve,
                from,
                after,
            } => {
                case.words.push(Word {
                    by: self.c.literal(from)?,
                    answer: None,
                    approve: *approve,
                    after_ms: self.moment(after)?,
                });
            }
            TestLineKind::Answer {
                answer,
                from,
                after,
            } => {
                case.words.push(Word {
                    answer: Some(self.c.literal(answer)?),
                    by: self.c.literal(from)?,
                    approve: true,
                    after_ms: self.moment(after)?,
                });
            }
            TestLineKind::Returns { call, value, after } => {
                let (call, ty) = self.called(call)?;
                let value = self.c.with_queries(
                    Queries::Forbidden("in a test, where the answer is given"),
                    |c| c.expect(value, &ty, None),
                );
                let after_ms = after.as_ref().map_or(Some(0), |after| self.moment(after))?;
                case.answers.push(Given {
                    call,
                    answer: Ok(value),
                    after_ms,
                });
            }
            TestLineKind::Fails { call, reason } => {
                let (call, _) = self.called(call)?;
                case.answers.push(Given {
                    call,
                    answer: Err(self.c.literal(reason)?),
                    after_ms: 0,
                });
            }
            TestLineKind::Expect { action, at } => {
                let at = match at {
                    Some(at) => Some(self.moment(at)?),
                    None => None,
                };
                let action = self.action(action)?;
                self.expected(line, Expected::Performed(action, at), case);
            }
            TestLineKind::ExpectNever(action) => {
                let action = self.action(action)?;
                self.expected(line, Expected::Never(action), case);
            }
            TestLineKind::ExpectOutcome(words) => {
                let outcome = self.outcome(words)?;
                let kind = match outcome {
                    "not started" => Expected::NotStarted,
                    other => Expected::Outcome(Arc::from(other)),
                };
                self.expected(line, kind, case);
            }
            TestLineKind::Broken => {}
        }
        None
    }

    fn expected(&mut self, line: &TestLine, kind: Expected, case: &mut TestCase) {
        case.expectations.push(Expectation {
            origin: self.origin(line.span),
            text: Arc::from(self.c.source(line.span)),
            kind,
        });
    }

    /// A time from the start of the run.
    fn moment(&mut self, expr: &Ast) -> Option<i64> {
        match duration_ms(expr) {
            Some(ms) => Some(ms),
            None => {
                if !matches!(expr.kind, ExprKind::Missing) {
                    self.c.bad(
                        expr.span,
                        "a time in a test is counted from the start of the run",
                        "for instance `0s` or `4h`",
                    );
                }
                None
            }
        }
    }

    /// An action or a query, with the type of its result.
    fn called(&mut self, call: &Ast) -> Option<(Arc<str>, Type)> {
        match self.c.callee(call) {
            Callee::Declared(def) if matches!(&*def.item, Item::Action(_) | Item::Query(_)) => {
                let ty = self.c.result(&def);
                Some((Index::qualified(&def.module, &def.name.text), ty))
            }
            Callee::Unknown => None,
            _ => {
                self.c.bad(
                    call.span,
                    "an action or a query answers",
                    "for instance `given intune.is_compliant returns false`",
                );
                None
            }
        }
    }

    fn action(&mut self, call: &Ast) -> Option<Arc<str>> {
        match self.c.callee(call) {
            Callee::Declared(def) if matches!(&*def.item, Item::Action(_)) => {
                Some(Index::qualified(&def.module, &def.name.text))
            }
            Callee::Unknown => None,
            _ => {
                self.c.bad(
                    call.span,
                    "an action is expected here",
                    "for instance `expect entra.block_sign_in at 24h`",
                );
                None
            }
        }
    }

    fn outcome(&mut self, words: &[Name]) -> Option<&'static str> {
        let written: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        let written = written.join(" ");
        if let Some(found) = OUTCOMES.iter().find(|o| **o == written) {
            return Some(found);
        }
        let span = words.first()?.span.to(words.last()?.span);
        let place = self.c.at(span);
        let mut diagnostic = Diagnostic::error(
            codes::UNKNOWN_MEMBER,
            format!("no run ends `{written}`"),
            place.clone(),
            format!("expected {}", near::menu(OUTCOMES.iter().copied())),
        );
        if let Some(near) = near::best(&written, OUTCOMES.iter().copied()) {
            diagnostic = diagnostic.fix(format!("write `{near}`"), false, place, near);
        }
        self.c.report(diagnostic);
        None
    }

    /// `given manual lost_device(user: "u-17", reason: "stolen")`.
    fn manual_start(&mut self, call: &Ast) -> Option<(Start, Option<Name>)> {
        let ExprKind::Call { callee, args } = &call.kind else {
            if !matches!(call.kind, ExprKind::Missing) {
                self.c.bad(
                    call.span,
                    "a start by hand has the form's values",
                    "for instance `given manual lost_device(user: \"u-17\")`",
                );
            }
            return None;
        };
        let ExprKind::Name(id) = &callee.kind else {
            self.c.bad(
                callee.span,
                "a playbook is started by its id",
                "for instance `given manual lost_device(user: \"u-17\")`",
            );
            return None;
        };
        let mut values = BTreeMap::new();
        for arg in args {
            let Some(name) = &arg.name else {
                self.c.bad(
                    arg.value.span,
                    "the values of a form are given by name",
                    "which field is this?",
                );
                continue;
            };
            match json_of(&arg.value) {
                Some(value) => {
                    values.insert(name.text.clone(), value);
                }
                None => self.c.bad(
                    arg.value.span,
                    "a form's value is a fixed text, number, `true` or `false`, or a list of these",
                    "not known before the run; a person or a device is given by its id",
                ),
            }
        }
        let name = Name {
            text: id.clone(),
            span: callee.span,
        };
        Some((Start::Manual { values }, Some(name)))
    }
}

/// A fixed value as a form sends it.
fn json_of(expr: &Ast) -> Option<Json> {
    Some(match &expr.kind {
        ExprKind::Int(n) => Json::from(*n),
        ExprKind::Number(n) => Json::from(*n),
        ExprKind::Bool(b) => Json::from(*b),
        ExprKind::Raw(text) => Json::from(text.as_str()),
        ExprKind::Text(parts) => match parts.as_slice() {
            [] => Json::from(""),
            [TextPart::Literal(text)] => Json::from(text.as_str()),
            _ => return None,
        },
        ExprKind::Duration(ms) => Json::from(counterplay_machine::duration::format_ms(*ms)),
        ExprKind::ClockTime(minutes) => {
            Json::from(format!("{:02}:{:02}", minutes / 60, minutes % 60))
        }
        ExprKind::Name(word) => Json::from(word.as_str()),
        ExprKind::List(items) => Json::Array(items.iter().map(json_of).collect::<Option<_>>()?),
        ExprKind::Unary(UnaryOp::Neg, inner) => match json_of(inner)? {
            Json::Number(n) => match n.as_i64() {
                Some(n) => Json::from(n.checked_neg()?),
                None => Json::from(-n.as_f64()?),
            },
            _ => return None,
        },
        _ => return None,
    })
}
