// The words of grammar/play.pest in, grouped by where they stand out: the grammar and its tests share these lists.

/** Words that are never names, except after `.` and before `:`. */
export const reserved = ["and", "or", "not", "in", "is", "let", "if", "else", "for", "true", "false", "now"];

/** Words that begin an item at the left margin. */
export const items = ["use", "type", "enum", "connection", "event", "query", "action", "steps", "define", "param", "guard", "test", "playbook"];

/** Words that begin a line of a playbook, a stage or a declaration. */
export const starters = [
  "when", "if", "ignore", "resolved", "then", "wait", "escalate", "on", "let", "attempt", "else", "match", "for", "in",
  "approve", "ask", "undo", "emit", "without", "end", "return", "field", "fetched", "protect", "limit", "given", "expect",
];

/** Words between two operands: something that can be read stands behind each. */
export const before = [
  "about", "after", "as", "at", "because", "by", "checking", "each", "every", "except", "from", "group", "most", "needs",
  "of", "once", "only", "per", "than", "to", "unless", "until", "up", "valid", "when", "where", "with", "within",
];

/** Words that have a rule of their own in the grammar; the tests name a line for each. */
export const phrases = [
  "a", "absent", "ago", "all", "answer", "approval", "beyond", "changes", "contains", "default", "ends", "fails", "failure", "manual", "matches", "more", "never", "ordered", "outcome", "parallel", "present",
  "refuse", "reject", "rejection", "repeats", "returns", "run", "schedule", "starts", "tenant", "that", "time", "webhook",
];

/** Words whose line goes on with words of its own behind the `:`; other words before a `:` are names. */
export const properties = ["confirm", "fires", "rate", "retry", "tenants"];

/** The harm that a connection's call can do, before a method. */
export const floors = ["destructive", "disruptive", "reversible", "notify", "reads"];

/** Words that may follow an operand: before one of these, a word is a name and no keyword. */
export const follows = [
  "and", "or", "not\\s+in", "in", "is", "contains", "matches", "starts", "ends", "ago", "where", "for", "as", "unless", "within", "by", "about",
  "then", "else", "because", "needs", "valid", "default", "per", "changes", "checking", "except", "only",
];

/** Outcomes that begin an arm. */
export const arms = [
  "done", "failed", "approved", "rejected", "unanswered", "met", "timed_out", "came", "present", "absent",
];

/** The days of `every monday at 09:00`. */
export const days = ["day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** Words that look through a list: the former only before `(x in …`, the latter before any bracket. */
export const searches = ["any", "all", "count", "first"];
export const collects = ["list", "sum"];
