//! The lines of connections, actions, queries and events in, properties out.

use pest::iterators::Pair;

use super::{
    ast::{Fires, Property, PropertyValue},
    codes,
    head::{Builder, Rule},
    reader::{Reader, parts},
    token::Kind,
    tree::{Block, Statement},
};
use crate::span::Name;

const FLOORS: &[&str] = &["destructive", "disruptive", "reversible", "notify", "reads"];

impl Reader<'_, '_> {
    /// The properties in a declaration's block; `owner` is the rule of its head.
    pub(crate) fn properties(&mut self, owner: Rule, block: &Block) -> Vec<Property> {
        block
            .statements
            .iter()
            .flat_map(|statement| self.property(owner, statement))
            .collect()
    }

    fn property(&mut self, owner: Rule, statement: &Statement) -> Vec<Property> {
        let rule = self.property_rule(owner, statement);
        let doc = statement.doc();
        let values = if statement.pieces.is_empty() {
            None
        } else {
            self.line(rule, statement, |builder, pair| {
                builder.property(rule, pair, doc)
            })
            .filter(|values| !values.is_empty())
        };
        let span = self.head_span(statement);
        let start = self.span((statement.range().0, statement.range().0));
        let key = self.name_at(statement, 0).unwrap_or(Name {
            text: String::new(),
            span: start,
        });
        let values = values.unwrap_or_else(|| vec![PropertyValue::Broken]);
        values
            .into_iter()
            .map(|value| Property {
                key: key.clone(),
                value,
                span,
            })
            .collect()
    }

    fn property_rule(&self, owner: Rule, statement: &Statement) -> Rule {
        let first = statement.word(self.file(), 0);
        let colon = statement.kind(1) == Some(Kind::Colon);
        match first {
            "rate" if colon => Rule::rate_line,
            "retry" if colon => Rule::retry_line,
            "confirm" if colon => Rule::confirm_line,
            "fires" if colon => Rule::fires_line,
            "on" if !colon => Rule::on_line,
            "field" | "fetched" if statement.kind(1) == Some(Kind::Word) => Rule::event_field_line,
            word if colon && owner == Rule::connection_head && FLOORS.contains(&word) => {
                Rule::floor_line
            }
            _ => Rule::property_line,
        }
    }
}

impl Builder<'_, '_, '_> {
    fn property(&mut self, rule: Rule, pair: Pair<'_, Rule>, doc: String) -> Vec<PropertyValue> {
        let value = match rule {
            Rule::rate_line => {
                return pair
                    .into_inner()
                    .filter(|part| part.as_rule() == Rule::rate)
                    .filter_map(|rate| self.rate(rate))
                    .collect();
            }
            Rule::retry_line => self.retry(pair),
            Rule::floor_line => self.floor(pair),
            Rule::on_line => self.on(pair),
            Rule::confirm_line => self.confirm(pair),
            Rule::fires_line => self.fires(pair),
            Rule::event_field_line => self.event_field(pair, doc),
            _ => Some(PropertyValue::Exprs(self.exprs(pair))),
        };
        value.into_iter().collect()
    }

    fn rate(&mut self, pair: Pair<'_, Rule>) -> Option<PropertyValue> {
        let per_tenant = pair
            .clone()
            .into_inner()
            .any(|part| part.as_rule() == Rule::kw_tenant);
        let mut exprs = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::expr);
        let count = exprs.next().map(|part| self.expr(part))?;
        let per = exprs.next().map(|part| self.duration_expr(part))?;
        Some(PropertyValue::Rate {
            count,
            per,
            per_tenant,
        })
    }

    fn retry(&mut self, pair: Pair<'_, Rule>) -> Option<PropertyValue> {
        let mut exprs = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::expr);
        let within = exprs.next().map(|part| self.duration_expr(part))?;
        let from = exprs.next().map(|part| self.duration_expr(part))?;
        let up_to = exprs.next().map(|part| self.duration_expr(part))?;
        Some(PropertyValue::Retry {
            within,
            from,
            up_to,
        })
    }

    fn floor(&mut self, pair: Pair<'_, Rule>) -> Option<PropertyValue> {
        let (mut method, mut path, mut only) = (None, None, Vec::new());
        for part in parts(pair) {
            match part.as_rule() {
                Rule::http_method => method = Some(self.name(&part)),
                Rule::text => {
                    let span = self.span(&part);
                    path = Some(super::ast::Expr {
                        kind: self.literal(&part),
                        span,
                    });
                }
                Rule::any_word => only.push(self.name(&part)),
                _ => {}
            }
        }
        Some(PropertyValue::Floor {
            method: method?,
            path: path?,
            only,
        })
    }

    fn on(&mut self, pair: Pair<'_, Rule>) -> Option<PropertyValue> {
        let mut exprs = self.exprs(pair);
        let then = exprs.pop()?;
        let mut exprs = exprs.into_iter();
        Some(PropertyValue::On {
            status: exprs.next()?,
            condition: exprs.next(),
            then,
        })
    }

    fn confirm(&mut self, pair: Pair<'_, Rule>) -> Option<PropertyValue> {
        let mut exprs = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::expr);
        let condition = exprs.next().map(|part| self.expr(part))?;
        let within = exprs.next().map(|part| self.duration_expr(part));
        Some(PropertyValue::Confirm { condition, within })
    }

    fn fires(&mut self, pair: Pair<'_, Rule>) -> Option<PropertyValue> {
        let part = parts(pair)
            .find(|part| matches!(part.as_rule(), Rule::fires_when | Rule::fires_once))?;
        let once = part.as_rule() == Rule::fires_once;
        let range = self.range(&part);
        let exprs = self.exprs(part);
        if once {
            return Some(PropertyValue::Fires(Fires::OncePer(exprs)));
        }
        let mut exprs = exprs.into_iter();
        match (exprs.next(), exprs.next()) {
            (Some(subject), Some(value)) => {
                Some(PropertyValue::Fires(Fires::ChangesTo(subject, value)))
            }
            (Some(condition), None) => Some(PropertyValue::Fires(Fires::When(condition))),
            _ => {
                let diagnostic = self.report.error(
                    codes::UNEXPECTED,
                    "`fires` needs a condition",
                    range,
                    "nothing to go by",
                );
                self.report.push(diagnostic);
                None
            }
        }
    }

    fn event_field(&mut self, pair: Pair<'_, Rule>, doc: String) -> Option<PropertyValue> {
        let (mut name, mut ty, mut value) = (None, None, None);
        for part in parts(pair) {
            match part.as_rule() {
                Rule::any_word => name = Some(self.name(&part)),
                Rule::type_ref => ty = Some(self.type_ref(part)),
                Rule::expr => value = Some(self.expr(part)),
                _ => {}
            }
        }
        Some(PropertyValue::Field {
            doc,
            name: name?,
            ty: ty?,
            value: value?,
        })
    }
}
