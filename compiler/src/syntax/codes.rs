//! Every syntax code in one place. Goes in: nothing; comes out: the stable codes of family 01.

/// The file is not UTF-8 text.
pub const NOT_TEXT: &str = "P0101";
/// The file is longer than the limit.
pub const FILE_TOO_LONG: &str = "P0102";
/// A statement is longer than the limit.
pub const STATEMENT_TOO_LONG: &str = "P0103";
/// Blocks, brackets or operators are nested too deeply.
pub const TOO_DEEP: &str = "P0104";
/// A text's quote is not closed on its line, or a block text is not closed at all.
pub const OPEN_TEXT: &str = "P0105";
/// The inside of a text cannot be read: an unknown escape, or an interpolation that does not end.
pub const BAD_TEXT: &str = "P0106";
/// A number with letters that are no unit, or a clock time that does not exist.
pub const BAD_NUMBER: &str = "P0107";
/// A character that means nothing in this language.
pub const BAD_CHARACTER: &str = "P0108";
/// A notation from another language, with what this language writes instead.
pub const FOREIGN: &str = "P0109";
/// A closing bracket that closes nothing.
pub const STRAY_CLOSER: &str = "P0110";
/// A bracket or brace that is never closed.
pub const UNCLOSED: &str = "P0111";
/// A line that needs a block has none, or its `{` stands on the next line.
pub const MISSING_BLOCK: &str = "P0112";
/// A block stands after a line that takes none.
pub const UNEXPECTED_BLOCK: &str = "P0113";
/// Something stands at the top of the file that is no item.
pub const NOT_AN_ITEM: &str = "P0114";
/// A line cannot be read: what was expected and what was found.
pub const UNEXPECTED: &str = "P0115";
/// A misspelt keyword.
pub const MISSPELT: &str = "P0116";
/// A comma is missing between two things.
pub const MISSING_COMMA: &str = "P0117";
/// Comparisons are chained.
pub const CHAINED_COMPARISON: &str = "P0118";
/// The lines of a playbook stand in the wrong order, or one stands twice.
pub const HEAD_ORDER: &str = "P0119";
/// A line stands in a block that does not hold such lines.
pub const MISPLACED: &str = "P0120";
/// `else` without an `if`.
pub const LONELY_ELSE: &str = "P0121";
/// A line in a step's braces that is no arm.
pub const NOT_AN_ARM: &str = "P0122";
/// The same clause stands twice in one line.
pub const TWICE: &str = "P0124";
/// A reserved word stands where a name is wanted.
pub const RESERVED: &str = "P0125";
/// A character that nobody sees, or a letter that looks like another: they hide what is written.
pub const HIDDEN: &str = "P0126";
/// Both sides of a change that version control could not merge.
pub const CONFLICT: &str = "P0127";
