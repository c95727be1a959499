//! A step whose approval has expired in; the same question asked anew out. Only a hold or a pause can make an approval
//! outlive its time: the checker has proved that without one it still holds.

use super::Stepper;
use crate::playbook::{Edge, NodeKind, Perform};
use crate::state::{Ending, Grant, Outcome};

/// What the ids of such questions hold.
const ANEW: &str = "!anew";

impl Stepper<'_, '_> {
    /// Asks again what a gate asked; the thread waits for the answer before its step.
    pub(super) fn ask_anew(
        &mut self,
        thread: u32,
        entities: &[String],
        expired: &Grant,
    ) -> Result<(), String> {
        let Some(NodeKind::Approve(approve)) = self.node(expired.node).map(|n| &n.kind) else {
            return Err("the approval for it has expired".into());
        };
        let mut open = self.approval(thread, approve)?;
        let about: Vec<&String> = open.about.iter().map(|(key, _)| key).collect();
        if !entities.iter().any(|entity| about.contains(&entity)) {
            return Err("the approval for it has expired".into());
        }
        open.node = expired.node;
        open.path = expired.path.clone();
        open.question = format!("{} (approved before; that has expired)", open.question);
        // Each approval that is given makes the next question another one.
        let id = format!("{}{ANEW}{}", self.effect_id(thread), self.run.grants.len());
        self.open_approval(thread, id, open);
        Ok(())
    }

    /// A question that was asked anew is not approved: what handles the step's failure handles that, else the run ends
    /// as it does at a gate. Whether the question was one.
    pub(super) fn refused_anew(
        &mut self,
        thread: u32,
        id: &str,
        question: &str,
        decision: &str,
    ) -> bool {
        if !id.contains(ANEW) {
            return false;
        }
        let (node, _) = self.place(thread);
        let at = petgraph::graph::NodeIndex::new(node as usize);
        if self.context.playbook.follow(at, &Edge::Failed).is_some() {
            self.action_failed(thread, format!("{decision}: \"{question}\""));
        } else {
            let question = question.to_owned();
            self.end(thread, Some(Ending::End(Outcome::Rejected { question })));
        }
        true
    }

    /// The entities that an action acts on, by key.
    pub(super) fn entities(perform: &Perform, args: &[crate::value::Value]) -> Vec<String> {
        use crate::value::Value;
        perform
            .acts_on
            .iter()
            .filter_map(|i| args.get(*i as usize))
            .flat_map(|v| match v {
                Value::List(items) => items.iter().map(Value::entity_key).collect(),
                other => vec![other.entity_key()],
            })
            .collect()
    }
}
