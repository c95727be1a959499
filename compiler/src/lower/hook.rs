//! The webhooks of a playbook's head in, what a delivery has to look like and where its body goes out.

use super::Lower;
use crate::check::convert::article;
use crate::check::mention::Meaning;
use crate::check::probe::{Spot, is_marked};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::index::Index;
use crate::near;
use crate::span::Span;
use crate::syntax::ast::{Expr as Ast, Trigger as Written, When};
use counterplay_machine::playbook::{Tenants, Webhook};
use counterplay_machine::types::Type;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a field cannot be delivered.
enum Unfit {
    /// An entity that is not directly a field of the body, and the query that finds it.
    Entity(Arc<str>, Arc<str>),
    /// A type that JSON has nothing for.
    NotJson(Type),
}

impl Lower<'_, '_> {
    /// The body that the webhooks of the head deliver, without the webhook's name; binds its variable.
    pub(super) fn body(&mut self, whens: &[(&When, Span)]) -> Option<Webhook> {
        let hooks: Vec<(&When, Span, Type)> = whens
            .iter()
            .filter_map(|(when, _)| match &when.trigger {
                Written::Webhook(_, ty) => Some((*when, ty.span, self.c.type_of(ty))),
                _ => None,
            })
            .collect();
        let (first, span, ty) = hooks.first()?;
        let alias = first.alias.as_ref()?;
        let lookups = self.delivered(*span, ty);
        let slot = self.c.bind(alias, ty);
        for (when, _, ty) in hooks.iter().skip(1) {
            if let Some(other) = when.alias.as_ref().filter(|o| o.text == alias.text) {
                let meaning = Meaning::Local(alias.span);
                self.c.mention(other.span, meaning, false, Some(ty.clone()));
            }
        }
        Some(Webhook {
            name: Arc::from(""),
            ty: ty.clone(),
            slot,
            lookups,
        })
    }

    /// Checks that a body can be of this type; the fields that are delivered as ids, each with its query.
    fn delivered(&mut self, span: Span, ty: &Type) -> BTreeMap<Arc<str>, Arc<str>> {
        let mut lookups = BTreeMap::new();
        let Type::Record(name) = ty else {
            if *ty != Type::Unknown {
                let place = self.c.at(span);
                let diagnostic = Diagnostic::error(
                    codes::TRIGGER,
                    "a webhook's body is described by a record",
                    place,
                    format!("{} is no record", article(ty)),
                )
                .help("declare a type with the fields that the sender delivers, for instance one with `user: User` and `reason: Text?`");
                self.c.report(diagnostic);
            }
            return lookups;
        };
        if let Some(query) = self.finds(name) {
            let short = short(name);
            let field = short.to_lowercase();
            let diagnostic = self
                .unfit(span, &format!("a webhook's body cannot be a {short} itself"))
                .because(format!(
                    "what a {short} is comes from the tenant (`{query}`), not from whoever sends the request"
                ))
                .help(format!(
                    "declare a type with a field `{field}: {short}`; the sender then delivers the id"
                ));
            self.c.report(diagnostic);
            return lookups;
        }
        if self.c.holds_secret(ty) {
            let diagnostic = self
                .unfit(span, "a webhook's body cannot hold a secret")
                .because("it is stored as it was delivered, and shown to those who look into it");
            self.c.report(diagnostic);
            return lookups;
        }
        let fields = self.c.record(name).map_or(Vec::new(), |r| r.fields);
        for (field, ty) in fields {
            if let Type::Record(record) = ty.present()
                && let Some(query) = self.finds(record)
            {
                lookups.insert(field, query);
                continue;
            }
            let mut path = vec![field.to_string()];
            match self.unfit_inside(&ty, &mut path, &mut vec![name.clone()]) {
                None => {}
                Some(Unfit::Entity(record, query)) => {
                    let (path, short) = (path.join("."), short(&record).to_owned());
                    let diagnostic = self
                        .unfit(span, &format!("`{path}` holds a {short} where none can be delivered"))
                        .because(format!(
                            "a sender delivers the id of a {short}, and the tenant is asked once who that is; this is done for fields of the body itself"
                        ))
                        .help(format!(
                            "deliver ids, as `Text` or `List<Text>`, and ask in the steps: `{query}(id)`"
                        ));
                    self.c.report(diagnostic);
                }
                Some(Unfit::NotJson(inner)) => {
                    let path = path.join(".");
                    let diagnostic = self
                        .unfit(span, &format!("`{path}` cannot be delivered"))
                        .because(format!("JSON has nothing for {}", article(&inner)))
                        .help("take it as a `Text`");
                    self.c.report(diagnostic);
                }
            }
        }
        lookups
    }

    fn unfit(&self, span: Span, message: &str) -> Diagnostic {
        let place = self.c.at(span);
        Diagnostic::error(codes::TRIGGER, message, place, "the type of the body")
    }

    /// The query that finds a record by its id.
    fn finds(&self, record: &Arc<str>) -> Option<Arc<str>> {
        let def = self.c.index.lookup(record)?;
        Some(Index::qualified(&def.module, &def.name.text))
    }

    /// What cannot be delivered inside of a type; `path` then leads to it.
    fn unfit_inside(
        &mut self,
        ty: &Type,
        path: &mut Vec<String>,
        seen: &mut Vec<Arc<str>>,
    ) -> Option<Unfit> {
        match ty {
            Type::Optional(inner) | Type::List(inner) => self.unfit_inside(inner, path, seen),
            Type::Record(name) => {
                if let Some(query) = self.finds(name) {
                    return Some(Unfit::Entity(name.clone(), query));
                }
                if seen.contains(name) {
                    return None;
                }
                seen.push(name.clone());
                for (field, ty) in self.c.record(name)?.fields {
                    path.push(field.to_string());
                    if let Some(unfit) = self.unfit_inside(&ty, path, seen) {
                        return Some(unfit);
                    }
                    path.pop();
                }
                None
            }
            Type::Clock | Type::Event(_) | Type::Nothing => Some(Unfit::NotJson(ty.clone())),
            _ => None,
        }
    }

    /// The name of a webhook, which the project file has to declare.
    pub(super) fn webhook_name(&mut self, expr: &Ast, tenants: &Tenants) -> Option<Arc<str>> {
        let name = self.c.literal(expr)?;
        let meaning = Meaning::Webhook(name.clone());
        self.c.mention(expr.span, meaning, false, None);
        if is_marked(&name) {
            self.c.capture(Spot::Webhook);
        }
        let Some(deployment) = self.c.deployment else {
            return Some(name);
        };
        let place = self.c.at(expr.span);
        match deployment.webhooks.get(&*name) {
            None => {
                let known: Vec<&str> = deployment.webhooks.keys().map(String::as_str).collect();
                let label = match known.as_slice() {
                    [] => "it has none".to_owned(),
                    known => format!("it has {}", near::menu(known.iter().copied())),
                };
                let mut diagnostic = Diagnostic::error(
                    codes::NOT_IN_PROJECT,
                    format!("counterplay.toml has no webhook `{name}`"),
                    place.clone(),
                    label,
                )
                .because("the secret that a sender signs with and the tenant that a delivery belongs to stand there");
                if let Some(near) = near::best(&name, known) {
                    diagnostic = diagnostic.fix(
                        format!("write \"{near}\""),
                        false,
                        place,
                        format!("\"{near}\""),
                    );
                } else if let Some(end) = self.c.project_file.clone()
                    && is_word(&name)
                {
                    let tenant = deployment.tenants.keys().next();
                    let tenant = tenant.map_or("", String::as_str);
                    diagnostic = diagnostic.fix(
                        format!("add a section [webhooks.{name}] to counterplay.toml, with the name of a secret and a tenant"),
                        false,
                        end,
                        format!("\n[webhooks.{name}]\nsecret = \"{}\"\ntenant = \"{tenant}\"\n", secret(&name)),
                    );
                }
                self.c.report(diagnostic);
            }
            Some(webhook) => {
                let tenant = &webhook.tenant;
                let of = deployment.tenants.get(tenant);
                if let Some(of) = of
                    && !tenants.includes(tenant, &of.groups)
                {
                    let diagnostic = Diagnostic::error(
                        codes::TRIGGER,
                        format!("the webhook `{name}` can never start this playbook"),
                        place,
                        format!("its deliveries belong to tenant `{tenant}`"),
                    )
                    .because("`tenants` says that the playbook is not for this tenant")
                    .help("let the playbook be for this tenant, or declare a webhook for another one in counterplay.toml");
                    self.c.report(diagnostic);
                }
            }
        }
        Some(name)
    }

    /// Reports webhooks that start a playbook twice.
    pub(super) fn webhooks_twice(&mut self, whens: &[(&When, Span)]) {
        let mut seen: Vec<(String, Span)> = Vec::new();
        for (when, span) in whens {
            let Written::Webhook(name, _) = &when.trigger else {
                continue;
            };
            let written = self.c.source(name.span);
            match seen.iter().find(|(other, _)| *other == written) {
                None => seen.push((written, *span)),
                Some((_, first)) => {
                    let (place, before) = (self.c.at(*span), self.c.at(*first));
                    let diagnostic = Diagnostic::error(
                        codes::DUPLICATE,
                        format!("the webhook {written} starts this playbook twice"),
                        place,
                        "again",
                    )
                    .also(before, "first");
                    self.c.report(diagnostic);
                }
            }
        }
    }
}

/// A type's name without its module.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Whether a name can stand in a section's head without quotes.
fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A name for the secret of a webhook.
fn secret(webhook: &str) -> String {
    format!("hook-{}", webhook.to_lowercase())
}
