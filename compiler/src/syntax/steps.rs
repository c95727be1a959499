//! A block's statements in, steps with their arms out.

use super::{
    ast::{Approve, Arm, Block, Expr, ExprKind, MatchCase, Pattern, Step, StepKind},
    codes,
    head::{Builder, Rule},
    reader::{Reader, parts},
    token::Kind,
    tree::{self, Piece, Statement},
    words,
};
use crate::span::Name;
use pest::iterators::Pair;

impl Reader<'_, '_> {
    /// The steps of a block.
    pub(crate) fn steps(&mut self, block: &tree::Block) -> Block {
        let mut steps = Vec::new();
        let mut rest = block.statements.as_slice();
        while let Some((statement, after)) = rest.split_first() {
            let elses = if self.is_if(statement) {
                after.iter().take_while(|next| self.is_else(next)).count()
            } else {
                0
            };
            let (elses, after) = after.split_at(elses);
            steps.push(self.step(statement, elses));
            rest = after;
        }
        Block {
            steps,
            span: self.span((block.start, block.end)),
        }
    }

    fn is_if(&self, statement: &Statement) -> bool {
        statement.word(self.file(), 0) == "if"
    }

    fn is_else(&self, statement: &Statement) -> bool {
        matches!(
            statement.word(self.file(), 0),
            "else" | "elif" | "elsif" | "elseif" | "els"
        )
    }

    /// One step; `elses` are the `else` statements that follow an `if`.
    pub(super) fn step(&mut self, statement: &Statement, elses: &[Statement]) -> Step {
        let span = self.head_span(statement);
        let (first, second) = (
            statement.word(self.file(), 0),
            statement.word(self.file(), 1),
        );
        let kind = match (first, second) {
            ("let", _) => return self.let_step(statement),
            ("if", _) => self.if_step(statement, elses),
            ("else" | "elif" | "elsif" | "elseif", _) => self.lonely_else(statement),
            ("match", _) => self.match_step(statement),
            ("for", "each") => self.for_each(statement),
            ("for", _) if statement.kind(1) == Some(Kind::Word) => {
                let meant = self.reword(
                    statement,
                    &["for", "each"],
                    codes::FOREIGN,
                    "a loop is written `for each x in LIST`",
                    "`each` is missing",
                );
                return self.step(&meant, &[]);
            }
            ("for", _) => self.for_each(statement),
            ("attempt", "each") => {
                self.read(Rule::attempt_each_line, statement, |_, _| ());
                StepKind::AttemptEach(self.body(Rule::attempt_each_line, statement))
            }
            ("attempt", _) => {
                return self.with_arms(Rule::attempt_line, statement, StepKind::Attempt);
            }
            ("wait", "until") if self.is_till(statement) => {
                match self.line(Rule::wait_till_line, statement, first_expr) {
                    Some(Some(time)) => StepKind::WaitTill(time),
                    _ => StepKind::Broken(None),
                }
            }
            ("wait", "until") => return self.wait_until(statement),
            ("wait", "for") => return self.wait_for(statement),
            ("wait", _) => match self.line(Rule::wait_line, statement, duration_of) {
                Some(Some(duration)) => StepKind::Wait(duration),
                _ => StepKind::Broken(None),
            },
            ("approve", _) => return self.approve_step(statement),
            ("ask", _) if self.is_line_of_words(statement) => return self.ask_step(statement),
            ("undo", _) if self.is_line_of_words(statement) => {
                return self.undo_or_emit(statement, true);
            }
            ("emit", _) if self.is_line_of_words(statement) => {
                return self.undo_or_emit(statement, false);
            }
            ("without", _) => match self.read(Rule::without_line, statement, first_expr) {
                Some(Some(because)) => StepKind::WithoutApproval {
                    because,
                    body: self.body(Rule::without_line, statement),
                },
                _ => self.broken(statement),
            },
            ("in", _) => match self.read(Rule::parallel_line, statement, |_, _| ()) {
                Some(()) => StepKind::InParallel(self.body(Rule::parallel_line, statement)),
                None => self.broken(statement),
            },
            ("then", _) => match self.read(Rule::then_line, statement, |_, _| ()) {
                Some(()) => StepKind::Group(self.body(Rule::then_line, statement)),
                None => self.broken(statement),
            },
            ("end", _) => self
                .line(Rule::end_line, statement, first_expr)
                .map_or(StepKind::Broken(None), StepKind::EndRun),
            ("return", _) => self
                .line(Rule::return_line, statement, first_expr)
                .map_or(StepKind::Broken(None), StepKind::Return),
            _ => return self.other_step(statement, elses),
        };
        Step {
            kind,
            arms: Vec::new(),
            span,
        }
    }

    /// A statement that could not be read; its block is analysed.
    pub(super) fn broken(&mut self, statement: &Statement) -> StepKind {
        StepKind::Broken(statement.block.as_ref().map(|block| self.steps(block)))
    }

    /// The block that a line needs.
    pub(crate) fn body(&mut self, rule: Rule, statement: &Statement) -> Block {
        match self.block(rule, statement) {
            Some(block) => self.steps(block),
            None => self.empty_block(statement),
        }
    }

    pub(super) fn with_arms(
        &mut self,
        rule: Rule,
        statement: &Statement,
        kind: impl FnOnce(Expr) -> StepKind,
    ) -> Step {
        let span = self.head_span(statement);
        let expr = self.read(rule, statement, first_expr).flatten();
        let arms = self.arms(statement, &["done", "failed"]);
        Step {
            kind: expr.map_or(StepKind::Broken(None), kind),
            arms,
            span,
        }
    }

    pub(super) fn let_step(&mut self, statement: &Statement) -> Step {
        let span = self.head_span(statement);
        let read = self.read(Rule::let_line, statement, |builder, pair| {
            let (mut name, mut value) = (None, None);
            for part in parts(pair) {
                match part.as_rule() {
                    Rule::name => name = Some(builder.name(&part)),
                    Rule::expr => value = Some(builder.expr(part)),
                    _ => {}
                }
            }
            name.zip(value)
        });
        let kind = match read.flatten() {
            Some((name, value)) => StepKind::Let { name, value },
            // The name exists all the same, so that lines below do not complain of it.
            None => match self.name_at(statement, 1) {
                Some(name) => StepKind::Let {
                    name,
                    value: self.missing(statement),
                },
                None => StepKind::Broken(None),
            },
        };
        let arms = self.arms(statement, &["done", "failed"]);
        Step { kind, arms, span }
    }

    /// The arms in a step's braces.
    pub(super) fn arms(&mut self, statement: &Statement, menu: &[&str]) -> Vec<Arm> {
        let mut arms = Vec::new();
        let mut complained = statement.reported;
        for line in statement.block.iter().flat_map(|block| &block.statements) {
            match (self.arm_names(line), &line.block) {
                (Some((name, also)), Some(block)) => {
                    let body = self.steps(block);
                    arms.push(Arm { name, also, body });
                }
                _ => {
                    if !complained && !line.reported {
                        let (start, end) = statement.range();
                        let diagnostic = self
                            .report
                            .error(
                                codes::NOT_AN_ARM,
                                "only arms stand in the braces of a step",
                                line.range(),
                                "not an arm",
                            )
                            .also(self.report.place(start, end), "of this step")
                            .help(format!(
                                "the arms are {}, each with its own block: `{} {{ … }}`",
                                words::menu(menu),
                                menu.first().unwrap_or(&"done")
                            ));
                        self.report.push(diagnostic);
                        complained = true;
                    }
                    // Its blocks are read, for the errors in them.
                    if let Some(block) = &line.block {
                        self.steps(block);
                    }
                }
            }
        }
        arms
    }

    /// The outcomes that an arm is for: words between commas.
    fn arm_names(&self, line: &Statement) -> Option<(Name, Vec<Name>)> {
        let mut names = Vec::new();
        for (index, piece) in line.pieces.iter().enumerate() {
            if index % 2 == 0 {
                names.push(self.name_at(line, index)?);
            } else if piece.kind != Kind::Comma {
                return None;
            }
        }
        (!names.is_empty()).then(|| {
            let first = names.remove(0);
            (first, names)
        })
    }

    fn if_step(&mut self, statement: &Statement, elses: &[Statement]) -> StepKind {
        let condition = self.read(Rule::if_line, statement, first_expr).flatten();
        let condition = condition.unwrap_or_else(|| self.missing(statement));
        let body = self.body(Rule::if_line, statement);
        let mut branches = vec![(condition, body)];
        let mut otherwise: Option<Block> = None;
        for line in elses {
            let word = line.word(self.file(), 0);
            let reworded = match word {
                "elif" | "elsif" | "elseif" => Some(self.reword(
                    line,
                    &["else", "if"],
                    codes::FOREIGN,
                    &format!("`{word}` is written `else if`"),
                    "write `else if`",
                )),
                "els" => self.misspelt(line, &["else"]),
                _ => None,
            };
            let line = reworded.as_ref().unwrap_or(line);
            if otherwise.is_some() {
                self.complain(
                    line,
                    codes::LONELY_ELSE,
                    "nothing can follow the last `else`",
                    "this `else` is one too many",
                    "an `if` has any number of `else if`, then at most one `else`",
                );
            }
            let read = self.read(Rule::else_line, line, first_expr);
            let body = self.body(Rule::else_line, line);
            match read {
                Some(Some(condition)) => branches.push((condition, body)),
                Some(None) => otherwise = Some(otherwise.unwrap_or(body)),
                None => {
                    let missing = self.missing(line);
                    branches.push((missing, body));
                }
            }
        }
        StepKind::If {
            branches,
            otherwise,
        }
    }

    pub(super) fn lonely_else(&mut self, statement: &Statement) -> StepKind {
        self.complain(
            statement,
            codes::LONELY_ELSE,
            "this `else` has no `if`",
            "no `if` stands directly before it",
            "`else` follows the `}` of an `if`, with nothing in between",
        );
        self.broken(statement)
    }

    fn match_step(&mut self, statement: &Statement) -> StepKind {
        let subject = self.read(Rule::match_line, statement, first_expr).flatten();
        let subject = subject.unwrap_or_else(|| self.missing(statement));
        let mut cases = Vec::new();
        if let Some(block) = self.block(Rule::match_line, statement) {
            for line in &block.statements {
                let patterns = self.read(Rule::case_line, line, patterns);
                let body = self.body(Rule::case_line, line);
                let span = self.head_span(line);
                if let Some(patterns) = patterns {
                    cases.push(MatchCase {
                        patterns,
                        body,
                        span,
                    });
                }
            }
        }
        StepKind::Match { subject, cases }
    }

    fn for_each(&mut self, statement: &Statement) -> StepKind {
        let read = self.read(Rule::for_line, statement, |builder, pair| {
            let (mut var, mut list, mut refuse, mut at_a_time) = (None, None, None, None);
            for part in parts(pair) {
                match part.as_rule() {
                    Rule::name => var = Some(builder.name(&part)),
                    Rule::expr => list = Some(builder.expr(part)),
                    Rule::refuse => builder.once(&mut refuse, part, "refuse more than"),
                    Rule::at_a_time => builder.once(&mut at_a_time, part, "at a time"),
                    _ => {}
                }
            }
            var.zip(list)
                .map(|(var, list)| (var, list, refuse, at_a_time))
        });
        let body = self.body(Rule::for_line, statement);
        match read.flatten() {
            Some((var, list, refuse_more_than, at_a_time)) => StepKind::ForEach {
                var,
                list,
                refuse_more_than,
                at_a_time,
                body,
            },
            // The name exists all the same for what stands in the block.
            None => match self.name_at(statement, 2) {
                Some(var) => StepKind::ForEach {
                    var,
                    list: self.missing(statement),
                    refuse_more_than: None,
                    at_a_time: None,
                    body,
                },
                None => StepKind::Broken(Some(body)),
            },
        }
    }

    /// Whether a `wait until` says no limit and has no arms: then it waits for a time, or its type tells that the limit is
    /// missing.
    pub(crate) fn is_till(&self, statement: &Statement) -> bool {
        let says = |first: &str, second: &str| {
            (2..statement.pieces.len()).any(|at| {
                statement.word(self.file(), at) == first
                    && statement.word(self.file(), at + 1) == second
            })
        };
        statement.block.is_none()
            && statement.pieces.len() > 2
            && statement.pieces.last().map(|piece| piece.kind) != Some(Kind::Comma)
            && !says("at", "most")
            && !says("checking", "every")
    }

    /// A wait with arms and without a limit is told as just that, and the limit is put in.
    fn with_limit(&mut self, statement: &Statement) -> Option<Statement> {
        let word = |text: &str| {
            let mut pieces = statement.pieces.iter();
            pieces.position(|piece| piece.text(self.file()) == text)
        };
        if word("most").is_some() || statement.pieces.len() < 3 || statement.reported {
            return None;
        }
        let last = statement.pieces.last()?;
        if last.text(self.file()) == "," {
            return None;
        }
        // The limit stands before how often to look, and before that a comma.
        let checking = word("checking").map(|at| match at.checked_sub(1) {
            Some(before) if statement.kind(before) == Some(Kind::Comma) => before,
            _ => at,
        });
        let at = checking.unwrap_or(statement.pieces.len());
        let end = statement.pieces.get(at.checked_sub(1)?)?.end;
        let place = self.report.place(end, end);
        let diagnostic = self
            .report
            .error(
                codes::UNEXPECTED,
                "this wait has no limit",
                statement.range(),
                "what if it never comes true?",
            )
            .fix("add `, at most 24h`", false, place, ", at most 24h");
        self.report.push(diagnostic);
        let mut meant = statement.clone();
        let limit = [
            (Kind::Comma, ","),
            (Kind::Word, "at"),
            (Kind::Word, "most"),
            (Kind::Duration, "24h"),
        ];
        let pieces = limit.map(|(kind, text)| Piece {
            kind,
            start: end,
            end,
            instead: Some(text.to_owned()),
            doc: None,
        });
        meant.pieces.splice(at..at, pieces);
        meant.mended = true;
        Some(meant)
    }

    fn wait_until(&mut self, statement: &Statement) -> Step {
        let meant = self.with_limit(statement);
        let statement = meant.as_ref().unwrap_or(statement);
        let span = self.head_span(statement);
        let read = self.read(Rule::wait_until_line, statement, |builder, pair| {
            let (mut condition, mut at_most, mut checking_every) = (None, None, None);
            for part in parts(pair) {
                match part.as_rule() {
                    Rule::expr => condition = Some(builder.expr(part)),
                    Rule::at_most => at_most = duration_of(builder, part),
                    Rule::checking => checking_every = duration_of(builder, part),
                    _ => {}
                }
            }
            condition.zip(at_most).map(|both| (both, checking_every))
        });
        let arms = self.arms(statement, &["met", "timed_out"]);
        let kind = match read.flatten() {
            Some(((condition, at_most), checking_every)) => StepKind::WaitUntil {
                condition,
                at_most,
                checking_every,
            },
            None => StepKind::Broken(None),
        };
        Step { kind, arms, span }
    }

    fn approve_step(&mut self, statement: &Statement) -> Step {
        let span = self.head_span(statement);
        let approve = self
            .read(Rule::approve_line, statement, |builder, pair| {
                builder.approve(pair)
            })
            .flatten();
        let arms = self.arms(statement, &["approved", "rejected", "unanswered"]);
        Step {
            kind: approve.map_or(StepKind::Broken(None), StepKind::Approve),
            arms,
            span,
        }
    }
}

impl Builder<'_, '_, '_> {
    fn approve(&mut self, pair: Pair<'_, Rule>) -> Option<Approve> {
        let mut question = None;
        let (mut by, mut needs, mut within, mut valid) = (None, None, None, None);
        let mut about: Vec<Expr> = Vec::new();
        let mut default = None;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::expr => question = Some(self.expr(part)),
                Rule::about => about.extend(self.exprs(part)),
                Rule::by => self.once(&mut by, part, "by"),
                Rule::needs => self.once(&mut needs, part, "needs"),
                Rule::within => self.once_duration(&mut within, part, "within"),
                Rule::valid => self.once_duration(&mut valid, part, "valid"),
                Rule::default => {
                    default = part
                        .into_inner()
                        .find(|word| word.as_rule() == Rule::approve_default)
                        .map(|word| self.name(&word))
                }
                _ => {}
            }
        }
        Some(Approve {
            question: question?,
            about,
            by,
            needs,
            within,
            valid,
            default,
        })
    }

    /// The value of a clause that may stand once.
    fn once(&mut self, place: &mut Option<Expr>, pair: Pair<'_, Rule>, clause: &str) {
        self.clause(place, pair, clause, Self::expr);
    }

    fn once_duration(&mut self, place: &mut Option<Expr>, pair: Pair<'_, Rule>, clause: &str) {
        self.clause(place, pair, clause, Self::duration_expr);
    }

    fn clause(
        &mut self,
        place: &mut Option<Expr>,
        pair: Pair<'_, Rule>,
        clause: &str,
        read: impl FnOnce(&mut Self, Pair<'_, Rule>) -> Expr,
    ) {
        let range = self.range(&pair);
        let Some(expr) = pair
            .into_inner()
            .find(|inner| inner.as_rule() == Rule::expr)
        else {
            return;
        };
        let value = read(self, expr);
        if let Some(earlier) = place {
            let earlier = self.absolute(earlier.span);
            let diagnostic = self
                .report
                .error(
                    codes::TWICE,
                    format!("`{clause}` stands twice in this line"),
                    range,
                    "the second one",
                )
                .also(self.report.place(earlier.0, earlier.1), "the first one")
                .help("keep one of them");
            self.report.push(diagnostic);
        } else {
            *place = Some(value);
        }
    }
}

/// The first expression of a pair.
pub(crate) fn first_expr(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<Expr> {
    pair.into_inner()
        .find(|inner| inner.as_rule() == Rule::expr)
        .map(|inner| builder.expr(inner))
}

/// The first expression of a pair, which must be a duration.
pub(crate) fn duration_of(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<Expr> {
    pair.into_inner()
        .find(|inner| inner.as_rule() == Rule::expr)
        .map(|inner| builder.duration_expr(inner))
}

fn patterns(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Vec<Pattern> {
    builder
        .exprs(pair)
        .into_iter()
        .map(|expr| match &expr.kind {
            ExprKind::Name(name) if name == "present" => Pattern::Present(expr.span),
            ExprKind::Name(name) if name == "absent" => Pattern::Absent(expr.span),
            _ => Pattern::Value(expr),
        })
        .collect()
}
