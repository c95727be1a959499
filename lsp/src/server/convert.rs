//! Plain data of the features in, the protocol's types out.

use super::ask::Document;
use super::open::Editor;
use crate::features::completion::{self, Suggestion};
use crate::features::diagnostics::{Finding, Fix};
use crate::features::{completion as completions, folding, hints, signature, symbols, tokens};
use crate::snapshot::{Location, Snapshot};
use crate::text::{Encoding, Lines};
use counterplay_compiler::diagnostic::Severity;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::str::FromStr;
use tower_lsp::ls_types::{self as lsp, Uri};

/// A range of bytes as the editor counts.
pub(crate) fn range(lines: &Lines<'_>, range: &Range<usize>) -> lsp::Range {
    let position = |offset| {
        let at = lines.position(offset);
        lsp::Position::new(at.line, at.character)
    };
    lsp::Range::new(position(range.start), position(range.end))
}

/// A text that is put into another, with the line ends that stand there.
pub(crate) fn in_style_of(text: &str, inserted: String) -> String {
    if text.contains("\r\n") && !inserted.contains('\r') {
        inserted.replace('\n', "\r\n")
    } else {
        inserted
    }
}

/// Places of several files; each text is looked at once.
pub(crate) struct Places<'s> {
    snapshot: &'s Snapshot,
    editor: &'s Editor,
    encoding: Encoding,
    texts: BTreeMap<String, Option<std::sync::Arc<str>>>,
}

impl<'s> Places<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot, editor: &'s Editor, encoding: Encoding) -> Self {
        Places {
            snapshot,
            editor,
            encoding,
            texts: BTreeMap::new(),
        }
    }

    /// A place as the editor names it.
    pub(crate) fn location(&mut self, at: &Location) -> Option<lsp::Location> {
        let text = self
            .texts
            .entry(at.path.clone())
            .or_insert_with(|| self.snapshot.text_of(&at.path))
            .clone()?;
        let uri = self.editor.uri(&at.path)?;
        let lines = Lines::new(&text, self.encoding);
        Some(lsp::Location::new(uri, range(&lines, &at.range)))
    }

    /// Changes as the editor makes them.
    #[allow(clippy::mutable_key_type)] // An address never changes.
    pub(crate) fn edit(&mut self, edits: &[(Location, String)]) -> lsp::WorkspaceEdit {
        let mut changes: HashMap<Uri, Vec<lsp::TextEdit>> = HashMap::new();
        for (at, text) in edits {
            if let Some(place) = self.location(at) {
                let around = self.texts.get(&at.path).and_then(Option::as_deref);
                let text = in_style_of(around.unwrap_or(""), text.clone());
                changes
                    .entry(place.uri)
                    .or_default()
                    .push(lsp::TextEdit::new(place.range, text));
            }
        }
        lsp::WorkspaceEdit {
            changes: Some(changes),
            ..lsp::WorkspaceEdit::default()
        }
    }

    /// A finding.
    pub(crate) fn diagnostic(&mut self, lines: &Lines<'_>, finding: &Finding) -> lsp::Diagnostic {
        let related: Vec<lsp::DiagnosticRelatedInformation> = if self.editor.related {
            let places = finding.related.iter();
            places
                .filter_map(|(at, text)| {
                    Some(lsp::DiagnosticRelatedInformation {
                        location: self.location(at)?,
                        message: text.clone(),
                    })
                })
                .collect()
        } else {
            Vec::new()
        };
        // The page about the code is read like a file of the library.
        let page = Uri::from_str(&crate::features::library::page_path(finding.code)).ok();
        lsp::Diagnostic {
            range: range(lines, &finding.range),
            severity: Some(match finding.severity {
                Severity::Error => lsp::DiagnosticSeverity::ERROR,
                Severity::Warning => lsp::DiagnosticSeverity::WARNING,
            }),
            code: Some(lsp::NumberOrString::String(finding.code.to_owned())),
            code_description: page.map(|href| lsp::CodeDescription { href }),
            source: Some("counterplay".into()),
            message: finding.message.clone(),
            related_information: (!related.is_empty()).then_some(related),
            tags: finding
                .unnecessary
                .then(|| vec![lsp::DiagnosticTag::UNNECESSARY]),
            data: None,
        }
    }

    /// A fix as an action that the editor offers.
    pub(crate) fn action(
        &mut self,
        title: String,
        kind: lsp::CodeActionKind,
        preferred: bool,
        fix: &Fix,
        mends: Option<lsp::Diagnostic>,
    ) -> lsp::CodeActionOrCommand {
        lsp::CodeActionOrCommand::CodeAction(lsp::CodeAction {
            title,
            kind: Some(kind),
            diagnostics: mends.map(|diagnostic| vec![diagnostic]),
            edit: Some(self.edit(&fix.edits)),
            is_preferred: Some(preferred),
            ..lsp::CodeAction::default()
        })
    }
}

/// Markdown.
pub(crate) fn markdown(text: String) -> lsp::MarkupContent {
    lsp::MarkupContent {
        kind: lsp::MarkupKind::Markdown,
        value: text,
    }
}

/// A suggestion; `resolve` finds its documentation from `data`.
pub(crate) fn suggestion(
    document: &Document,
    uri: &Uri,
    snippets: bool,
    replaces: lsp::Range,
    item: Suggestion,
) -> lsp::CompletionItem {
    use completions::Kind;
    let new_text = if snippets {
        item.insert
    } else {
        completion::plain(&item.insert)
    };
    let also = item.also.map(|(at, text)| {
        let text = in_style_of(&document.text, text);
        vec![lsp::TextEdit::new(range(&document.lines(), &at), text)]
    });
    lsp::CompletionItem {
        kind: Some(match item.kind {
            Kind::Keyword => lsp::CompletionItemKind::KEYWORD,
            Kind::Action | Kind::Function => lsp::CompletionItemKind::FUNCTION,
            Kind::Query => lsp::CompletionItemKind::METHOD,
            Kind::Event => lsp::CompletionItemKind::EVENT,
            Kind::Field => lsp::CompletionItemKind::FIELD,
            Kind::Variable => lsp::CompletionItemKind::VARIABLE,
            Kind::Member => lsp::CompletionItemKind::ENUM_MEMBER,
            Kind::Type => lsp::CompletionItemKind::STRUCT,
            Kind::Module => lsp::CompletionItemKind::MODULE,
            Kind::Project => lsp::CompletionItemKind::CONSTANT,
        }),
        detail: (!item.detail.is_empty()).then_some(item.detail),
        documentation: (!item.doc.is_empty())
            .then(|| lsp::Documentation::MarkupContent(markdown(item.doc))),
        sort_text: Some(format!("{:02} {}", item.rank, item.label)),
        filter_text: Some(item.label.trim_end_matches([':', ' ']).to_owned()),
        insert_text_format: Some(if snippets {
            lsp::InsertTextFormat::SNIPPET
        } else {
            lsp::InsertTextFormat::PLAIN_TEXT
        }),
        text_edit: Some(lsp::CompletionTextEdit::Edit(lsp::TextEdit::new(
            replaces, new_text,
        ))),
        additional_text_edits: also,
        data: item
            .declared
            .map(|(module, name)| json!({ "uri": uri, "module": module, "name": name })),
        label: item.label,
        ..lsp::CompletionItem::default()
    }
}

/// The form of a call.
pub(crate) fn signature(signature: signature::Signature) -> lsp::SignatureHelp {
    // The protocol counts in UTF-16 units here, whatever was agreed for positions.
    let units = |bytes: usize| signature.label[..bytes].encode_utf16().count() as u32;
    let parameters = signature
        .params
        .iter()
        .map(|param| lsp::ParameterInformation {
            label: lsp::ParameterLabel::LabelOffsets([units(param.start), units(param.end)]),
            documentation: None,
        })
        .collect();
    let active = signature.active.map(|i| i as u32);
    lsp::SignatureHelp {
        active_signature: Some(0),
        active_parameter: active,
        signatures: vec![lsp::SignatureInformation {
            parameters: Some(parameters),
            documentation: (!signature.doc.is_empty())
                .then(|| lsp::Documentation::MarkupContent(markdown(signature.doc.clone()))),
            active_parameter: active,
            label: signature.label,
        }],
    }
}

fn symbol_kind(kind: symbols::Kind) -> lsp::SymbolKind {
    use symbols::Kind;
    match kind {
        Kind::Playbook => lsp::SymbolKind::CLASS,
        Kind::Stage => lsp::SymbolKind::OPERATOR,
        Kind::Trigger | Kind::Event => lsp::SymbolKind::EVENT,
        Kind::Action | Kind::Query | Kind::Steps | Kind::Define => lsp::SymbolKind::FUNCTION,
        Kind::Type => lsp::SymbolKind::STRUCT,
        Kind::Enum => lsp::SymbolKind::ENUM,
        Kind::Field => lsp::SymbolKind::FIELD,
        Kind::Member => lsp::SymbolKind::ENUM_MEMBER,
        Kind::Connection => lsp::SymbolKind::INTERFACE,
        Kind::Param => lsp::SymbolKind::CONSTANT,
        Kind::Guard => lsp::SymbolKind::INTERFACE,
        Kind::Test => lsp::SymbolKind::METHOD,
    }
}

/// An outline as a tree.
#[allow(deprecated)] // The protocol's old field has to be named to be left out.
pub(crate) fn outline(lines: &Lines<'_>, symbol: symbols::Symbol) -> lsp::DocumentSymbol {
    lsp::DocumentSymbol {
        name: symbol.name,
        detail: (!symbol.detail.is_empty()).then_some(symbol.detail),
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: range(lines, &symbol.range),
        selection_range: range(lines, &symbol.selection),
        children: (!symbol.children.is_empty()).then(|| {
            let children = symbol.children.into_iter();
            children.map(|child| outline(lines, child)).collect()
        }),
    }
}

/// An outline as a list, for editors that show no trees.
pub(crate) fn flat(
    lines: &Lines<'_>,
    uri: &Uri,
    symbols: Vec<symbols::Symbol>,
) -> Vec<lsp::SymbolInformation> {
    let mut out = Vec::new();
    for symbol in symbols {
        let at = lsp::Location::new(uri.clone(), range(lines, &symbol.range));
        out.push(information(symbol.name, symbol.kind, at));
        out.extend(flat(lines, uri, symbol.children));
    }
    out
}

/// A symbol with its place.
#[allow(deprecated)] // The protocol's old field has to be named to be left out.
pub(crate) fn information(
    name: String,
    kind: symbols::Kind,
    location: lsp::Location,
) -> lsp::SymbolInformation {
    lsp::SymbolInformation {
        name,
        kind: symbol_kind(kind),
        tags: None,
        deprecated: None,
        location,
        container_name: None,
    }
}

/// Tokens, each counted from the one before it.
pub(crate) fn tokens(lines: &Lines<'_>, tokens: &[tokens::Token]) -> lsp::SemanticTokens {
    let mut last = lsp::Position::new(0, 0);
    let mut data = Vec::with_capacity(tokens.len());
    for token in tokens {
        let at = range(lines, &token.range);
        let delta_line = at.start.line - last.line;
        data.push(lsp::SemanticToken {
            delta_line,
            delta_start: if delta_line == 0 {
                at.start.character - last.character
            } else {
                at.start.character
            },
            length: at.end.character - at.start.character,
            token_type: token.kind as u32,
            token_modifiers_bitset: token.modifiers,
        });
        last = at.start;
    }
    lsp::SemanticTokens {
        result_id: None,
        data,
    }
}

/// A region that can be folded.
pub(crate) fn fold(lines: &Lines<'_>, fold: &folding::Fold) -> lsp::FoldingRange {
    let at = range(lines, &fold.range);
    lsp::FoldingRange {
        start_line: at.start.line,
        // The line of the closing brace stays.
        end_line: match fold.kind {
            folding::Kind::Block => at.end.line.saturating_sub(1).max(at.start.line),
            folding::Kind::Comment | folding::Kind::Imports => at.end.line,
        },
        kind: match fold.kind {
            folding::Kind::Block => None,
            folding::Kind::Comment => Some(lsp::FoldingRangeKind::Comment),
            folding::Kind::Imports => Some(lsp::FoldingRangeKind::Imports),
        },
        ..lsp::FoldingRange::default()
    }
}

/// A hint.
pub(crate) fn hint(lines: &Lines<'_>, hint: hints::Hint) -> lsp::InlayHint {
    lsp::InlayHint {
        position: range(lines, &(hint.at..hint.at)).start,
        label: lsp::InlayHintLabel::String(hint.label),
        kind: hint.is_type.then_some(lsp::InlayHintKind::TYPE),
        text_edits: None,
        tooltip: Some(lsp::InlayHintTooltip::String(hint.tooltip.to_owned())),
        padding_left: Some(!hint.is_type),
        padding_right: None,
        data: None,
    }
}
