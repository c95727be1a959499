//! The syntax tree of one item: what the author wrote, with places, before any name is looked up.

use crate::span::{Name, Span};

/// A top-level item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `use microsoft.(identity, entra)`.
    Use(Use),
    /// `type User { … }`.
    Type(TypeDecl),
    /// `enum Severity ordered { … }`.
    Enum(EnumDecl),
    /// `connection graph { … }`.
    Connection(Declaration),
    /// `action block_sign_in(user: User) -> T { … }`.
    Action(Declaration),
    /// `query manager(user: User) -> User? { … }`.
    Query(Declaration),
    /// `event noncompliant { … }`.
    Event(Declaration),
    /// `steps contain(user: User) -> Ticket? { … }`.
    Steps(StepsDecl),
    /// `define is_vip(u: User) -> Bool = …`.
    Define(DefineDecl),
    /// `param grace: Duration = 24h`.
    Param(ParamDecl),
    /// `guard "…" { … }`.
    Guard(GuardDecl),
    /// `test "…" { … }`.
    Test(TestDecl),
    /// `playbook id "Title" { … }`.
    Playbook(Playbook),
    /// An item whose head could not be read; its block was analysed for syntax all the same.
    Broken,
}

impl Item {
    /// The declared name, or a playbook's id.
    pub fn name(&self) -> Option<&Name> {
        match self {
            Item::Use(_) | Item::Guard(_) | Item::Test(_) | Item::Broken => None,
            Item::Type(d) => Some(&d.name),
            Item::Enum(d) => Some(&d.name),
            Item::Connection(d) | Item::Action(d) | Item::Query(d) | Item::Event(d) => {
                Some(&d.name)
            }
            Item::Steps(d) => Some(&d.name),
            Item::Define(d) => Some(&d.name),
            Item::Param(d) => Some(&d.name),
            Item::Playbook(d) => Some(&d.id),
        }
    }
}

/// `use a.b` brings `b`; `use a.(b, c), d` brings `b`, `c` and `d`.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// Every module that the line brings, as full paths.
    pub paths: Vec<UsePath>,
    /// What a line that cannot be read may bring, too: its words. Nothing where it can be read.
    pub unsure: Vec<String>,
}

/// One imported module.
#[derive(Clone, Debug, PartialEq)]
pub struct UsePath {
    /// `["microsoft", "entra"]`.
    pub segments: Vec<Name>,
}

/// A record type.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeDecl {
    /// Documentation from `///` lines.
    pub doc: String,
    /// The type's name.
    pub name: Name,
    /// The fields in order.
    pub fields: Vec<FieldDecl>,
}

/// `name: Type` in a record.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDecl {
    /// Documentation.
    pub doc: String,
    /// The field's name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
}

/// An enum.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumDecl {
    /// Documentation.
    pub doc: String,
    /// The enum's name.
    pub name: Name,
    /// Whether the members are ordered, lowest first.
    pub ordered: bool,
    /// The members: name and, where it differs, the value on the wire.
    pub members: Vec<EnumMember>,
    /// Whether all of its lines could be read.
    pub whole: bool,
}

/// `member = "Member"`.
#[derive(Clone, Debug, PartialEq)]
pub struct EnumMember {
    /// The name in the language.
    pub name: Name,
    /// The value on the wire, where it differs from the name.
    pub wire: Option<String>,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeRef {
    /// The shape.
    pub kind: TypeRefKind,
    /// Where it stands.
    pub span: Span,
}

/// The shapes of a written type.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeRefKind {
    /// `Text`, `User`, `ticket.Ticket` (the segments).
    Name(Vec<Name>),
    /// `List<T>`, `Secret<T>`.
    Apply(Name, Box<TypeRef>),
    /// `T?`.
    Optional(Box<TypeRef>),
    /// Unreadable.
    Broken,
}

/// `name: Type = default`.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The parameter's name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
    /// Whether the action acts on it although it is no entity (`on address: Text`).
    pub on: bool,
    /// The value when it is left out.
    pub default: Option<Expr>,
}

/// The common shape of connections, actions, queries and events: a head and properties.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// Documentation from `///` lines.
    pub doc: String,
    /// The name.
    pub name: Name,
    /// Parameters (actions and queries).
    pub params: Vec<Param>,
    /// The type of the result (actions and queries).
    pub returns: Option<TypeRef>,
    /// The lines of the body in order.
    pub properties: Vec<Property>,
}

/// One line of a declaration's body.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// `impact` of `impact: reversible`; `on` of `on 404: absent`; `field`, `fetched`.
    pub key: Name,
    /// What stands after it.
    pub value: PropertyValue,
    /// The whole line.
    pub span: Span,
}

/// What a property's line holds.
#[derive(Clone, Debug, PartialEq)]
pub enum PropertyValue {
    /// `key: EXPR, EXPR` (base, auth, timeout, impact, idempotent, undo, after, permission, request,
    /// expect, returns, source, known_by …).
    Exprs(Vec<Expr>),
    /// `rate: 20 per 1s per tenant`; several limits may follow each other with commas.
    Rate {
        /// How many calls.
        count: Expr,
        /// In which time.
        per: Expr,
        /// Whether each tenant has its own budget.
        per_tenant: bool,
    },
    /// `retry: for 10m, from 1s up to 2m`.
    Retry {
        /// For how long in all.
        within: Expr,
        /// The first pause.
        from: Expr,
        /// The longest pause.
        up_to: Expr,
    },
    /// `destructive: POST "/path/*"` with `only accountEnabled, …`; also `disruptive`, `reversible`, `notify`, `reads`.
    Floor {
        /// `POST`, `PATCH`, …
        method: Name,
        /// The pattern, `*` for one segment.
        path: Expr,
        /// The body's only fields, where the floor is narrowed to them.
        only: Vec<Name>,
    },
    /// `on 404: absent`, `on 404: "there is no user {user.name}"`, `on 400: done`,
    /// `on 400 where body.error.code == "x": done`.
    On {
        /// The HTTP status.
        status: Expr,
        /// A condition over `body`.
        condition: Option<Expr>,
        /// `absent`, `done` or a message.
        then: Expr,
    },
    /// `confirm: COND, within 2m`.
    Confirm {
        /// What must hold.
        condition: Expr,
        /// For how long to look.
        within: Option<Expr>,
    },
    /// `fires: when COND` / `fires: when raw.x changes to "v"` / `fires: once per (raw.id, raw.updated)`.
    Fires(Fires),
    /// `field name: T = EXPR` and `fetched name: T = EXPR`.
    Field {
        /// Documentation.
        doc: String,
        /// The field's name.
        name: Name,
        /// Its type.
        ty: TypeRef,
        /// Its value.
        value: Expr,
    },
    /// Unreadable; the diagnostic is already there.
    Broken,
}

/// When an observed object is an occurrence.
#[derive(Clone, Debug, PartialEq)]
pub enum Fires {
    /// `when COND`, judged on each object alone.
    When(Expr),
    /// `when SUBJECT changes to VALUE`.
    ChangesTo(Expr, Expr),
    /// `once per (KEY, …)`.
    OncePer(Vec<Expr>),
}

/// `steps name(params) -> T { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct StepsDecl {
    /// Documentation.
    pub doc: String,
    /// The name.
    pub name: Name,
    /// Parameters.
    pub params: Vec<Param>,
    /// The type of the result.
    pub returns: Option<TypeRef>,
    /// The steps.
    pub body: Block,
}

/// `define name(params) -> T = EXPR`.
#[derive(Clone, Debug, PartialEq)]
pub struct DefineDecl {
    /// Documentation.
    pub doc: String,
    /// The name.
    pub name: Name,
    /// Parameters.
    pub params: Vec<Param>,
    /// The type of the result.
    pub returns: TypeRef,
    /// The pure expression.
    pub value: Expr,
}

/// `param name: T = EXPR`: a value that each tenant may set.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamDecl {
    /// Documentation.
    pub doc: String,
    /// The name.
    pub name: Name,
    /// Its type.
    pub ty: TypeRef,
    /// The value for tenants that set none.
    pub default: Expr,
}

/// `guard "title" { … }`: what no playbook may do.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardDecl {
    /// Documentation.
    pub doc: String,
    /// What it is for, a fixed text.
    pub title: Expr,
    /// Its lines.
    pub lines: Vec<GuardLine>,
}

/// A line of a guard.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardLine {
    /// What it is.
    pub kind: GuardLineKind,
    /// The whole line.
    pub span: Span,
}

/// The kinds of lines in a guard.
#[derive(Clone, Debug, PartialEq)]
pub enum GuardLineKind {
    /// `protect u: User where u.id in tenant.break_glass`.
    Protect {
        /// The entity's name.
        var: Name,
        /// Its type.
        ty: TypeRef,
        /// Which are protected.
        condition: Box<Expr>,
    },
    /// `limit entra.block_sign_in to 20 per 1h per tenant, beyond that approve by team.leads within 1h`.
    Limit {
        /// The action.
        action: Expr,
        /// How many.
        count: Expr,
        /// In which time.
        per: Expr,
        /// Whether each tenant has its own budget.
        per_tenant: bool,
        /// Who decides beyond it, and for how long they are waited for.
        beyond: Option<Box<(Expr, Expr)>>,
    },
    /// Unreadable.
    Broken,
}

/// `test "title" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct TestDecl {
    /// Documentation.
    pub doc: String,
    /// What it shows, a fixed text.
    pub title: Expr,
    /// The playbook that it is of; the only one of its file when left out.
    pub of: Option<Name>,
    /// Its lines.
    pub lines: Vec<TestLine>,
}

/// A line of a test.
#[derive(Clone, Debug, PartialEq)]
pub struct TestLine {
    /// What it is.
    pub kind: TestLineKind,
    /// The whole line.
    pub span: Span,
}

/// The kinds of lines in a test.
#[derive(Clone, Debug, PartialEq)]
pub enum TestLineKind {
    /// `given tenant "contoso"`.
    Tenant(Expr),
    /// `given manual lost_device(user: "u-17")`.
    Manual(Expr),
    /// `given schedule stale_account`.
    Schedule(Name),
    /// `given webhook "offboarding" from "fixtures/leaver.json"`.
    Webhook {
        /// The webhook's name.
        name: Expr,
        /// The file with the body.
        file: Expr,
    },
    /// `given approval from "ana@example.org" after 10m`, `given rejection …`.
    Vote {
        /// Whether in favour.
        approve: bool,
        /// Who.
        from: Expr,
        /// When, from the start of the run.
        after: Expr,
    },
    /// `given answer "Not me" from "ana@example.org" after 5m`.
    Answer {
        /// What is answered.
        answer: Expr,
        /// By whom.
        from: Expr,
        /// When, from the start of the run.
        after: Expr,
    },
    /// `given intune.noncompliant from "fixtures/x.json" after 2h`.
    Event {
        /// The event.
        event: Expr,
        /// The file with the payload.
        file: Expr,
        /// When, from the start of the run; one without starts the run.
        after: Option<Expr>,
    },
    /// `given intune.is_compliant returns false after 4h`.
    Returns {
        /// The query, or the action.
        call: Expr,
        /// What it gives.
        value: Expr,
        /// From when on, from the start of the run.
        after: Option<Expr>,
    },
    /// `given entra.block_sign_in fails "insufficient privileges"`.
    Fails {
        /// The action or query.
        call: Expr,
        /// Why.
        reason: Expr,
    },
    /// `expect entra.block_sign_in at 24h`.
    Expect {
        /// The action.
        action: Expr,
        /// When, from the start of the run.
        at: Option<Expr>,
    },
    /// `expect never intune.wipe`.
    ExpectNever(Expr),
    /// `expect outcome completed with failures`: the words.
    ExpectOutcome(Vec<Name>),
    /// Unreadable.
    Broken,
}

/// A playbook.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// Documentation.
    pub doc: String,
    /// The stable id.
    pub id: Name,
    /// The title for people.
    pub title: Option<Expr>,
    /// Everything inside, in the order written.
    pub lines: Vec<PlaybookLine>,
    /// The head, `playbook id "Title"`.
    pub head: Span,
}

/// A line or stage of a playbook.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaybookLine {
    /// What it is.
    pub kind: PlaybookLineKind,
    /// The line's head (without its block).
    pub span: Span,
}

/// The kinds of lines in a playbook.
#[derive(Clone, Debug, PartialEq)]
pub enum PlaybookLineKind {
    /// `mode: active`, `tags: [..]`.
    Setting(Name, Expr),
    /// `tenants: all except ["x"]`, `tenants: group "gold"`, `tenants: ["a"]`.
    Tenants(Tenants),
    /// `when …`.
    When(When),
    /// `if CONDITION` (no block).
    If(Expr),
    /// `ignore repeats of KEY for D`.
    IgnoreRepeats {
        /// The key.
        key: Expr,
        /// For how long; while the run is open when left out.
        within: Option<Expr>,
    },
    /// `resolved when COND, checking every D`.
    ResolvedWhen {
        /// The goal.
        condition: Expr,
        /// How often to look while waiting.
        checking_every: Option<Expr>,
    },
    /// `then { … }`.
    Then(Block),
    /// `wait D` between stages.
    Wait(Expr),
    /// `wait until 09:00` or `wait until TIME` between stages.
    WaitTill(Expr),
    /// `escalate after D unless COND { … }`.
    Escalate {
        /// From the start of the run.
        after: Expr,
        /// Skips the level when it holds.
        unless: Option<Expr>,
        /// What to do.
        body: Block,
    },
    /// `on failure { … }`.
    OnFailure(Block),
    /// Unreadable; its block was analysed for syntax.
    Broken,
}

/// Which tenants a playbook is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Tenants {
    /// `all`, with exceptions.
    All {
        /// Left out.
        except: Vec<Expr>,
    },
    /// `group "gold"`.
    Group(Expr),
    /// `["contoso"]`.
    Listed(Vec<Expr>),
}

/// `when TRIGGER as NAME, for each VAR in LIST`.
#[derive(Clone, Debug, PartialEq)]
pub struct When {
    /// What starts the run.
    pub trigger: Trigger,
    /// `as NAME`.
    pub alias: Option<Name>,
    /// `, for each VAR in LIST`.
    pub for_each: Option<(Name, Expr)>,
}

/// What starts a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// A declared event, `intune.noncompliant`.
    Event(Expr),
    /// `every 15m`.
    Every(Expr),
    /// `every day at 07:00`, `every monday at 09:00`: the word and the clock time.
    EveryDay(Name, Expr),
    /// `schedule "0 7 * * MON" in "Europe/London"`: five fields as cron has them, and the time zone.
    Schedule(Expr, Option<Expr>),
    /// `manual(user: User, reason: Text)`.
    Manual(Vec<Param>),
    /// `webhook "offboarding" as request: Offboarding`: the webhook's name and the type of its body.
    Webhook(Expr, TypeRef),
}

/// Steps in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Block {
    /// The steps.
    pub steps: Vec<Step>,
    /// From `{` to `}`.
    pub span: Span,
}

/// A step with its arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// `done { … }`, `failed { … }`, `approved { … }` …
    pub arms: Vec<Arm>,
    /// The step's head (without blocks).
    pub span: Span,
}

/// An arm: what to do on one outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// `done`, `failed`, `approved`, `rejected`, `unanswered` or what the author wrote instead.
    pub name: Name,
    /// Outcomes that it is for, too: `rejected, unanswered { … }`.
    pub also: Vec<Name>,
    /// The steps.
    pub body: Block,
}

impl Arm {
    /// The outcomes that it is for.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(&self.also)
    }

    /// Whether it is for an outcome.
    pub fn is_for(&self, outcome: &str) -> bool {
        self.names().any(|name| name.text == outcome)
    }
}

/// The kinds of steps.
#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    /// A call on a line of its own: an action, `steps`, or (a mistake) something else.
    Do(Expr),
    /// `let x = …`.
    Let {
        /// The new name.
        name: Name,
        /// Its value; `ExprKind::Missing` when it could not be read.
        value: Expr,
    },
    /// `attempt ACTION`.
    Attempt(Expr),
    /// `attempt each { … }`.
    AttemptEach(Block),
    /// `if c { … } else if d { … } else { … }`.
    If {
        /// Conditions and blocks in order.
        branches: Vec<(Expr, Block)>,
        /// The last `else`.
        otherwise: Option<Block>,
    },
    /// `match v { … }`.
    Match {
        /// What is looked at.
        subject: Expr,
        /// The cases in order.
        cases: Vec<MatchCase>,
    },
    /// `for each x in LIST, refuse more than N, N at a time { … }`.
    ForEach {
        /// The element's name.
        var: Name,
        /// The list.
        list: Expr,
        /// The limit.
        refuse_more_than: Option<Expr>,
        /// How many at once.
        at_a_time: Option<Expr>,
        /// The body.
        body: Block,
    },
    /// `in parallel { … }`: each step of the block is a branch.
    InParallel(Block),
    /// `then { … }` inside `in parallel`: several steps as one branch.
    Group(Block),
    /// `wait D`.
    Wait(Expr),
    /// `wait until 09:00`, `wait until TIME`.
    WaitTill(Expr),
    /// `wait until COND, at most D, checking every D`.
    WaitUntil {
        /// What is waited for.
        condition: Expr,
        /// For how long at most.
        at_most: Expr,
        /// How often to look; 15m when left out.
        checking_every: Option<Expr>,
    },
    /// `wait for EVENT as e where COND, at most D`.
    WaitFor {
        /// The event.
        event: Expr,
        /// Its name.
        alias: Name,
        /// Which one is meant.
        condition: Option<Expr>,
        /// For how long at most.
        at_most: Expr,
    },
    /// `approve "…" about x, by team.soc, needs 2, within 4h, valid 24h, default reject`.
    Approve(Approve),
    /// `ask "…" to user, within 1h`.
    Ask(Ask),
    /// `undo entra.block_sign_in(user)`.
    Undo(Expr),
    /// `emit contained(user: user)`.
    Emit(Expr),
    /// `without approval because "…" { … }`.
    WithoutApproval {
        /// The reason on the record.
        because: Expr,
        /// The steps that it covers.
        body: Block,
    },
    /// `end run "why"`.
    EndRun(Option<Expr>),
    /// `return x` in `steps`.
    Return(Option<Expr>),
    /// Unreadable; the block is analysed all the same.
    Broken(Option<Block>),
}

/// A gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Approve {
    /// What is asked.
    pub question: Expr,
    /// The entities that it covers.
    pub about: Vec<Expr>,
    /// Who may answer.
    pub by: Option<Expr>,
    /// How many distinct people; 1 when left out.
    pub needs: Option<Expr>,
    /// How long to wait; 4h when left out.
    pub within: Option<Expr>,
    /// How long the approval holds; 24h when left out.
    pub valid: Option<Expr>,
    /// `approve` or `reject` when nobody answers; `reject` when left out.
    pub default: Option<Name>,
}

/// A question to a person; never a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What is asked.
    pub question: Expr,
    /// Who is asked.
    pub to: Expr,
    /// How long to wait; 4h when left out.
    pub within: Option<Expr>,
    /// What may be answered, and what follows.
    pub answers: Vec<Answer>,
    /// What follows when nobody answers.
    pub unanswered: Option<Block>,
}

/// `"Not me", "Unsure" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The answers, fixed texts.
    pub texts: Vec<Expr>,
    /// Whether it is what follows silence, too: `"Not me", unanswered { … }`.
    pub unanswered: Option<Span>,
    /// The steps.
    pub body: Block,
    /// The head.
    pub span: Span,
}

/// One case of a `match`.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchCase {
    /// The patterns; empty for `else`.
    pub patterns: Vec<Pattern>,
    /// The steps.
    pub body: Block,
    /// The head.
    pub span: Span,
}

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `present`.
    Present(Span),
    /// `absent`.
    Absent(Span),
    /// An enum member, a number, a text.
    Value(Expr),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `42`.
    Int(i64),
    /// `1.5`.
    Number(f64),
    /// `4h`, in milliseconds.
    Duration(i64),
    /// `07:00`, in minutes since midnight.
    ClockTime(u16),
    /// `"…"` and `"""…"""` with interpolations, escapes resolved.
    Text(Vec<TextPart>),
    /// `r"…"`.
    Raw(String),
    /// `true`, `false`.
    Bool(bool),
    /// `now`.
    Now,
    /// A name.
    Name(String),
    /// `base.field`, `base?.field`.
    Field {
        /// What is looked into.
        base: Box<Expr>,
        /// Which field.
        field: Name,
        /// `?.`.
        optional: bool,
    },
    /// `callee(args)`.
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// The arguments.
        args: Vec<Arg>,
    },
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ key: value }` inside parentheses or brackets.
    Json(Vec<(Name, Expr)>),
    /// `not x`, `-x`.
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `x is present` (true) or `x is absent` (false).
    Is(Box<Expr>, bool),
    /// `90d ago`.
    Ago(Box<Expr>),
    /// `2h from now`.
    FromNow(Box<Expr>),
    /// `(if c then a else b)`.
    If {
        /// The condition.
        condition: Box<Expr>,
        /// When it holds.
        then: Box<Expr>,
        /// When it does not.
        otherwise: Box<Expr>,
    },
    /// `any(d in xs where c)`, `list(EXPR for d in xs where c)` and relatives.
    Comprehension {
        /// Which one.
        kind: ComprehensionKind,
        /// The element's expression (`list`, `sum`).
        body: Option<Box<Expr>>,
        /// The element's name.
        var: Name,
        /// The list.
        source: Box<Expr>,
        /// The filter.
        filter: Option<Box<Expr>>,
    },
    /// Unreadable or left out; the diagnostic is already there.
    Missing,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum TextPart {
    /// Characters, escapes resolved.
    Literal(String),
    /// `{expr}`.
    Interpolation(Expr),
}

/// An argument, `value` or `name: value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// The parameter's name.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `not`.
    Not,
    /// `-`.
    Neg,
}

/// Infix operators, loosest first: `or`; `and`; comparisons, `in`, `contains` …; `??`; `+ -`; `* /`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `contains`
    Contains,
    /// `matches`
    Matches,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
    /// `??`
    Coalesce,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

/// The comprehensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComprehensionKind {
    /// `any(d in xs where c)`: at least one.
    Any,
    /// `all(d in xs where c)`: every one.
    All,
    /// `count(d in xs where c)`.
    Count,
    /// `first(d in xs where c)`: optional.
    First,
    /// `list(EXPR for d in xs where c)`.
    List,
    /// `sum(EXPR for d in xs where c)`.
    Sum,
}
