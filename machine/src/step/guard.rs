//! Guards: an action and its arguments in, whether it may be performed now out.

use super::{Effect, Stepper};
use crate::declare::Impact;
use crate::eval::{Env, eval_bool};
use crate::expr::Slot;
use crate::guard::{BLOCKED, ENTITY, Guard, Rule};
use crate::playbook::Perform;
use crate::state::OpenApproval;
use crate::value::Value;
use std::sync::Arc;

/// What guards say of an action.
pub(super) enum Verdict {
    /// It may be performed.
    Free,
    /// It may not, and why.
    Blocked(String),
    /// People are asked first; the thread waits for them.
    Asked,
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

impl Stepper<'_, '_> {
    /// Looks at every guard. One that cannot be evaluated blocks.
    pub(super) fn guarded(&mut self, thread: u32, perform: &Perform, args: &[Value]) -> Verdict {
        if perform.impact <= Impact::Notify {
            return Verdict::Free;
        }
        let guards = self.context.guards;
        // What is protected is settled before anybody is asked.
        for guard in guards {
            for rule in &guard.rules {
                if let Some(reason) = self.protected(guard, rule, perform, args) {
                    return Verdict::Blocked(reason);
                }
            }
        }
        for guard in guards {
            for rule in &guard.rules {
                let Rule::Limit {
                    action,
                    count,
                    per_ms,
                    per_tenant,
                    beyond,
                } = rule
                else {
                    continue;
                };
                let id = self.effect_id(thread);
                if *action != perform.action
                    || self.used(action, *per_ms, *per_tenant) < u64::from(*count)
                    || self.run.let_through.contains(&id)
                {
                    continue;
                }
                let spent = format!(
                    "the guard “{}” allows {count} per {} of `{action}`, and no more are left",
                    guard.title,
                    crate::duration::format_ms(*per_ms)
                );
                return match beyond {
                    Some(beyond) => self.beyond(thread, guard, perform, args, beyond, &spent),
                    None => Verdict::Blocked(format!("{BLOCKED}: {spent}")),
                };
            }
        }
        Verdict::Free
    }

    /// Why a rule protects an entity that an action acts on, where one does.
    fn protected(
        &self,
        guard: &Guard,
        rule: &Rule,
        perform: &Perform,
        args: &[Value],
    ) -> Option<String> {
        let Rule::Protect { ty, condition } = rule else {
            return None;
        };
        let entities = perform
            .acts_on
            .iter()
            .filter_map(|i| args.get(*i as usize))
            .flat_map(|arg| match arg {
                Value::List(items) => items.iter().collect(),
                one => vec![one],
            });
        let fits = |entity: &&Value| matches!(entity, Value::Record(r) if r.ty == *ty);
        entities
            .filter(fits)
            .find_map(|entity| match self.protects(condition, entity) {
                Ok(false) => None,
                Ok(true) => Some(format!(
                    "{BLOCKED}: “{}” protects {}",
                    guard.title,
                    entity.label()
                )),
                Err(error) => Some(format!(
                    "{BLOCKED}: “{}” cannot be evaluated: {error}",
                    guard.title
                )),
            })
    }

    fn protects(
        &self,
        condition: &crate::expr::Expr,
        entity: &Value,
    ) -> Result<bool, crate::eval::EvalError> {
        let slots = |slot: Slot| (slot == ENTITY).then(|| entity.clone());
        let names = |_: Slot| Some(Arc::from("the protected entity"));
        eval_bool(
            condition,
            &Env {
                types: &self.context.program.types,
                deployment: self.context.deployment,
                tenant: &self.run.tenant,
                now_ms: self.now_ms,
                run: None,
                call: None,
                slots: &slots,
                names: &names,
            },
        )
    }

    /// How often an action was performed lately, this transition included.
    fn used(&self, action: &str, per_ms: i64, per_tenant: bool) -> u64 {
        let tenant = per_tenant.then_some(self.run.tenant.name.as_str());
        let since_ms = self.now_ms.saturating_sub(per_ms);
        let now =
            self.out.effects.iter().filter(
                |effect| matches!(effect, Effect::Perform { action: a, .. } if **a == *action),
            );
        (self.context.uses)(action, tenant, since_ms).saturating_add(now.count() as u64)
    }

    /// Asks people whether an action may go beyond its budget.
    fn beyond(
        &mut self,
        thread: u32,
        guard: &Guard,
        perform: &Perform,
        args: &[Value],
        beyond: &crate::guard::Beyond,
        spent: &str,
    ) -> Verdict {
        let asked = match self.eval(thread, &beyond.by) {
            Ok(asked) => asked,
            Err(error) => {
                return Verdict::Blocked(format!(
                    "{BLOCKED}: “{}” cannot ask anybody: {error}",
                    guard.title
                ));
            }
        };
        let about: Vec<(String, String)> = perform
            .acts_on
            .iter()
            .filter_map(|i| args.get(*i as usize))
            .map(|v| (v.entity_key(), v.label()))
            .collect();
        let super::approve::Electorate {
            team,
            eligible,
            excluded,
            stand_ins,
        } = self.electorate(&asked, Some(args));
        if eligible.is_empty() {
            return Verdict::Blocked(format!(
                "{BLOCKED}: {spent}, and nobody may decide beyond it"
            ));
        }
        let id = format!("{}!guard", self.effect_id(thread));
        let label = self.label(thread).to_string();
        let question = format!("Perform it all the same? {}", capitalised(spent));
        let (node, path) = self.place(thread);
        let open = OpenApproval {
            node,
            path,
            question,
            about,
            actions: vec![label],
            team,
            eligible,
            excluded,
            needs: 1,
            votes: Vec::new(),
            until_ms: self.now_ms.saturating_add(beyond.within_ms),
            valid_ms: beyond.within_ms,
            answers: Vec::new(),
            stand_ins,
            known: Vec::new(),
        };
        self.open_approval(thread, id, open);
        Verdict::Asked
    }
}
