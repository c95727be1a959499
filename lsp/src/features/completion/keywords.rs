//! Words of the language where they may stand: items, lines of playbooks, steps, arms, clauses and operators.

use super::context::BlockKind;
use super::{Find, Kind, Suggestion};
use crate::features::keywords;
use counterplay_compiler::syntax::ast::Item;

/// Items: what begins them, and how they are written.
const ITEMS: &[(&str, &str)] = &[
    (
        "playbook",
        "playbook ${1:id} \"${2:Title}\" {\n  when ${3:intune.noncompliant} as ${4:event}\n\n  then {\n    $0\n  }\n}",
    ),
    ("use", "use ${1:microsoft}.(${2:entra})"),
    (
        "steps",
        "steps ${1:contain}(${2:user}: ${3:User}) {\n  $0\n}",
    ),
    (
        "define",
        "define ${1:is_vip}(${2:user}: ${3:User}) -> ${4:Bool} = $0",
    ),
    ("param", "param ${1:grace}: ${2:Duration} = ${3:24h}"),
    (
        "guard",
        "guard \"${1:what it is for}\" {\n  protect ${2:user}: ${3:User} where ${4:user.id in tenant.break_glass}\n}",
    ),
    (
        "test",
        "test \"${1:what it shows}\" of ${2:playbook} {\n  given ${3}\n  expect ${4}\n}",
    ),
    ("type", "type ${1:Name} {\n  ${2:id}: ${3:Text}\n}"),
    ("enum", "enum ${1:Name} { ${2:unknown} }"),
    (
        "action",
        "action ${1:name}(${2:user}: ${3:User}) {\n  impact: ${4|notify,reversible,disruptive,destructive|}\n  permission: \"${5}\"\n  request: ${6:graph}.${7:post}(\"/${8:path}\")\n}",
    ),
    (
        "query",
        "query ${1:name}(${2:user}: ${3:User}) -> ${4:Bool} {\n  permission: \"${5}\"\n  request: ${6:graph}.get(\"/${7:path}\")\n  returns: body.${8:field}\n}",
    ),
    (
        "event",
        "event ${1:name} {\n  source: ${2:push}\n  field ${3:id}: ${4:Text} = raw.${5:id}\n}",
    ),
    (
        "connection",
        "connection ${1:name} {\n  base: \"${2:https://}\"\n  auth: ${3|bearer,basic,none|}\n}",
    ),
];

/// Lines of a playbook.
const PLAYBOOK: &[(&str, &str, bool)] = &[
    ("mode", "mode: ${1|active,simulate,paused|}", true),
    ("tenants", "tenants: ${1:all}", true),
    ("tags", "tags: [\"${1}\"]", true),
    ("when", "when ${1}", false),
    ("if", "if ${1}", true),
    ("ignore repeats of", "ignore repeats of ${1:key}", true),
    ("resolved when", "resolved when ${1}", true),
    ("then", "then {\n  $0\n}", false),
    ("wait", "wait ${1:4h}", false),
    ("escalate after", "escalate after ${1:4h} {\n  $0\n}", false),
    ("on failure", "on failure {\n  $0\n}", true),
];

/// Steps that begin with a word.
const STEPS: &[(&str, &str)] = &[
    ("let", "let ${1:name} = ${2}"),
    ("if", "if ${1:condition} {\n  $0\n}"),
    ("match", "match ${1:value} {\n  $0\n}"),
    ("for each", "for each ${1:x} in ${2:list} {\n  $0\n}"),
    ("in parallel", "in parallel {\n  $0\n}"),
    ("attempt", "attempt ${1}"),
    ("attempt each", "attempt each {\n  $0\n}"),
    ("wait", "wait ${1:4h}"),
    (
        "wait until",
        "wait until ${1:condition}, at most ${2:24h}, checking every ${3:15m}",
    ),
    (
        "wait for",
        "wait for ${1:intune.noncompliant} as ${2:later} where ${3:later.device.id == device.id}, at most ${4:2h}",
    ),
    (
        "ask",
        "ask \"${1:Was this you?}\" to ${2:user}, within ${3:1h} {\n  \"${4:Yes}\" {\n    $0\n  }\n  unanswered {\n  }\n}",
    ),
    ("undo", "undo ${1}"),
    ("emit", "emit ${1}"),
    (
        "without approval because",
        "without approval because \"${1:reason}\" {\n  $0\n}",
    ),
    ("end run", "end run \"${1:why}\""),
];

/// Lines of a guard.
const GUARD: &[(&str, &str)] = &[
    (
        "protect",
        "protect ${1:user}: ${2:User} where ${3:user.id in tenant.break_glass}",
    ),
    (
        "limit",
        "limit ${1:entra.block_sign_in} to ${2:20} per ${3:1h} per tenant",
    ),
];

/// Lines of a test.
const TEST: &[(&str, &str)] = &[
    ("given tenant", "given tenant \"${1}\""),
    ("given manual", "given manual ${1:playbook}(${2})"),
    ("given schedule", "given schedule ${1:playbook}"),
    (
        "given webhook",
        "given webhook \"${1}\" from \"${2:fixtures/body.json}\"",
    ),
    (
        "given approval from",
        "given approval from \"${1}\" after ${2:10m}",
    ),
    (
        "given rejection from",
        "given rejection from \"${1}\" after ${2:10m}",
    ),
    (
        "given answer",
        "given answer \"${1}\" from \"${2}\" after ${3:5m}",
    ),
    ("given", "given ${1}"),
    ("expect", "expect ${1} at ${2:0s}"),
    ("expect never", "expect never ${1}"),
    ("expect outcome", "expect outcome ${1:completed}"),
];

/// Operators that follow a value.
const OPERATORS: &[&str] = &[
    "and",
    "or",
    "is present",
    "is absent",
    "in",
    "not in",
    "contains",
    "matches",
    "starts with",
    "ends with",
];

impl Find<'_> {
    fn lines(&mut self, lines: &[(&str, &str)]) {
        for (label, insert) in lines {
            self.word(label, insert, 1);
        }
    }

    /// What goes on from the first word of a test's line.
    pub(super) fn lines_after(&mut self, first: &str) {
        for (label, insert) in TEST {
            if let Some((label, insert)) = label.strip_prefix(first).zip(insert.strip_prefix(first))
            {
                self.word(label, insert, 1);
            }
        }
    }

    fn word(&mut self, label: &str, insert: &str, rank: u8) {
        let first = label.split_whitespace().next().unwrap_or(label);
        let doc = keywords::meaning(first, label).unwrap_or("");
        self.items.push(
            Suggestion::new(label, Kind::Keyword, rank)
                .insert(insert)
                .doc(doc),
        );
    }

    /// What may stand where the checker had nothing to say.
    pub(super) fn keywords(&mut self) {
        if self.context.first() == "use" {
            return self.modules();
        }
        if self.context.may_have_clause() {
            return self.clauses();
        }
        if !self.context.before.is_empty() {
            return self.continued();
        }
        match self.context.block {
            BlockKind::Items if self.context.at_margin => {
                for (label, insert) in ITEMS {
                    self.word(label, insert, 0);
                }
            }
            BlockKind::Playbook => self.playbook_lines(),
            BlockKind::Steps => self.steps(),
            BlockKind::Guard => self.lines(GUARD),
            BlockKind::Test => self.lines(TEST),
            BlockKind::Items
            | BlockKind::Properties
            | BlockKind::Fields
            | BlockKind::Members
            | BlockKind::Arms
            | BlockKind::Cases => {}
        }
    }

    fn playbook_lines(&mut self) {
        for (label, insert, once) in PLAYBOOK {
            let first = label.split_whitespace().next().unwrap_or(label);
            let there = self
                .context
                .siblings
                .iter()
                .any(|line| line.first().is_some_and(|word| word == first));
            if !(*once && there) {
                self.word(label, insert, 0);
            }
        }
    }

    /// Everything that can be a step.
    pub(super) fn steps(&mut self) {
        for (label, insert) in STEPS {
            self.word(label, insert, 1);
        }
        let approve = format!(
            "approve \"${{1:Question}}?\" about ${{2:entity}}, by ${{3:{}}}, within ${{4:4h}}",
            self.team_names()
                .first()
                .map_or("team".into(), |team| format!("team.{team}"))
        );
        self.word("approve", &approve, 1);
        let in_steps = self.context.parent.first().is_some_and(|w| w == "steps");
        if in_steps {
            self.word("return", "return ${1}", 1);
        }
        let last = self.context.siblings.last();
        if last
            .and_then(|line| line.first())
            .is_some_and(|w| w == "if")
        {
            self.word("else", "else {\n  $0\n}", 0);
        }
        self.step_calls();
    }

    /// Arms that a step can have and has not.
    pub(super) fn arms(&mut self, arms: &[&'static str]) {
        for arm in arms {
            self.items.push(
                Suggestion::new(*arm, Kind::Keyword, 0)
                    .insert(format!("{arm} {{\n  $0\n}}"))
                    .detail(arm_meaning(arm)),
            );
        }
    }

    /// Cases that a match has not thought of.
    pub(super) fn cases(&mut self, cases: &[String]) {
        for case in cases {
            let rank = if case == "else" { 2 } else { 1 };
            self.items.push(
                Suggestion::new(case, Kind::Member, rank).insert(format!("{case} {{\n  $0\n}}")),
            );
        }
        let missing: Vec<&str> = cases
            .iter()
            .map(String::as_str)
            .filter(|c| *c != "else")
            .collect();
        if missing.len() > 1 {
            let all = missing
                .iter()
                .enumerate()
                .map(|(i, case)| format!("{case} {{\n  ${{{}}}\n}}", i + 1))
                .collect::<Vec<_>>()
                .join("\n");
            self.items.push(
                Suggestion::new("all missing cases", Kind::Member, 0)
                    .insert(all)
                    .detail(missing.join(", ")),
            );
        }
    }

    /// Properties of a declaration.
    pub(super) fn properties(&mut self, keys: &[&'static str]) {
        for key in keys {
            let insert = match *key {
                "impact" => "impact: ${1|notify,reversible,disruptive,destructive|}".to_owned(),
                "idempotent" | "finds" => format!("{key}: true"),
                "permission" | "known_by" | "accepted" => format!("{key}: \"${{1}}\""),
                "request" => "request: ${1:graph}.${2:get}(\"/${3:path}\")".to_owned(),
                "on" => "on ${1:404}: ${2:absent}".to_owned(),
                "confirm" => "confirm: ${1:condition}, within ${2:2m}".to_owned(),
                "field" | "fetched" => {
                    format!("{key} ${{1:name}}: ${{2:Text}} = ${{3:raw.name}}")
                }
                "fires" => "fires: ${1:once per (raw.id)}".to_owned(),
                "rate" => "rate: ${1:20} per ${2:1s} per tenant".to_owned(),
                "retry" => "retry: for ${1:10m}, from ${2:1s} up to ${3:2m}".to_owned(),
                "destructive" | "disruptive" | "reversible" | "notify" | "reads" => {
                    format!("{key}: ${{1:POST}} \"${{2:/path/*}}\"")
                }
                _ => format!("{key}: ${{1}}"),
            };
            self.items
                .push(Suggestion::new(*key, Kind::Field, 0).insert(insert));
        }
    }

    /// Triggers that are no events.
    pub(super) fn triggers(&mut self) {
        for (label, insert, detail) in [
            (
                "every day at",
                "every day at ${1:07:00}",
                "by the clock, in the tenant's zone",
            ),
            (
                "every",
                "every ${1:15m}",
                "again and again, at this interval",
            ),
            (
                "schedule",
                "schedule \"${1:0 7 * * MON}\"",
                "by a cron expression of five fields, in the tenant's zone",
            ),
            (
                "manual",
                "manual(${1:user}: ${2:User}, ${3:reason}: ${4:Text})",
                "started by a person, who fills in a form",
            ),
            (
                "webhook",
                "webhook \"${1:name}\" as ${2:request}: ${3:Type}",
                "started by another system, which delivers a signed request",
            ),
        ] {
            self.word(label, insert, 2);
            if let Some(item) = self.items.last_mut() {
                item.detail = detail.to_owned();
            }
        }
    }

    /// Clauses and operators after a value.
    pub(super) fn clauses(&mut self) {
        let line = &self.context.before;
        let has = |word: &str| line.iter().any(|w| w == word);
        let after_comma = self.context.last() == ",";
        // Whether a comma stands before the clause.
        let clauses: Vec<(&str, &str, bool)> = match self.context.first() {
            "approve" => [
                ("about", "about ${1:entity}"),
                ("by", "by ${1:team}"),
                ("needs", "needs ${1:2}"),
                ("within", "within ${1:4h}"),
                ("valid", "valid ${1:24h}"),
                ("default", "default ${1|reject,approve|}"),
            ]
            .into_iter()
            .filter(|(word, _)| !has(word))
            .map(|(word, insert)| (word, insert, word != "about"))
            .collect(),
            "escalate" if !has("unless") => vec![("unless", "unless ${1:condition}", false)],
            "when" if !has("as") && !after_comma => vec![("as", "as ${1:event}", false)],
            "when" if !has("each") => vec![("for each", "for each ${1:x} in ${2:list}", true)],
            "ignore" if !line.iter().skip(1).any(|w| w == "for") => {
                vec![("for", "for ${1:1h}", false)]
            }
            "resolved" if !has("checking") => {
                vec![("checking every", "checking every ${1:15m}", true)]
            }
            "wait" if has("until") => [
                ("at most", "at most ${1:24h}", "most"),
                ("checking every", "checking every ${1:15m}", "checking"),
            ]
            .into_iter()
            .filter(|(_, _, word)| !has(word))
            .map(|(label, insert, _)| (label, insert, true))
            .collect(),
            "for" if has("in") => vec![
                ("refuse more than", "refuse more than ${1:50}", true),
                ("at a time", "${1:5} at a time", true),
            ],
            "for" if line.len() == 3 => vec![("in", "in ${1:list}", false)],
            "tenants" if line.last().is_some_and(|w| w == "all") => {
                vec![("except", "except [\"${1}\"]", false)]
            }
            _ => Vec::new(),
        };
        let comma = (!after_comma).then(|| (self.context.ends..self.context.ends, ",".to_owned()));
        for (label, insert, needs_comma) in clauses {
            self.word(label, insert, 0);
            if let (true, Some(item)) = (needs_comma, self.items.last_mut()) {
                item.also.clone_from(&comma);
            }
        }
        if after_comma {
            return;
        }
        let duration = self.context.before.last().is_some_and(|w| {
            w.starts_with(|c: char| c.is_ascii_digit()) && w.ends_with(['s', 'm', 'h', 'd'])
        });
        if duration {
            self.word("ago", "ago", 1);
            self.word("from now", "from now", 1);
        }
        for operator in OPERATORS {
            self.items
                .push(Suggestion::new(*operator, Kind::Keyword, 2));
        }
    }

    /// Lines that were begun with a word of the language.
    fn continued(&mut self) {
        let words: Vec<&str> = self.context.before.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["when"] => self.events(None),
            ["when", module, "."] => {
                let module = (*module).to_owned();
                self.events(Some(&module));
            }
            ["escalate"] => self.word("after", "after ${1:4h}", 0),
            ["resolved"] => self.word("when", "when ${1}", 0),
            ["ignore"] => self.word("repeats of", "repeats of ${1:key}", 0),
            ["ignore", "repeats"] => self.word("of", "of ${1:key}", 0),
            ["on"] if self.context.block == BlockKind::Playbook => {
                self.word("failure", "failure {\n  $0\n}", 0);
            }
            ["for"] => self.word("each", "each ${1:x} in ${2:list}", 0),
            ["in"] => self.word("parallel", "parallel {\n  $0\n}", 0),
            ["end"] => self.word("run", "run \"${1:why}\"", 0),
            ["without"] => self.word("approval because", "approval because \"${1}\"", 0),
            ["without", "approval"] => self.word("because", "because \"${1}\"", 0),
            ["tenants", ":"] => {
                self.word("all", "all", 0);
                self.word("all except", "all except [\"${1}\"]", 0);
                self.word("group", "group \"${1}\"", 0);
                self.word("listed", "[\"${1}\"]", 0);
            }
            ["impact", ":"] => {
                for impact in ["notify", "reversible", "disruptive", "destructive"] {
                    let doc = crate::features::describe::impact_line(impact);
                    self.items
                        .push(Suggestion::new(impact, Kind::Keyword, 0).doc(doc));
                }
            }
            ["auth", ":"] => {
                for (word, insert) in [
                    ("oauth2", "oauth2(token_url: \"${1}\", scope: \"${2}\")"),
                    ("bearer", "bearer"),
                    ("basic", "basic"),
                    ("header", "header(name: \"${1:X-Api-Key}\")"),
                    ("signed", "signed"),
                    ("none", "none"),
                ] {
                    self.word(word, insert, 0);
                }
            }
            ["request", ":"] => self.connections(None),
            ["request", ":", connection, "."] => {
                let connection = (*connection).to_owned();
                self.connections(Some(&connection));
            }
            ["source", ":"] => {
                self.word("push", "push", 0);
                self.word("poll", "${1:graph}.poll(\"/${2:path}\", every: ${3:5m})", 0);
                self.word(
                    "subscription",
                    "${1:graph}.subscription(\"/${2:path}\", changes: [\"${3:updated}\"], every: ${4:12h})",
                    0,
                );
                self.word("emit", "emit", 0);
            }
            ["after" | "undo", ":"] => {
                self.calls_of(|item| matches!(item, Item::Action(_)), 0);
                for item in &mut self.items {
                    if self.context.first() == "after" {
                        item.insert.clone_from(&item.label);
                    }
                }
            }
            ["idempotent" | "finds", ":"] => {
                self.word("true", "true", 0);
                self.word("false", "false", 0);
            }
            ["attempt"] => {
                self.word("each", "each {\n  $0\n}", 1);
                self.calls_of(|item| matches!(item, Item::Action(_)), 0);
            }
            _ => {}
        }
    }
}

fn arm_meaning(arm: &str) -> &'static str {
    match arm {
        "done" => "when it has been done",
        "failed" => "when it has failed; `failure.reason` says why",
        "approved" => "when enough people have approved; `approval.by` says who",
        "rejected" => "when somebody has said no",
        "unanswered" => "when nobody has answered in time",
        "met" => "when the condition has come true",
        "timed_out" => "when the time is over",
        _ => "",
    }
}
