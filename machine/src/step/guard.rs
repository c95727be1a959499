//! Guards: an action and its arguments in, whether it may be performed now out.

use super::{Consulted, Effect, Stepper};
use crate::declare::Impact;
use crate::eval::{Env, eval_bool};
use crate::expr::Slot;
use crate::guard::{BEYOND_BUDGET, BLOCKED, Beyond, ENTITY, Guard, Rule};
use crate::playbook::Perform;
use crate::state::{Budget, OpenApproval};
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

/// A budget of which nothing is left.
struct Spent<'a> {
    budget: Budget,
    /// Who decides beyond it; absent where nobody may.
    beyond: Option<&'a Beyond>,
}

impl Spent<'_> {
    fn told(&self) -> String {
        format!("the {}", self.fact())
    }

    fn fact(&self) -> String {
        let Budget {
            guard,
            action,
            count,
            per_ms,
            ..
        } = &self.budget;
        let per = crate::duration::format_ms(*per_ms);
        format!("guard “{guard}” allows {count} per {per} of `{action}`, and no more are left")
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

impl<'a> Stepper<'a, '_> {
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
        let spent = self.spent(thread, perform, args);
        // What nobody may allow is settled before anybody is asked.
        if let Some(spent) = spent.iter().find(|spent| spent.beyond.is_none()) {
            return Verdict::Blocked(format!("{BLOCKED}: {}", spent.told()));
        }
        let call = self.effect_id(thread);
        // Each budget has people of its own to ask: a yes to one says nothing of another.
        let asked = spent.iter().find_map(|spent| {
            let let_beyond = self.run.let_beyond.iter().any(|one| {
                one.call == call && one.budget.as_ref().is_none_or(|b| *b == spent.budget)
            });
            spent.beyond.filter(|_| !let_beyond).map(|by| (spent, by))
        });
        match asked {
            Some((spent, beyond)) => self.beyond(thread, spent, perform, args, beyond),
            None => Verdict::Free,
        }
    }

    /// The budgets of which nothing is left for an action.
    fn spent(&self, thread: u32, perform: &Perform, args: &[Value]) -> Vec<Spent<'a>> {
        let guards = self.context.guards;
        let rules = guards
            .iter()
            .flat_map(|guard| guard.rules.iter().map(move |rule| (guard, rule)));
        rules
            .filter_map(|(guard, rule)| match rule {
                Rule::Limit {
                    action,
                    count,
                    per_ms,
                    per_tenant,
                    beyond,
                } if *action == perform.action => {
                    let budget = Budget {
                        guard: guard.title.clone(),
                        action: action.clone(),
                        count: *count,
                        per_ms: *per_ms,
                        per_tenant: *per_tenant,
                    };
                    let beyond = beyond.as_ref();
                    let spent = Spent { budget, beyond };
                    // What is on record is asked for each call, so that none takes what was said of another.
                    let was_spent = self.recalls(thread, perform, args, &spent);
                    let is_spent = self.used(action, *per_ms, *per_tenant) >= u64::from(*count);
                    (was_spent || is_spent).then_some(spent)
                }
                _ => None,
            })
            .collect()
    }

    /// Whether a budget was spent when this call was about to be made, as far as that is on record.
    fn recalls(&self, thread: u32, perform: &Perform, args: &[Value], spent: &Spent<'_>) -> bool {
        self.context.recalls.is_some_and(|recalls| {
            let about: Vec<String> = perform
                .acts_on
                .iter()
                .filter_map(|i| args.get(*i as usize))
                .map(Value::label)
                .collect();
            recalls(&Consulted {
                call: &self.effect_id(thread),
                action: &perform.action,
                args: &self.args_json(&perform.action, args),
                about: &about,
                spent: &spent.fact(),
            })
        })
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
        spent: &Spent<'_>,
        perform: &Perform,
        args: &[Value],
        beyond: &Beyond,
    ) -> Verdict {
        let asked = match self.eval(thread, &beyond.by) {
            Ok(asked) => asked,
            Err(error) => {
                return Verdict::Blocked(format!(
                    "{BLOCKED}: “{}” cannot ask anybody: {error}",
                    spent.budget.guard
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
                "{BLOCKED}: {}, and nobody may decide beyond it",
                spent.told()
            ));
        }
        let call = self.effect_id(thread);
        let let_beyond = self.run.let_beyond.iter();
        // Each question about the call has an id of its own.
        let id = match let_beyond.filter(|one| one.call == call).count() {
            0 => format!("{call}!guard"),
            before => format!("{call}!guard{}", before + 1),
        };
        let label = self.label(thread).to_string();
        let question = format!("{BEYOND_BUDGET} {}", capitalised(&spent.told()));
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
            budget: Some(spent.budget.clone()),
        };
        self.open_approval(thread, id, open);
        Verdict::Asked
    }
}
