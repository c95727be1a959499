//! The playbooks of a project in; those that start each other without end, as a finding each, out.

use crate::codes;
use crate::db::{self, Db, Project};
use crate::diagnostic::Diagnostic;
use crate::item::Part;
use crate::span::Place;
use counterplay_machine::playbook::{NodeKind, TriggerKind};
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a playbook raises and is started by.
struct Ends {
    id: Arc<str>,
    place: Place,
    emits: Vec<(Arc<str>, Place)>,
    started_by: Vec<Arc<str>>,
}

/// A finding for each cycle.
pub fn check(db: &dyn Db, project: Project) -> Vec<Diagnostic> {
    let ends = ends(db, project);
    let mut listeners: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, playbook) in ends.iter().enumerate() {
        for event in &playbook.started_by {
            listeners.entry(event).or_default().push(at);
        }
    }
    let mut graph: DiGraph<usize, (Arc<str>, Place)> = DiGraph::new();
    let nodes: Vec<_> = (0..ends.len()).map(|at| graph.add_node(at)).collect();
    for (from, playbook) in ends.iter().enumerate() {
        for (event, place) in &playbook.emits {
            for to in listeners.get(&**event).into_iter().flatten() {
                graph.add_edge(nodes[from], nodes[*to], (event.clone(), place.clone()));
            }
        }
    }
    tarjan_scc(&graph)
        .into_iter()
        .filter_map(|mut group| {
            group.sort();
            let first = *group.first()?;
            let inside = |edge: &petgraph::graph::EdgeReference<'_, (Arc<str>, Place)>| {
                use petgraph::visit::EdgeRef;
                group.contains(&edge.source()) && group.contains(&edge.target())
            };
            let edges: Vec<_> = graph.edge_references().filter(inside).collect();
            let (event, place) = edges.first()?.weight();
            let names: Vec<&str> = group.iter().map(|n| &*ends[graph[*n]].id).collect();
            let mut diagnostic = Diagnostic::error(
                codes::EMIT_CYCLE,
                match names.as_slice() {
                    [one] => format!("`{one}` starts itself again and again"),
                    all => format!(
                        "{} start each other again and again",
                        crate::near::menu(all.iter().copied())
                    ),
                },
                place.clone(),
                format!("raises `{event}`"),
            )
            .because("every playbook ends, and so does what playbooks set off together");
            for edge in edges.iter().skip(1) {
                let (event, place) = edge.weight();
                diagnostic = diagnostic.also(place.clone(), format!("raises `{event}`"));
            }
            Some(diagnostic.also(ends[graph[first]].place.clone(), "started by it"))
        })
        .collect()
}

fn ends(db: &dyn Db, project: Project) -> Vec<Ends> {
    let index = db::names(db, project);
    let mut out = Vec::new();
    for file in project.files(db) {
        if !db::is_part(db, project, *file) {
            continue;
        }
        for item in db::items(db, *file) {
            let Part::Playbook(playbook) = &db::check_item(db, project, *item).part else {
                continue;
            };
            let Some(place) = index.playbooks.get(&*playbook.id) else {
                continue;
            };
            let emits = playbook.graph.node_weights().filter_map(|n| match &n.kind {
                NodeKind::Emit { event, .. } => Some((
                    event.clone(),
                    Place {
                        anchor: place.anchor.clone(),
                        span: crate::span::Span {
                            start: n.origin.start,
                            end: n.origin.end,
                        },
                    },
                )),
                _ => None,
            });
            let started_by = playbook.triggers.iter().filter_map(|t| match &t.kind {
                TriggerKind::Event(event) => Some(event.clone()),
                _ => None,
            });
            out.push(Ends {
                id: playbook.id.clone(),
                place: place.clone(),
                emits: emits.collect(),
                started_by: started_by.collect(),
            });
        }
    }
    out
}
