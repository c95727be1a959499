//! Small pairs in, names and types of the tree out.

use pest::iterators::Pair;

use super::{
    ast::{Param, TypeRef, TypeRefKind},
    head::{Builder, Rule},
};
use crate::span::Name;

impl Builder<'_, '_, '_> {
    /// A word as a name.
    pub(crate) fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name {
            text: pair.as_str().trim_end().to_owned(),
            span: self.span(pair),
        }
    }

    /// `(user: User, on address: Text = "…")`.
    pub(crate) fn params(&mut self, pair: Pair<'_, Rule>) -> Vec<Param> {
        pair.into_inner()
            .filter(|inner| inner.as_rule() == Rule::param)
            .filter_map(|param| self.param(param))
            .collect()
    }

    fn param(&mut self, pair: Pair<'_, Rule>) -> Option<Param> {
        let (mut name, mut ty, mut on, mut default) = (None, None, false, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_on => on = true,
                Rule::any_word => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                Rule::expr => default = Some(self.expr(part)),
                _ => {}
            }
        }
        Some(Param {
            name: name?,
            ty: ty?,
            on,
            default,
        })
    }

    /// A type as written.
    pub(crate) fn type_ref(&mut self, pair: Pair<'_, Rule>) -> TypeRef {
        let span = self.span(&pair);
        let mut optional = false;
        let mut inner = TypeRef {
            kind: TypeRefKind::Broken,
            span,
        };
        for part in pair.into_inner() {
            let span = self.span(&part);
            match part.as_rule() {
                Rule::type_path => {
                    let names = part
                        .into_inner()
                        .filter(|word| matches!(word.as_rule(), Rule::name | Rule::any_word));
                    inner = TypeRef {
                        kind: TypeRefKind::Name(names.map(|word| self.name(&word)).collect()),
                        span,
                    };
                }
                Rule::type_apply => {
                    let (mut name, mut argument) = (None, None);
                    for piece in part.into_inner() {
                        match piece.as_rule() {
                            Rule::name => name = Some(self.name(&piece)),
                            Rule::type_ref => argument = Some(self.type_ref(piece)),
                            _ => {}
                        }
                    }
                    if let (Some(name), Some(argument)) = (name, argument) {
                        inner = TypeRef {
                            kind: TypeRefKind::Apply(name, Box::new(argument)),
                            span,
                        };
                    }
                }
                Rule::question => optional = true,
                _ => {}
            }
        }
        if optional {
            TypeRef {
                kind: TypeRefKind::Optional(Box::new(inner)),
                span,
            }
        } else {
            inner
        }
    }
}
