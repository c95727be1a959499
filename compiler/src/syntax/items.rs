//! The top level's statements in, items out.

use super::{
    ast::{
        Declaration, DefineDecl, EnumDecl, EnumMember, Expr, ExprKind, FieldDecl, Item, Param,
        StepsDecl, TypeDecl, TypeRef, Use, UsePath,
    },
    head::{Builder, Rule},
    reader::{Reader, parts},
    token::Kind,
    tree::Statement,
};
use crate::span::Name;
use pest::iterators::Pair;

/// The head of an action, a query or `steps`.
struct Signature {
    name: Name,
    params: Vec<Param>,
    returns: Option<TypeRef>,
    value: Option<Expr>,
}

impl Reader<'_, '_> {
    /// One item; the statement begins with an item keyword.
    pub(crate) fn item(&mut self, statement: &Statement) -> Item {
        let keyword = statement.word(self.file(), 0).to_owned();
        match keyword.as_str() {
            "use" => {
                let read = self.line(Rule::use_head, statement, |builder, pair| {
                    builder.use_paths(pair)
                });
                let unsure = Vec::new();
                Item::Use(match read {
                    Some(paths) => Use { paths, unsure },
                    None => self.readable_uses(statement),
                })
            }
            "type" => self.type_item(statement),
            "enum" => self.enum_item(statement),
            "connection" => self
                .declaration(Rule::connection_head, statement)
                .map_or(Item::Broken, Item::Connection),
            "event" => self
                .declaration(Rule::event_head, statement)
                .map_or(Item::Broken, Item::Event),
            "action" => self
                .declaration(Rule::action_head, statement)
                .map_or(Item::Broken, Item::Action),
            "query" => self
                .declaration(Rule::query_head, statement)
                .map_or(Item::Broken, Item::Query),
            "steps" => {
                let head = self
                    .read(Rule::steps_head, statement, |builder, pair| {
                        builder.signature(pair)
                    })
                    .flatten();
                let body = self.body(Rule::steps_head, statement);
                head.map_or(Item::Broken, |head| {
                    let Signature {
                        name,
                        params,
                        returns,
                        ..
                    } = head;
                    Item::Steps(StepsDecl {
                        doc: statement.doc(),
                        name,
                        params,
                        returns,
                        body,
                    })
                })
            }
            "define" => {
                let head = self
                    .line(Rule::define_head, statement, |builder, pair| {
                        builder.signature(pair)
                    })
                    .flatten();
                match head {
                    Some(Signature {
                        name,
                        params,
                        returns: Some(returns),
                        value: Some(value),
                    }) => Item::Define(DefineDecl {
                        doc: statement.doc(),
                        name,
                        params,
                        returns,
                        value,
                    }),
                    _ => Item::Broken,
                }
            }
            "param" => self.param_item(statement),
            "guard" => self.guard_item(statement),
            "test" => self.test_item(statement),
            _ => self
                .playbook(statement)
                .map_or(Item::Broken, Item::Playbook),
        }
    }

    /// What a damaged `use` line still brings in or was meant to, so that the lines below do not complain of it.
    fn readable_uses(&mut self, statement: &Statement) -> Use {
        const TRIES_MAX: usize = 64;
        let lengths = (2..statement.pieces.len()).rev().take(TRIES_MAX);
        let paths = lengths.into_iter().find_map(|length| {
            let quiet = Statement {
                pieces: statement.pieces[..length].to_vec(),
                block: None,
                reported: true,
                mended: true,
            };
            self.read(Rule::use_head, &quiet, |builder, pair| {
                builder.use_paths(pair)
            })
        });
        let words = statement.pieces.iter().skip(1);
        let words = words.filter(|piece| piece.kind == Kind::Word);
        Use {
            paths: paths.unwrap_or_default(),
            unsure: words.map(|w| w.text(self.file()).to_owned()).collect(),
        }
    }

    fn type_item(&mut self, statement: &Statement) -> Item {
        let name = self.read(Rule::type_head, statement, first_name).flatten();
        let mut fields = Vec::new();
        if let Some(block) = self.block(Rule::type_head, statement) {
            for line in &block.statements {
                let read = self.line(Rule::field_line, line, |builder, pair| {
                    let fields = parts(pair).filter(|part| part.as_rule() == Rule::field_decl);
                    fields
                        .filter_map(|field| builder.field_decl(field))
                        .collect::<Vec<_>>()
                });
                match read {
                    Some(read) => fields.extend(read),
                    None => {
                        // The field exists all the same; its type is unknown.
                        if let Some(name) = self.name_at(line, 0) {
                            let ty = TypeRef {
                                kind: super::ast::TypeRefKind::Broken,
                                span: name.span,
                            };
                            fields.push(FieldDecl {
                                doc: line.doc(),
                                name,
                                ty,
                            });
                        }
                    }
                }
            }
        }
        name.map_or(Item::Broken, |name| {
            Item::Type(TypeDecl {
                doc: statement.doc(),
                name,
                fields,
            })
        })
    }

    fn enum_item(&mut self, statement: &Statement) -> Item {
        let head = self.read(Rule::enum_head, statement, |builder, pair| {
            let (mut name, mut ordered) = (None, false);
            for part in parts(pair) {
                match part.as_rule() {
                    Rule::name => name = Some(builder.name(&part)),
                    Rule::kw_ordered => ordered = true,
                    _ => {}
                }
            }
            name.map(|name| (name, ordered))
        });
        let (mut members, mut whole) = (Vec::new(), true);
        if let Some(block) = self.block(Rule::enum_head, statement) {
            for line in &block.statements {
                let read = self.line(Rule::enum_line, line, |builder, pair| {
                    let members = parts(pair).filter(|part| part.as_rule() == Rule::enum_member);
                    members
                        .filter_map(|member| builder.enum_member(member))
                        .collect::<Vec<_>>()
                });
                whole &= read.is_some();
                members.extend(read.into_iter().flatten());
            }
        }
        let head = head.flatten();
        head.map_or(Item::Broken, |(name, ordered)| {
            Item::Enum(EnumDecl {
                doc: statement.doc(),
                name,
                ordered,
                members,
                whole,
            })
        })
    }

    fn declaration(&mut self, rule: Rule, statement: &Statement) -> Option<Declaration> {
        let head = self
            .read(rule, statement, |builder, pair| builder.signature(pair))
            .flatten();
        let properties = match self.block(rule, statement) {
            Some(block) => self.properties(rule, block),
            None => Vec::new(),
        };
        let Signature {
            name,
            params,
            returns,
            ..
        } = head?;
        Some(Declaration {
            doc: statement.doc(),
            name,
            params,
            returns,
            properties,
        })
    }
}

fn first_name(builder: &mut Builder<'_, '_, '_>, pair: Pair<'_, Rule>) -> Option<Name> {
    parts(pair)
        .find(|part| part.as_rule() == Rule::name)
        .map(|part| builder.name(&part))
}

impl Builder<'_, '_, '_> {
    fn signature(&mut self, pair: Pair<'_, Rule>) -> Option<Signature> {
        let (mut name, mut params, mut returns, mut value) = (None, Vec::new(), None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::params => params = self.params(part),
                Rule::type_ref => returns = Some(self.type_ref(part)),
                Rule::expr => value = Some(self.expr(part)),
                _ => {}
            }
        }
        Some(Signature {
            name: name?,
            params,
            returns,
            value,
        })
    }

    fn use_paths(&mut self, pair: Pair<'_, Rule>) -> Vec<UsePath> {
        let mut paths = Vec::new();
        for path in parts(pair).filter(|part| part.as_rule() == Rule::use_path) {
            let mut segments: Vec<Name> = Vec::new();
            let mut grouped = false;
            for part in path.into_inner() {
                match part.as_rule() {
                    Rule::any_word => segments.push(self.name(&part)),
                    Rule::use_group => {
                        grouped = true;
                        for word in part
                            .into_inner()
                            .filter(|word| word.as_rule() == Rule::any_word)
                        {
                            let mut whole = segments.clone();
                            whole.push(self.name(&word));
                            paths.push(UsePath { segments: whole });
                        }
                    }
                    _ => {}
                }
            }
            if !grouped {
                paths.push(UsePath { segments });
            }
        }
        paths
    }

    fn field_decl(&mut self, pair: Pair<'_, Rule>) -> Option<FieldDecl> {
        let doc = self.doc(&pair);
        let (mut name, mut ty) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::any_word => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                _ => {}
            }
        }
        Some(FieldDecl {
            doc,
            name: name?,
            ty: ty?,
        })
    }

    fn enum_member(&mut self, pair: Pair<'_, Rule>) -> Option<EnumMember> {
        let (mut name, mut wire) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                Rule::text => wire = Some(self.plain_text(&part)),
                _ => {}
            }
        }
        Some(EnumMember { name: name?, wire })
    }

    /// `intune.noncompliant` as an expression.
    pub(crate) fn path(&mut self, pair: Pair<'_, Rule>) -> Option<Expr> {
        let mut words = pair
            .into_inner()
            .filter(|word| matches!(word.as_rule(), Rule::name | Rule::any_word));
        let first = words.next().map(|word| self.name(&word))?;
        let mut expr = Expr {
            kind: ExprKind::Name(first.text),
            span: first.span,
        };
        for word in words.take(16) {
            let field = self.name(&word);
            let span = expr.span.to(field.span);
            expr = Expr {
                kind: ExprKind::Field {
                    base: Box::new(expr),
                    field,
                    optional: false,
                },
                span,
            };
        }
        Some(expr)
    }
}
