//! The stable codes of findings beyond syntax, each with the one-line rule that it stands for.

/// A name that nothing declares.
pub const UNKNOWN_NAME: &str = "P0201";
/// A module that does not exist, or that is not imported.
pub const UNKNOWN_MODULE: &str = "P0202";
/// A value of another type than its place wants.
pub const TYPE_MISMATCH: &str = "P0203";
/// A field that the type does not have.
pub const UNKNOWN_FIELD: &str = "P0204";
/// A required argument that is left out.
pub const MISSING_ARGUMENT: &str = "P0205";
/// An argument that the callee does not take, or takes once.
pub const UNEXPECTED_ARGUMENT: &str = "P0206";
/// A comparison of unlike things.
pub const UNLIKE_COMPARISON: &str = "P0207";
/// A value that may be absent, used as if it were there.
pub const MAY_BE_ABSENT: &str = "P0208";
/// A member that the enum does not have.
pub const UNKNOWN_MEMBER: &str = "P0209";
/// Two declarations of one name.
pub const DUPLICATE: &str = "P0210";
/// A type that nothing declares.
pub const UNKNOWN_TYPE: &str = "P0211";
/// Something that does not belong in its place: an action inside an expression, a query in a head.
pub const WRONG_PLACE: &str = "P0212";
/// A binding with the name of a member that is meant here.
pub const AMBIGUOUS: &str = "P0213";
/// An order comparison of members that have no order.
pub const UNORDERED: &str = "P0214";
/// A secret that would become visible.
pub const SECRET_EXPOSED: &str = "P0215";
/// A match that leaves cases out.
pub const NOT_EXHAUSTIVE: &str = "P0216";
/// A required property or field that is left out.
pub const MISSING_PROPERTY: &str = "P0217";
/// A property that this declaration does not have.
pub const UNKNOWN_PROPERTY: &str = "P0218";
/// A property whose value cannot be used.
pub const BAD_PROPERTY: &str = "P0219";
/// A team, tenant or group that `counterplay.toml` does not have.
pub const NOT_IN_PROJECT: &str = "P0220";
/// A question whose answer is always the same.
pub const ALWAYS_SO: &str = "P0221";
/// A name that is bound twice.
pub const REBOUND: &str = "P0222";
/// An arm that this step does not have.
pub const UNKNOWN_ARM: &str = "P0223";
/// A line that does nothing.
pub const NO_EFFECT: &str = "P0224";
/// A name that exists only inside an arm, a branch or a loop.
pub const OUT_OF_SCOPE: &str = "P0225";
/// Steps or definitions that call themselves.
pub const CYCLE: &str = "P0226";
/// A playbook without a trigger, without stages, or with triggers that do not fit each other.
pub const TRIGGER: &str = "P0227";
/// A mistake in `counterplay.toml`.
pub const PROJECT_FILE: &str = "P0228";

/// Steps or definitions that grow beyond all measure when they are put in place of their calls.
pub const TOO_LARGE: &str = "P0229";

/// A pattern after `matches` that is none.
pub const PATTERN: &str = "P0230";

/// `undo` of something that was not done before, or that cannot be taken back.
pub const NOTHING_TO_UNDO: &str = "P0231";
/// Playbooks that start each other without end.
pub const EMIT_CYCLE: &str = "P0232";
/// A parameter that a tenant sets and that does not fit, or that nothing declares.
pub const PARAMETER: &str = "P0233";
/// An entry of the project file that matches nobody: no id where ids are compared, or a person in no team.
pub const NO_ID: &str = "P0234";

/// An impact below what the connection says the call can do.
pub const IMPACT_UNDERSTATED: &str = "P0301";
/// A write that the connection's floors do not mention.
pub const UNMENTIONED_WRITE: &str = "P0302";
/// A query that writes.
pub const QUERY_WRITES: &str = "P0303";
/// An action above `notify` that acts on nothing.
pub const ACTS_ON_NOTHING: &str = "P0304";

/// A destructive step that can be reached without an approval.
pub const UNGATED_DESTRUCTIVE: &str = "P0401";
/// A disruptive step that can be reached without an approval.
pub const UNGATED_DISRUPTIVE: &str = "P0402";
/// An approval that may have expired when its step is reached.
pub const APPROVAL_EXPIRES: &str = "P0403";
/// A step that can never be reached.
pub const UNREACHABLE: &str = "P0404";
/// Escalation levels whose times do not increase.
pub const LEVELS: &str = "P0405";
/// Actions in an order in which the later one is undone by the earlier one's absence.
pub const ORDER: &str = "P0406";
/// An approval that silence grants.
pub const DEFAULT_APPROVE: &str = "P0407";
/// An approval that can never be given.
pub const IMPOSSIBLE_APPROVAL: &str = "P0408";
/// A decision by a field of an event that happened long ago.
pub const STALE: &str = "P0409";
/// An escalation level that no run comes to.
pub const LEVEL_NEVER: &str = "P0410";
/// An escalation level whose time is over before any run can come to it.
pub const LEVEL_PASSED: &str = "P0411";
/// Harm that would be done to every element of a list, however long it is.
pub const HARM_TO_MANY: &str = "P0412";
/// Two playbooks that act on one kind of entity in opposite ways.
pub const OPPOSED: &str = "P0413";

/// The codes of warnings: those whose level `[lints]` of a project file may lower. Some of them are errors where
/// something would be destroyed, and then they stay errors.
pub const WARNINGS: &[&str] = &[
    ALWAYS_SO,
    NO_ID,
    UNGATED_DISRUPTIVE,
    APPROVAL_EXPIRES,
    UNREACHABLE,
    DEFAULT_APPROVE,
    STALE,
    LEVEL_NEVER,
    LEVEL_PASSED,
    HARM_TO_MANY,
    OPPOSED,
];
