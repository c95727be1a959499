//! Guards: an action and its arguments in, whether it may be performed now out.

use super::{Effect, Stepper};
use crate::declare::Impact;
use crate::eval::{Env, eval_bool};
use crate::expr::Slot;
use crate::guard::{BLOCKED, ENTITY, Guard, Rule};
use crate::journal::What;
use crate::playbook::Perform;
use crate::state::{OpenApproval, Waiting};
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
        for guard in guards {
            for rule in &guard.rules {
                match rule {
                    Rule::Protect { ty, condition } => {
                        let entities = perform
                            .acts_on
                            .iter()
                            .filter_map(|i| args.get(*i as usize))
                            .flat_map(|arg| match arg {
                                Value::List(items) => items.iter().collect(),
                                one => vec![one],
                            });
                        for entity in entities {
                            let fits = matches!(entity, Value::Record(record) if record.ty == *ty);
                            if !fits {
                                continue;
                            }
                            match self.protects(condition, entity) {
                                Ok(false) => {}
                                Ok(true) => {
                                    return Verdict::Blocked(format!(
                                        "{BLOCKED}: “{}” protects {}",
                                        guard.title,
                                        entity.label()
                                    ));
                                }
                                Err(error) => {
                                    return Verdict::Blocked(format!(
                                        "{BLOCKED}: “{}” cannot be evaluated: {error}",
                                        guard.title
                                    ));
                                }
                            }
                        }
                    }
                    Rule::Limit {
                        action,
                        count,
                        per_ms,
                        per_tenant,
                        beyond,
                    } if *action == perform.action => {
                        let used = self.used(action, *per_ms, *per_tenant);
                        let id = self.effect_id(thread);
                        if used < u64::from(*count) || self.run.let_through.contains(&id) {
                            continue;
                        }
                        let spent = format!(
                            "the guard “{}” allows {count} per {} of `{action}`, and no more are left",
                            guard.title,
                            crate::duration::format_ms(*per_ms)
                        );
                        let Some(beyond) = beyond else {
                            return Verdict::Blocked(format!("{BLOCKED}: {spent}"));
                        };
                        return self.beyond(thread, guard, perform, args, beyond, &spent);
                    }
                    Rule::Limit { .. } => {}
                }
            }
        }
        Verdict::Free
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
        let (team, eligible, excluded) = self.electorate(&asked, Some(args));
        if eligible.is_empty() {
            return Verdict::Blocked(format!(
                "{BLOCKED}: {spent}, and nobody may decide beyond it"
            ));
        }
        let id = format!("{}!guard", self.effect_id(thread));
        let label = self.label(thread).to_string();
        let question = format!("Perform it all the same? {}", capitalised(spent));
        let until_ms = self.now_ms.saturating_add(beyond.within_ms);
        let (node, path) = self
            .run
            .threads
            .get(&thread)
            .map_or((0, String::new()), |t| (t.node, t.path.clone()));
        self.record(
            Some(thread),
            What::ApprovalAsked {
                question: question.clone(),
                about: about.iter().map(|(_, label)| label.clone()).collect(),
                eligible: eligible.clone(),
                needs: 1,
                until_ms,
                answers: Vec::new(),
            },
        );
        self.out.effects.push(Effect::StartTimer {
            id: id.clone(),
            at_ms: until_ms,
        });
        self.out
            .effects
            .push(Effect::AskApproval { id: id.clone() });
        self.run.approvals.insert(
            id.clone(),
            OpenApproval {
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
                until_ms,
                valid_ms: beyond.within_ms,
                answers: Vec::new(),
            },
        );
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Approval { id };
        }
        Verdict::Asked
    }
}
