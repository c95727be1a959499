//! A checked playbook in, its state machine out: the graph's builder and what the later checks need to know.

pub mod ask;
mod calls;
mod case;
mod condition;
mod gates;
mod head;
mod hook;
mod stages;
mod step;
mod wait;

use crate::check::{Asked, Checker, Path};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::{Place, Span};
use crate::syntax::ast::Expr as Ast;
use crate::verify;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{Edge, EndKind, Graph, Node, NodeKind, Origin};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use case::case;
pub use head::{playbook, steps};

/// How many steps one playbook may have when its `steps` are put in place of their calls.
pub const NODES_MAX: usize = 4_000;

/// How many ways that end before a step are shown.
const ENDS_MAX: usize = 3;

/// An end of the graph that what comes next is joined to.
pub type End = (NodeIndex, Edge);

/// An action step, as the checks on the graph look at it.
#[derive(Clone, Debug)]
pub struct Performed {
    /// Its node.
    pub node: NodeIndex,
    /// Where it stands (in `steps`: where they are called).
    pub place: Place,
    /// Where it stands in the `steps` that were put in place of the call.
    pub inside: Option<Place>,
    /// The entities that it acts on, as paths; `None` where it is no path.
    pub acts_on: Vec<Option<Path>>,
    /// The same, as written.
    pub entities: Vec<String>,
    /// The action's declaration.
    pub declared: Place,
    /// Actions that have to come before, by qualified name.
    pub after: Vec<Arc<str>>,
    /// The line that would ask for its approval, and where it belongs.
    pub ask: Option<(Place, String)>,
}

/// A gate, as the checks on the graph look at it.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its node.
    pub node: NodeIndex,
    /// Where it stands.
    pub place: Place,
    /// The entities that it names.
    pub about: Vec<Option<Path>>,
}

/// What the checks on the graph need beside it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Action steps.
    pub performed: Vec<Performed>,
    /// Gates.
    pub gates: Vec<Gate>,
    /// The end of each branch of a fork; `None` where a branch never ends.
    pub joins: BTreeMap<NodeIndex, Vec<Option<NodeIndex>>>,
    /// The list that a loop's element is of.
    pub element_of: BTreeMap<Slot, Path>,
    /// Where each node stands.
    pub places: BTreeMap<NodeIndex, Place>,
    /// Nodes of `steps` that were put in place of their call.
    pub inlined: BTreeSet<NodeIndex>,
    /// Loops that say how many elements they refuse.
    pub limited: BTreeSet<NodeIndex>,
    /// Triggers that start a run for each element of a list: where, and the list.
    pub runs_for_each: Vec<(Place, Expr)>,
}

struct Returning {
    slot: Option<Slot>,
    ty: counterplay_machine::types::Type,
    ends: Vec<End>,
    /// Loops and branches around a `return`, which it may not leave.
    depth: u32,
}

/// The builder.
pub struct Lower<'c, 'a> {
    /// The checker.
    pub c: &'c mut Checker<'a>,
    graph: Graph,
    current: Vec<End>,
    facts: Facts,
    /// A parameter of inlined steps stands for this path.
    alias: BTreeMap<Slot, Path>,
    accepted: Option<Arc<str>>,
    /// Steps that an `attempt each` has tried so far.
    attempting: Option<Vec<Performed>>,
    /// What is asked so that an approval can be asked for: no attempt passes over its failure.
    asked_for_a_gate: BTreeSet<NodeIndex>,
    goal: Option<Ast>,
    checking_every_ms: Option<i64>,
    goal_is_fresh: bool,
    returning: Vec<Returning>,
    /// The playbook's own names, while steps are put in place of a call.
    root: Option<calls::Outer>,
    /// Where steps that are put in place of a call were called.
    called_from: Option<(Origin, Place)>,
    /// The step at hand.
    statement: Option<Span>,
    /// Unreachable steps are reported once per block.
    told_unreachable: bool,
}

impl<'c, 'a> Lower<'c, 'a> {
    /// A builder for one playbook (or `steps`).
    pub fn new(c: &'c mut Checker<'a>) -> Lower<'c, 'a> {
        Lower {
            c,
            graph: Graph::new(),
            current: Vec::new(),
            facts: Facts::default(),
            alias: BTreeMap::new(),
            accepted: None,
            attempting: None,
            asked_for_a_gate: BTreeSet::new(),
            goal: None,
            checking_every_ms: None,
            goal_is_fresh: false,
            returning: Vec::new(),
            root: None,
            called_from: None,
            statement: None,
            told_unreachable: false,
        }
    }

    fn origin(&self, span: Span) -> Origin {
        if let Some((origin, _)) = &self.called_from {
            return origin.clone();
        }
        // Counted from the item's start: whoever knows where that is adds it, and the line.
        Origin {
            file: self.c.anchor.file.clone(),
            start: span.start,
            end: span.end,
            line: 0,
        }
    }

    fn place(&self, span: Span) -> Place {
        match &self.called_from {
            Some((_, place)) => place.clone(),
            None => self.c.at(span),
        }
    }

    /// Adds a node that nothing leads to yet.
    fn add(&mut self, kind: NodeKind, label: impl Into<String>, span: Span) -> NodeIndex {
        let mut label: String = label.into();
        if label.chars().count() > 140 {
            label = label.chars().take(139).collect::<String>() + "…";
        }
        let origin = self.origin(span);
        let node = self.graph.add_node(Node {
            kind,
            label: Arc::from(label),
            origin,
        });
        self.facts.places.insert(node, self.place(span));
        if self.called_from.is_some() {
            self.facts.inlined.insert(node);
        }
        node
    }

    /// Adds a node after what is open; it is what is open then.
    fn emit(&mut self, kind: NodeKind, label: impl Into<String>, span: Span) -> NodeIndex {
        let node = self.add(kind, label, span);
        self.connect(node);
        self.current = vec![(node, Edge::Done)];
        self.goal_is_fresh = false;
        node
    }

    /// Joins what is open to a node.
    fn connect(&mut self, node: NodeIndex) {
        for (from, edge) in std::mem::take(&mut self.current) {
            self.graph.add_edge(from, node, edge);
        }
    }

    /// Reports a step or a stage that nothing leads to, with the ways that end before it.
    fn unreachable(&mut self, what: &str, span: Span) {
        let place = self.c.at(span);
        let mut diagnostic = Diagnostic::warning(
            codes::UNREACHABLE,
            format!("this {what} is never reached"),
            place,
            "every way before it ends the run",
        );
        let starts: Vec<NodeIndex> = self.graph.externals(Direction::Incoming).collect();
        let reached = verify::reach(&self.graph, &self.facts, &starts, &|_, _| true);
        let ends = self.graph.node_indices().filter(|node| {
            let kind = self.graph.node_weight(*node).map(|n| &n.kind);
            matches!(
                kind,
                Some(NodeKind::End {
                    outcome: EndKind::Stopped,
                    ..
                })
            ) && reached.nodes.contains(node)
        });
        let mut ends: Vec<NodeIndex> = ends.collect();
        let last = ends.split_off(ends.len().saturating_sub(ENDS_MAX));
        for end in last {
            if let Some(place) = self.facts.places.get(&end) {
                let way = verify::told(&self.graph, &reached.way(end));
                diagnostic = diagnostic.also(place.clone(), format!("the run ends here: {way}"));
            }
        }
        self.c.report(diagnostic);
    }

    /// Adds the steps for queries that an expression asks.
    fn emit_asked(&mut self, hold_on_failure: bool) -> Option<NodeIndex> {
        let asked: Vec<Asked> = std::mem::take(&mut self.c.asked);
        let mut last = None;
        for one in asked {
            let label = self.c.source(one.span);
            last = Some(self.emit(
                NodeKind::Query {
                    query: one.query,
                    args: one.args,
                    slot: one.slot,
                    hold_on_failure,
                    failure_slot: None,
                },
                label,
                one.span,
            ));
        }
        last
    }

    /// The path of a compiled expression, parameters of inlined steps resolved.
    fn canonical(&self, expr: &Expr) -> Option<Path> {
        let (mut slot, mut fields) = expr.path()?;
        while let Some((to, before)) = self.alias.get(&slot) {
            slot = *to;
            let mut all = before.clone();
            all.extend(fields);
            fields = all;
        }
        Some((slot, fields))
    }
}
