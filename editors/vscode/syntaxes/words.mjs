// The words of grammar/play.pest in, grouped by where they stand out: the grammar and its tests share these lists.

/** Words that are never names, except after `.` and before `:`. */
export const reserved = ["and", "or", "not", "in", "is", "let", "if", "else", "for", "true", "false", "now"];

/** Words that begin an item at the left margin. */
export const items = ["use", "type", "enum", "connection", "event", "query", "action", "steps", "define", "playbook"];

/** Words that begin a line of a playbook, a stage or a declaration. */
export const starters = [
  "when", "if", "ignore", "resolved", "then", "wait", "escalate", "on", "let", "attempt", "else", "match", "for", "in",
  "approve", "without", "end", "return", "field", "fetched",
];

/** Words between two operands: something that can be read stands behind each. */
export const before = [
  "about", "after", "as", "at", "because", "by", "checking", "contains", "each", "every", "except", "from", "group", "most", "needs",
  "of", "once", "only", "per", "than", "to", "unless", "until", "up", "valid", "when", "where", "with", "within",
];

/** Words that have a rule of their own in the grammar; the tests name a line for each. */
export const phrases = [
  "a", "absent", "ago", "all", "approval", "changes", "default", "ends", "failure", "manual", "more", "ordered", "parallel", "present",
  "refuse", "repeats", "run", "starts", "tenant", "time",
];

/** Words before a `:`, where every word is shown as a property: deliberately not coloured as keywords. */
export const properties = ["confirm", "fires", "rate", "retry", "tenants"];

/** Words that may follow an operand: before one of these, a word is a name and no keyword. */
export const follows = [
  "and", "or", "not\\s+in", "in", "is", "contains", "starts", "ends", "ago", "where", "for", "as", "unless", "within", "by", "about",
  "then", "else", "because", "needs", "valid", "default", "per", "changes", "checking", "except", "only",
];

/** Outcomes that begin an arm. */
export const arms = [
  "done", "failed", "approved", "rejected", "unanswered", "met", "timed_out", "came", "present", "absent",
];

/** The days of `every monday at 09:00`. */
export const days = ["day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** The functions of the language that take `x in xs`. */
export const searches = ["any", "all", "count", "first", "list", "sum"];
