//! A playbook's statements in, its settings, head and stages out; their order is checked here.

use pest::iterators::Pair;

use super::{
    ast::{Expr, Param, Playbook, PlaybookLine, PlaybookLineKind, Tenants, Trigger, When},
    codes,
    head::{Builder, Rule},
    reader::{Reader, parts},
    steps::{duration_of, first_expr},
    token::Kind,
    tree::{Block, Statement},
    words,
};
use crate::span::Name;

/// How a line ranks in the order that a playbook has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Setting,
    When,
    If,
    Ignore,
    Resolved,
    Stage,
    OnFailure,
}

impl Rank {
    fn of(kind: &PlaybookLineKind) -> Option<Rank> {
        Some(match kind {
            PlaybookLineKind::Setting(..) | PlaybookLineKind::Tenants(_) => Rank::Setting,
            PlaybookLineKind::When(_) => Rank::When,
            PlaybookLineKind::If(_) => Rank::If,
            PlaybookLineKind::IgnoreRepeats { .. } => Rank::Ignore,
            PlaybookLineKind::ResolvedWhen { .. } => Rank::Resolved,
            PlaybookLineKind::Then(_)
            | PlaybookLineKind::Wait(_)
            | PlaybookLineKind::WaitTill(_)
            | PlaybookLineKind::Escalate { .. } => Rank::Stage,
            PlaybookLineKind::OnFailure(_) => Rank::OnFailure,
            PlaybookLineKind::Broken => return None,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Rank::Setting => "settings",
            Rank::When => "`when`",
            Rank::If => "`if`",
            Rank::Ignore => "`ignore repeats`",
            Rank::Resolved => "`resolved when`",
            Rank::Stage => "the stages",
            Rank::OnFailure => "`on failure`",
        }
    }

    /// What to do about a second line of a kind that stands once.
    fn once(self) -> Option<&'static str> {
        match self {
            Rank::If => Some("join the conditions with `and`"),
            Rank::Ignore => Some("keep one of them"),
            Rank::Resolved => Some("join the conditions with `or`"),
            Rank::OnFailure => Some("put the steps of both into one"),
            Rank::Setting | Rank::When | Rank::Stage => None,
        }
    }
}

impl Reader<'_, '_> {
    /// A playbook; `None` when its head cannot be read.
    pub(crate) fn playbook(&mut self, statement: &Statement) -> Option<Playbook> {
        let head = self.read(Rule::playbook_head, statement, |builder, pair| {
            let (mut id, mut title) = (None, None);
            for part in parts(pair) {
                match part.as_rule() {
                    Rule::name => id = Some(builder.name(&part)),
                    Rule::text => {
                        let span = builder.span(&part);
                        title = Some(Expr {
                            kind: builder.literal(&part),
                            span,
                        });
                    }
                    _ => {}
                }
            }
            id.map(|id| (id, title))
        });
        let lines = match self.block(Rule::playbook_head, statement) {
            Some(block) => self.playbook_lines(block),
            None => Vec::new(),
        };
        let (id, title) = head.flatten()?;
        Some(Playbook {
            doc: statement.doc(),
            id,
            title,
            lines,
            head: self.head_span(statement),
        })
    }

    fn playbook_lines(&mut self, block: &Block) -> Vec<PlaybookLine> {
        let mut lines = Vec::new();
        let mut misplaced = false;
        for statement in &block.statements {
            let span = self.head_span(statement);
            let kind = self.playbook_line(statement, &mut misplaced);
            lines.push(PlaybookLine { kind, span });
        }
        self.check_order(&lines);
        lines
    }

    fn playbook_line(&mut self, statement: &Statement, misplaced: &mut bool) -> PlaybookLineKind {
        let (first, second) = (
            statement.word(self.file(), 0),
            statement.word(self.file(), 1),
        );
        if statement.kind(0) == Some(Kind::Word) && statement.kind(1) == Some(Kind::Colon) {
            return self.setting(statement, first);
        }
        let kind = match (first, second) {
            ("when", "webhook") if !self.names_an_event(statement) => self
                .line(Rule::webhook_line, statement, |builder, pair| {
                    builder.webhook(pair)
                })
                .flatten()
                .map(PlaybookLineKind::When),
            ("when", _) => self
                .line(Rule::when_line, statement, |builder, pair| {
                    builder.when(pair)
                })
                .flatten()
                .map(PlaybookLineKind::When),
            ("if", _) => {
                if let Some(block) = &statement.block {
                    self.complain(
                        statement,
                        codes::MISPLACED,
                        "the `if` of a playbook's head has no block",
                        "decides whether a run starts",
                        "to decide between steps, write it inside `then { … }`",
                    );
                    self.steps(block);
                    return PlaybookLineKind::Broken;
                }
                self.read(Rule::if_line, statement, first_expr)
                    .flatten()
                    .map(PlaybookLineKind::If)
            }
            ("ignore", _) => self
                .line(Rule::ignore_line, statement, |builder, pair| {
                    two(builder, pair)
                })
                .flatten()
                .map(|(key, within)| PlaybookLineKind::IgnoreRepeats { key, within }),
            ("resolved", _) => self
                .line(Rule::resolved_line, statement, |builder, pair| {
                    two(builder, pair)
                })
                .flatten()
                .map(
                    |(condition, checking_every)| PlaybookLineKind::ResolvedWhen {
                        condition,
                        checking_every,
                    },
                ),
            ("then", _) => {
                let read = self.read(Rule::then_line, statement, |_, _| ());
                let body = self.body(Rule::then_line, statement);
                read.map(|()| PlaybookLineKind::Then(body))
            }
            ("wait", "until") if self.is_till(statement) => self
                .line(Rule::wait_till_line, statement, first_expr)
                .flatten()
                .map(PlaybookLineKind::WaitTill),
            ("wait", "until" | "for") => {
                self.complain(
                    statement,
                    codes::MISPLACED,
                    format!("`wait {second}` is a step here, not a stage"),
                    "it has outcomes of its own",
                    "put it into a stage: `then { wait … }`; between stages a wait is written `wait 30d` or `wait until 09:00`",
                );
                if let Some(block) = &statement.block {
                    self.steps(block);
                }
                None
            }
            ("wait", _) => self
                .line(Rule::wait_line, statement, duration_of)
                .flatten()
                .map(PlaybookLineKind::Wait),
            ("escalate", _) => {
                let read = self
                    .read(Rule::escalate_line, statement, escalate)
                    .flatten();
                let body = self.body(Rule::escalate_line, statement);
                read.map(|(after, unless)| PlaybookLineKind::Escalate {
                    after,
                    unless,
                    body,
                })
            }
            ("on", _) => {
                let read = self.read(Rule::on_failure_line, statement, |_, _| ());
                let body = self.body(Rule::on_failure_line, statement);
                read.map(|()| PlaybookLineKind::OnFailure(body))
            }
            _ => return self.no_playbook_line(statement, first, misplaced),
        };
        kind.unwrap_or(PlaybookLineKind::Broken)
    }

    /// Whether the word after `when` is an event's name, whatever it means elsewhere.
    fn names_an_event(&self, statement: &Statement) -> bool {
        matches!(
            statement.kind(2),
            None | Some(Kind::Dot) | Some(Kind::Comma)
        ) || statement.word(self.file(), 2) == "as"
    }

    fn setting(&mut self, statement: &Statement, key: &str) -> PlaybookLineKind {
        if key == "tenants" {
            let read = self.line(Rule::tenants_line, statement, |builder, pair| {
                builder.tenants(pair)
            });
            return read
                .flatten()
                .map_or(PlaybookLineKind::Broken, PlaybookLineKind::Tenants);
        }
        let value = self
            .line(Rule::setting_line, statement, first_expr)
            .flatten();
        match (self.name_at(statement, 0), value) {
            (Some(name), Some(value)) => PlaybookLineKind::Setting(name, value),
            _ => PlaybookLineKind::Broken,
        }
    }

    /// A line that is none of a playbook's.
    fn no_playbook_line(
        &mut self,
        statement: &Statement,
        first: &str,
        misplaced: &mut bool,
    ) -> PlaybookLineKind {
        let followed = statement.kind(1);
        let is_step = (words::STEPS.contains(&first)
            || matches!(followed, Some(Kind::Dot | Kind::ParenOpen)))
            && !statement.pieces.is_empty();
        if is_step {
            // A row of steps without a stage is one mistake.
            if !std::mem::replace(misplaced, true) {
                self.complain(
                    statement,
                    codes::MISPLACED,
                    "this step stands outside of every stage",
                    "nothing says when it happens",
                    "put it into `then { … }` or `escalate after 4h { … }`",
                );
            }
            let quiet = Statement {
                reported: true,
                ..statement.clone()
            };
            self.steps(&Block {
                statements: vec![quiet],
                ..Block::default()
            });
            return PlaybookLineKind::Broken;
        }
        *misplaced = false;
        if matches!(first, "param" | "guard" | "test") {
            self.complain(
                statement,
                codes::MISPLACED,
                format!("`{first}` is an item of its own"),
                "this stands inside a playbook",
                "close the playbook with `}` before it and write it at the left margin",
            );
            return PlaybookLineKind::Broken;
        }
        if followed == Some(Kind::Assign) && statement.pieces.len() > 2 {
            let range = statement
                .pieces
                .get(1)
                .map_or((0, 0), |piece| (piece.start, piece.end));
            let place = self.report.place(range.0, range.1);
            if !statement.reported {
                let diagnostic = self
                    .report
                    .error(
                        codes::FOREIGN,
                        "a setting is written with `:`",
                        range,
                        "`:` belongs here",
                    )
                    .fix("replace with `:`", true, place, ":");
                self.report.push(diagnostic);
            }
            let mut meant = statement.clone();
            if let Some(piece) = meant.pieces.get_mut(1) {
                (piece.kind, piece.instead) = (Kind::Colon, Some(":".to_owned()));
            }
            return self.setting(&meant, first);
        }
        if !first.is_empty()
            && let Some(meant) = self.misspelt(statement, words::PLAYBOOK)
        {
            return self.playbook_line(&meant, misplaced);
        }
        let found = statement.pieces.first().map_or(String::new(), |piece| {
            super::forms::quoted(piece.text(self.file()))
        });
        self.complain(
            statement,
            codes::UNEXPECTED,
            format!("{found} begins no line of a playbook"),
            "not a line of a playbook",
            format!(
                "a line is a setting such as `mode: active` ({}), or begins with {}",
                words::menu(words::SETTINGS),
                words::menu(&[
                    "when",
                    "if",
                    "ignore repeats of",
                    "resolved when",
                    "then",
                    "wait",
                    "escalate after",
                    "on failure"
                ])
            ),
        );
        if let Some(block) = &statement.block {
            self.steps(block);
        }
        PlaybookLineKind::Broken
    }

    /// Settings, `when`, `if`, `ignore repeats`, `resolved when`, stages, `on failure`: said once per playbook.
    fn check_order(&mut self, lines: &[PlaybookLine]) {
        let mut latest: Option<(Rank, &PlaybookLine)> = None;
        let mut told_order = false;
        for line in lines {
            let Some(rank) = Rank::of(&line.kind) else {
                continue;
            };
            let Some((late, earlier)) = latest else {
                latest = Some((rank, line));
                continue;
            };
            let place = |reader: &Self, line: &PlaybookLine| {
                let (start, end) = (
                    reader.base + line.span.start as usize,
                    reader.base + line.span.end as usize,
                );
                (start, end)
            };
            let (here, there) = (place(self, line), place(self, earlier));
            if rank < late && !told_order {
                told_order = true;
                let diagnostic = self
                    .report
                    .error(codes::HEAD_ORDER, format!("{} must stand before {}", capitalised(rank.words()), late.words()), here, "this comes too late")
                    .also(self.report.place(there.0, there.1), "it belongs above this")
                    .because("a playbook reads in the order in which it happens: settings, `when`, `if`, `ignore repeats`, `resolved when`, stages, `on failure`");
                self.report.push(diagnostic);
            } else if rank == late
                && let Some(help) = rank.once()
            {
                let diagnostic = self
                    .report
                    .error(
                        codes::HEAD_ORDER,
                        format!("{} stands twice", rank.words()),
                        here,
                        "the second one",
                    )
                    .also(self.report.place(there.0, there.1), "the first one")
                    .help(help);
                self.report.push(diagnostic);
            }
            if rank > late {
                latest = Some((rank, line));
            }
        }
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A value and, after it, a duration that may be left out.
fn two(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<(Expr, Option<Expr>)> {
    let mut exprs = pair
        .into_inner()
        .filter(|inner| inner.as_rule() == Rule::expr);
    let first = exprs.next().map(|inner| builder.expr(inner))?;
    let second = exprs.next().map(|inner| builder.duration_expr(inner));
    Some((first, second))
}

/// A duration and, after it, a condition that may be left out.
fn escalate(
    builder: &mut Builder<'_, '_, '_>,
    pair: Pair<'_, Rule>,
) -> Option<(Expr, Option<Expr>)> {
    let mut exprs = pair
        .into_inner()
        .filter(|inner| inner.as_rule() == Rule::expr);
    let after = exprs.next().map(|inner| builder.duration_expr(inner))?;
    let unless = exprs.next().map(|inner| builder.expr(inner));
    Some((after, unless))
}

impl Builder<'_, '_, '_> {
    fn when(&mut self, pair: Pair<'_, Rule>) -> Option<When> {
        let (mut trigger, mut alias, mut for_each) = (None, None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::every_day => trigger = self.every_day(part),
                Rule::every => {
                    trigger = part
                        .into_inner()
                        .find(|inner| inner.as_rule() == Rule::expr)
                        .map(|inner| Trigger::Every(self.duration_expr(inner)));
                }
                Rule::schedule => {
                    let mut texts = part.into_inner().filter(|p| p.as_rule() == Rule::text);
                    let mut text = || {
                        let part = texts.next()?;
                        Some(Expr {
                            kind: self.literal(&part),
                            span: self.span(&part),
                        })
                    };
                    let (cron, zone) = (text(), text());
                    trigger = cron.map(|cron| Trigger::Schedule(cron, zone));
                }
                Rule::manual => {
                    let params: Vec<Param> = part
                        .into_inner()
                        .filter(|inner| inner.as_rule() == Rule::params)
                        .flat_map(|params| self.params(params))
                        .collect();
                    trigger = Some(Trigger::Manual(params));
                }
                Rule::event_path => trigger = self.path(part).map(Trigger::Event),
                Rule::name => alias = Some(self.name(&part)),
                Rule::each_of => for_each = self.each_of(part),
                _ => {}
            }
        }
        Some(When {
            trigger: trigger?,
            alias,
            for_each,
        })
    }

    /// A trigger by a webhook.
    fn webhook(&mut self, pair: Pair<'_, Rule>) -> Option<When> {
        let (mut hook, mut alias, mut ty, mut for_each) = (None, None, None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::text => {
                    let span = self.span(&part);
                    hook = Some(Expr {
                        kind: self.literal(&part),
                        span,
                    });
                }
                Rule::name => alias = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                Rule::each_of => for_each = self.each_of(part),
                _ => {}
            }
        }
        Some(When {
            trigger: Trigger::Webhook(hook?, ty?),
            alias,
            for_each,
        })
    }

    fn every_day(&mut self, pair: Pair<'_, Rule>) -> Option<Trigger> {
        let (mut day, mut time) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::day_word => day = Some(self.name(&part)),
                Rule::expr => time = Some(self.expr(part)),
                _ => {}
            }
        }
        Some(Trigger::EveryDay(day?, time?))
    }

    fn each_of(&mut self, pair: Pair<'_, Rule>) -> Option<(Name, Expr)> {
        let (mut var, mut list) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => var = Some(self.name(&part)),
                Rule::expr => list = Some(self.expr(part)),
                _ => {}
            }
        }
        var.zip(list)
    }

    fn tenants(&mut self, pair: Pair<'_, Rule>) -> Option<Tenants> {
        let part = parts(pair).find(|part| {
            matches!(
                part.as_rule(),
                Rule::tenants_all | Rule::tenants_group | Rule::list
            )
        })?;
        Some(match part.as_rule() {
            Rule::tenants_all => {
                let lists = part
                    .into_inner()
                    .filter(|inner| inner.as_rule() == Rule::list);
                Tenants::All {
                    except: lists.flat_map(|list| self.exprs(list)).collect(),
                }
            }
            Rule::tenants_group => {
                let text = part
                    .into_inner()
                    .find(|inner| inner.as_rule() == Rule::text)?;
                let span = self.span(&text);
                Tenants::Group(Expr {
                    kind: self.literal(&text),
                    span,
                })
            }
            _ => Tenants::Listed(self.exprs(part)),
        })
    }
}
