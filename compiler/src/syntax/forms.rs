//! The prose of syntax messages: what each rule of the grammar is called, and how each line is written.

use super::head::Rule;

/// What a rule is to an author.
pub(crate) enum Noun {
    /// A keyword: itself.
    Keyword,
    /// An infix operator, a call's parentheses, a field: how a value may go on.
    Operator,
    /// Any expression.
    Value,
    /// Something with a name of its own.
    Is(&'static str),
}

/// A duration is wanted after these words.
pub(crate) const DURATION_AFTER: &[&str] = &[
    "wait", "most", "after", "within", "valid", "every", "per", "for", "from", "to",
];

/// The words and marks with which a value goes on.
pub(crate) const GOES_ON: &[Rule] = &[
    Rule::open_paren,
    Rule::kw_starts,
    Rule::kw_ends,
    Rule::kw_from,
    Rule::kw_is,
    Rule::kw_not,
    Rule::kw_in,
    Rule::kw_ago,
];

/// What a rule is called.
pub(crate) fn noun(rule: Rule) -> Noun {
    match rule {
        Rule::EOI => Noun::Is("the end of the line"),
        Rule::name
        | Rule::any_word
        | Rule::param
        | Rule::enum_member
        | Rule::field_decl
        | Rule::use_path => Noun::Is("a name"),
        Rule::text => Noun::Is("a text such as `\"…\"`"),
        Rule::type_ref | Rule::type_path | Rule::type_apply => Noun::Is("a type such as `Text`"),
        Rule::open_paren | Rule::params => Noun::Is("`(`"),
        Rule::close_paren => Noun::Is("`)`"),
        Rule::open_square | Rule::list => Noun::Is("a list such as `[\"a\", \"b\"]`"),
        Rule::close_square => Noun::Is("`]`"),
        Rule::open_brace => Noun::Is("`{`"),
        Rule::close_brace => Noun::Is("`}`"),
        Rule::close_angle => Noun::Is("`>`"),
        Rule::comma => Noun::Is("`,`"),
        Rule::colon => Noun::Is("`:`"),
        Rule::arrow => Noun::Is("`->`"),
        Rule::assign => Noun::Is("`=`"),
        Rule::day_word => Noun::Is("`day` or a weekday"),
        Rule::http_method => Noun::Is("a method such as `POST`"),
        Rule::approve_default => Noun::Is("`approve` or `reject`"),
        Rule::event_path => Noun::Is("an event such as `intune.noncompliant`"),
        Rule::every | Rule::every_day => Noun::Is("`every`"),
        Rule::manual => Noun::Is("`manual(…)`"),
        Rule::each_of => Noun::Is("`for each`"),
        Rule::about => Noun::Is("`about`"),
        Rule::by => Noun::Is("`by`"),
        Rule::needs => Noun::Is("`needs`"),
        Rule::within => Noun::Is("`within`"),
        Rule::valid => Noun::Is("`valid`"),
        Rule::default => Noun::Is("`default`"),
        Rule::at_most => Noun::Is("`at most`"),
        Rule::checking => Noun::Is("`checking every`"),
        Rule::refuse => Noun::Is("`refuse more than`"),
        Rule::beyond => Noun::Is("`beyond that`"),
        Rule::expect_never => Noun::Is("`never`"),
        Rule::expect_outcome => Noun::Is("`outcome`"),
        Rule::expect_call => Noun::Is("an action"),
        Rule::use_group => Noun::Is("`(`"),
        Rule::fires_when => Noun::Is("`when`"),
        Rule::fires_once => Noun::Is("`once per`"),
        Rule::tenants_all => Noun::Is("`all`"),
        Rule::tenants_group => Noun::Is("`group`"),
        Rule::json_pair => Noun::Is("a key"),
        Rule::expr
        | Rule::operand
        | Rule::op_not
        | Rule::op_neg
        | Rule::arg
        | Rule::rate
        | Rule::at_a_time
        | Rule::value_name
        | Rule::raw_text
        | Rule::duration
        | Rule::clock
        | Rule::number
        | Rule::int
        | Rule::json
        | Rule::choice
        | Rule::group
        | Rule::search
        | Rule::collect
        | Rule::search_word
        | Rule::collect_word
        | Rule::bool
        | Rule::now => Noun::Value,
        Rule::op_or
        | Rule::op_and
        | Rule::op_eq
        | Rule::op_ne
        | Rule::op_le
        | Rule::op_ge
        | Rule::op_lt
        | Rule::op_gt
        | Rule::op_in
        | Rule::op_not_in
        | Rule::op_contains
        | Rule::op_matches
        | Rule::op_starts_with
        | Rule::op_ends_with
        | Rule::op_coalesce
        | Rule::op_add
        | Rule::op_sub
        | Rule::op_mul
        | Rule::op_div
        | Rule::is_present
        | Rule::is_absent
        | Rule::ago
        | Rule::from_now
        | Rule::field
        | Rule::optional_field
        | Rule::args
        | Rule::dot
        | Rule::open_angle
        | Rule::question => Noun::Operator,
        _ => Noun::Keyword,
    }
}

/// What a line is called, and how it is written.
pub(crate) fn of(rule: Rule) -> (&'static str, &'static str) {
    match rule {
        Rule::use_head => ("a `use` line", "`use microsoft.(identity, entra)`"),
        Rule::type_head => ("a type", "`type User {`, and one `name: Type` per line"),
        Rule::field_line => ("a field", "`name: Type`"),
        Rule::enum_head => ("an enum", "`enum Severity ordered { low, medium, high }`"),
        Rule::enum_line => (
            "a list of members",
            "`low, medium, high` or `member = \"Member\"`",
        ),
        Rule::connection_head => ("a connection", "`connection graph {`"),
        Rule::event_head => ("an event", "`event noncompliant {`"),
        Rule::action_head => (
            "an action",
            "`action block_sign_in(user: User) -> Receipt {`",
        ),
        Rule::query_head => ("a query", "`query manager(user: User) -> User? {`"),
        Rule::steps_head => ("a `steps` item", "`steps contain(user: User) -> Ticket? {`"),
        Rule::define_head => (
            "a definition",
            "`define is_vip(user: User) -> Bool = user.email in tenant.vips`",
        ),
        Rule::param_head => ("a parameter", "`param grace: Duration = 24h`"),
        Rule::guard_head => (
            "a guard",
            "`guard \"what it is for\" {`, and its lines `protect …` and `limit …`",
        ),
        Rule::protect_line => (
            "a protection",
            "`protect user: User where user.id in tenant.break_glass`",
        ),
        Rule::limit_line => (
            "a limit",
            "`limit entra.block_sign_in to 20 per 1h per tenant, beyond that approve by team.soc_leads within 1h`",
        ),
        Rule::test_head => (
            "a test",
            "`test \"what it shows\" of PLAYBOOK {`, and its lines `given …` and `expect …`",
        ),
        Rule::given_tenant_line => ("the tenant of a test", "`given tenant \"contoso\"`"),
        Rule::given_manual_line => (
            "a manual start",
            "`given manual lost_device(user: \"u-17\", reason: \"stolen\")`",
        ),
        Rule::given_schedule_line => ("a scheduled start", "`given schedule stale_account`"),
        Rule::given_webhook_line => (
            "a delivery",
            "`given webhook \"offboarding\" from \"fixtures/leaver.json\"`",
        ),
        Rule::given_vote_line => (
            "a vote",
            "`given approval from \"ana@example.org\" after 10m` or `given rejection from …`",
        ),
        Rule::given_answer_line => (
            "an answer",
            "`given answer \"Not me\" from \"ana@example.org\" after 5m`",
        ),
        Rule::given_event_line => (
            "an event",
            "`given intune.noncompliant from \"fixtures/surface.json\"`, and `after 2h` for a later one",
        ),
        Rule::given_returns_line => (
            "an answer of a service",
            "`given intune.is_compliant returns false`, and `after 4h` for a later one",
        ),
        Rule::given_fails_line => (
            "a failure of a service",
            "`given entra.block_sign_in fails \"insufficient privileges\"`",
        ),
        Rule::expect_line => (
            "an expectation",
            "`expect intune.sync at 4h`, `expect never intune.wipe` or `expect outcome completed`",
        ),
        Rule::playbook_head => ("a playbook", "`playbook lost_device \"Lost Device\" {`"),
        Rule::property_line => ("a property", "`name: VALUE`"),
        Rule::rate_line => ("a rate", "`rate: 20 per 1s per tenant`"),
        Rule::retry_line => ("a retry", "`retry: for 10m, from 1s up to 2m`"),
        Rule::floor_line => (
            "a floor",
            "`destructive: POST \"/devices/*/wipe\"`, perhaps with `only field`",
        ),
        Rule::on_line => (
            "an `on` line",
            "`on 404: absent` or `on 404: \"there is no such user\"`",
        ),
        Rule::confirm_line => (
            "a confirmation",
            "`confirm: not is_enabled(user), within 2m`",
        ),
        Rule::fires_line => (
            "a `fires` line",
            "`fires: when CONDITION`, `fires: when FIELD changes to VALUE` or `fires: once per (KEY, KEY)`",
        ),
        Rule::event_field_line => (
            "an event's field",
            "`field device: Device = VALUE` or `fetched owner: User? = QUERY`",
        ),
        Rule::setting_line => ("a setting", "`mode: active`"),
        Rule::tenants_line => (
            "the tenants",
            "`tenants: all`, `tenants: all except [\"fabrikam\"]`, `tenants: group \"gold\"` or `tenants: [\"contoso\"]`",
        ),
        Rule::when_line => (
            "a trigger",
            "`when intune.noncompliant as drift`, `when every day at 06:00`, `when schedule \"0 7 * * MON\"`, `when manual(user: User)` or `when webhook \"offboarding\" as request: Offboarding`",
        ),
        Rule::webhook_line => (
            "a webhook",
            "`when webhook \"offboarding\" as request: Offboarding`, with the type of its body",
        ),
        Rule::if_line => ("a condition", "`if CONDITION`"),
        Rule::ignore_line => ("an `ignore` line", "`ignore repeats of risk.user for 1h`"),
        Rule::resolved_line => ("a goal", "`resolved when CONDITION, checking every 15m`"),
        Rule::then_line => ("a stage", "`then {`"),
        Rule::wait_until_line => (
            "a wait for a condition",
            "`wait until CONDITION, at most 24h, checking every 15m`",
        ),
        Rule::wait_line => ("a wait", "`wait 4h`"),
        Rule::wait_till_line => (
            "a wait",
            "`wait until 09:00`, `wait until request.last_day` or `wait until CONDITION, at most 24h`",
        ),
        Rule::escalate_line => ("an escalation", "`escalate after 4h unless CONDITION {`"),
        Rule::on_failure_line => ("the last stage", "`on failure {`"),
        Rule::let_line => ("a `let` line", "`let case = ticket.create(title: \"…\")`"),
        Rule::attempt_line | Rule::attempt_each_line => (
            "an attempt",
            "`attempt notify.email(…)` or `attempt each {`",
        ),
        Rule::else_line => ("an `else`", "`else {` or `else if CONDITION {`"),
        Rule::match_line => ("a `match`", "`match VALUE {`"),
        Rule::case_line => (
            "a case",
            "`high, critical {`, `present {`, `absent {` or `else {`",
        ),
        Rule::for_line => (
            "a loop",
            "`for each device in DEVICES, refuse more than 50, 5 at a time {`",
        ),
        Rule::parallel_line => ("a parallel block", "`in parallel {`"),
        Rule::approve_line => (
            "an approval",
            "`approve \"QUESTION\" about user, by team.it, needs 2, within 4h, valid 24h, default reject`",
        ),
        Rule::wait_for_line => (
            "a wait for an event",
            "`wait for intune.noncompliant as later where later.device.id == device.id, at most 2h`",
        ),
        Rule::ask_line => (
            "a question",
            "`ask \"Was this you?\" to user, within 1h { \"Yes\" { … } \"No\" { … } unanswered { … } }`",
        ),
        Rule::answer_line => (
            "an answer",
            "`\"This was me\" {`, `\"Not me\", \"Unsure\" {` or `unanswered {`",
        ),
        Rule::undo_line => ("an undoing", "`undo entra.block_sign_in(user)`"),
        Rule::emit_line => ("an event of our own", "`emit contained(user: risk.user)`"),
        Rule::without_line => (
            "an exception",
            "`without approval because \"the reason\" {`",
        ),
        Rule::end_line => ("the end of the run", "`end run \"why\"`"),
        Rule::return_line => ("a return", "`return VALUE`"),
        Rule::arm_line => ("an arm", "`done {`, `failed {` or `rejected, unanswered {`"),
        _ => ("a step", "`module.action(arguments)`"),
    }
}

/// A token as it is shown in a sentence.
pub(crate) fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    let mut shown: String = line.chars().take(32).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    if shown.contains('`') {
        format!("'{shown}'")
    } else {
        format!("`{shown}`")
    }
}
