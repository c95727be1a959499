//! One diagnostic value for every renderer: what is wrong, where, why, and how to mend it.

use crate::span::Place;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The project does not compile.
    Error,
    /// It compiles; someone should look.
    Warning,
}

impl Severity {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// The stable code, `P0203`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One short sentence that stands alone, in the author's words.
    pub message: String,
    /// Every place that matters; the first is the primary one.
    pub labels: Vec<Label>,
    /// Why the rule exists, told by its consequence.
    pub why: Option<String>,
    /// What to do, when there is no mechanical fix.
    pub help: Option<String>,
    /// Mechanical fixes.
    pub fixes: Vec<Fix>,
}

/// A place and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What.
    pub text: String,
}

/// A fix as data.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// Whether it may be applied without looking.
    pub safe: bool,
    /// The replacements.
    pub edits: Vec<(Place, String)>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(
        code: &'static str,
        message: impl Into<String>,
        place: Place,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: vec![Label {
                place,
                text: label.into(),
            }],
            why: None,
            help: None,
            fixes: Vec::new(),
        }
    }

    /// A warning at a place.
    pub fn warning(
        code: &'static str,
        message: impl Into<String>,
        place: Place,
        label: impl Into<String>,
    ) -> Self {
        Diagnostic {
            severity: Severity::Warning,
            ..Diagnostic::error(code, message, place, label)
        }
    }

    /// Adds another place.
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.labels.push(Label {
            place,
            text: label.into(),
        });
        self
    }

    /// Says why the rule exists.
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds a fix that replaces one place.
    pub fn fix(
        mut self,
        title: impl Into<String>,
        safe: bool,
        place: Place,
        replacement: impl Into<String>,
    ) -> Self {
        self.fixes.push(Fix {
            title: title.into(),
            safe,
            edits: vec![(place, replacement.into())],
        });
        self
    }
}
