//! A playbook in, its state machine as SVG out: layers from top to bottom, how far a run has got where one is given.

mod layout;
mod live;
mod measure;
mod shape;

pub use live::{Live, NodeState, live};

use super::text;
use counterplay_machine::draw;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use layout::{Link, Point, Way};
use petgraph::visit::EdgeRef;
use shape::Shape;
use std::collections::BTreeMap;

/// Larger machines are not drawn: nobody could read them, and the list of steps says the same.
pub const NODES_MAX: usize = 400;

/// Lines of a label.
const LINES_MAX: usize = 4;
/// The width of a label's lines, in pixels.
const LINE_PX: f64 = 188.0;
/// The height of a line.
const LEADING_PX: f64 = 16.0;

/// How a drawing is made.
#[derive(Clone, Debug, Default)]
pub struct Drawing<'a> {
    /// Makes the ids of this drawing differ from others on the page.
    pub id: &'a str,
    /// The page that shows the source, where nodes lead to `#L12` of it: empty for the same page.
    pub source_page: &'a str,
    /// The file that is shown there; steps of other files are no links.
    pub file: &'a str,
    /// How far a run has got.
    pub live: Option<&'a Live>,
}

/// A box of the drawing.
struct Box {
    shape: Shape,
    class: String,
    /// Lines and whether each is an aside.
    lines: Vec<(String, bool)>,
    title: String,
    href: Option<String>,
    state: Option<NodeState>,
}

/// A connection.
struct Wire {
    from: usize,
    to: usize,
    words: Vec<String>,
    aside: bool,
    taken: Option<bool>,
}

/// Draws it; `None` for a machine of more than [`NODES_MAX`] steps.
pub fn draw(playbook: &Playbook, how: &Drawing<'_>) -> Option<String> {
    if playbook.graph.node_count() > NODES_MAX {
        return None;
    }
    let mut boxes: Vec<Box> = playbook
        .graph
        .node_indices()
        .map(|at| node_box(playbook, at.index(), how))
        .collect();
    let mut wires = wires(playbook, how.live);
    if let Some(start) = playbook.on_failure {
        boxes.push(Box {
            shape: Shape::Pill,
            class: "n-failure".to_owned(),
            lines: vec![("the run fails".to_owned(), false)],
            title: "When a step fails and nothing handles it, the run goes on here.".to_owned(),
            href: None,
            state: None,
        });
        wires.push(Wire {
            from: boxes.len() - 1,
            to: start.index(),
            words: Vec::new(),
            aside: true,
            taken: how.live.map(|live| {
                live.nodes
                    .get(&(start.index() as u32))
                    .is_some_and(|s| !matches!(s, NodeState::Ahead | NodeState::NotTaken))
            }),
        });
    }
    let sizes: Vec<(f64, f64)> = boxes.iter().map(size).collect();
    let labels: Vec<Option<String>> = wires.iter().map(words).collect();
    let links: Vec<Link> = wires
        .iter()
        .zip(&labels)
        .map(|(wire, label)| Link {
            from: wire.from,
            to: wire.to,
            label_px: label
                .as_ref()
                .map_or(0.0, |l| measure::width(l) * 0.92 + 10.0),
        })
        .collect();
    let placed = layout::layout(&sizes, &links);

    let id = text::attribute(how.id);
    let (width, height) = (placed.width.ceil(), placed.height.ceil());
    let mut out = format!(
        "<svg class=\"machine{}\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"group\" aria-labelledby=\"{id}-title {id}-desc\">\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>\
         <defs>{}</defs>",
        if how.live.is_some() { " is-live" } else { "" },
        text::attribute(&format!("State machine of {}", playbook.title)),
        text::attribute(&describe(playbook, how.live)),
        arrows(&id),
    );
    out.push_str("<g class=\"wires\">");
    let exits = exits(&wires, &placed, &sizes);
    for (index, wire) in wires.iter().enumerate() {
        if let Some(Some(way)) = placed.ways.get(index) {
            out.push_str(&path(&id, wire, way, &sizes, exits.get(&index).copied()));
        }
    }
    out.push_str("</g><g class=\"wire-words\">");
    for (index, label) in labels.iter().enumerate() {
        let at = placed.ways.get(index).and_then(|w| w.as_ref()?.label);
        if let (Some(at), Some(label)) = (at, label) {
            let class = match wires[index].taken {
                Some(false) => " class=\"not-taken\"",
                _ => "",
            };
            out.push_str(&format!(
                "<text{class} x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                at.x,
                at.y + 4.0,
                text::attribute(label)
            ));
        }
    }
    out.push_str("</g><g class=\"nodes\">");
    for (index, node) in boxes.iter().enumerate() {
        out.push_str(&draw_box(node, placed.boxes[index], sizes[index]));
    }
    out.push_str("</g></svg>");
    Some(out)
}

fn describe(playbook: &Playbook, live: Option<&Live>) -> String {
    let steps = playbook.graph.node_count();
    let here: Vec<String> = live
        .iter()
        .flat_map(|live| &live.nodes)
        .filter(|(_, state)| **state == NodeState::Current)
        .filter_map(|(node, _)| {
            playbook
                .graph
                .node_weight(petgraph::graph::NodeIndex::new(*node as usize))
        })
        .map(|node| draw::label(playbook, node).join(", "))
        .collect();
    match here.as_slice() {
        [] => format!(
            "{steps} steps from top to bottom. The source beside it says the same in words."
        ),
        here => format!(
            "{steps} steps from top to bottom. The run is at: {}.",
            here.join("; ")
        ),
    }
}

fn node_box(playbook: &Playbook, index: usize, how: &Drawing<'_>) -> Box {
    let node = &playbook.graph[petgraph::graph::NodeIndex::new(index)];
    let label = draw::label(playbook, node);
    let kind = draw::class(&node.kind);
    let state = how
        .live
        .and_then(|live| live.nodes.get(&(index as u32)).copied());
    let mut lines = Vec::new();
    if !matches!(node.kind, NodeKind::JoinEnd) {
        for (at, part) in label.iter().enumerate() {
            // The start's first line is the title; of all others the first is the source.
            let aside = at > 0;
            let max = if aside { 2 } else { LINES_MAX };
            lines.extend(
                measure::wrap(part, LINE_PX, max)
                    .into_iter()
                    .map(|l| (l, aside)),
            );
        }
    }
    let linked = node.origin.line > 0 && &*node.origin.file == how.file && !how.file.is_empty();
    let mut title = label.join(" · ");
    if let Some(state) = state {
        title.push_str(&format!(" ({})", state.words()));
    }
    Box {
        shape: Shape::of(kind),
        class: format!("n-{kind}"),
        lines,
        title,
        href: linked.then(|| format!("{}#L{}", how.source_page, node.origin.line)),
        state,
    }
}

/// The connections, those between the same two steps as one.
fn wires(playbook: &Playbook, live: Option<&Live>) -> Vec<Wire> {
    let mut edges: Vec<_> = playbook.graph.edge_references().collect();
    edges.sort_by_key(|edge| (edge.source().index(), edge.id().index()));
    let mut wires: Vec<Wire> = Vec::new();
    let mut known: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for edge in edges {
        let from = &playbook.graph[edge.source()];
        let ends = (edge.source().index(), edge.target().index());
        let words = draw::edge_text(&from.kind, edge.weight());
        let aside =
            *edge.weight() == Edge::Tick && !matches!(from.kind, NodeKind::WaitUntil { .. });
        let at = *known.entry(ends).or_insert_with(|| {
            wires.push(Wire {
                from: ends.0,
                to: ends.1,
                words: Vec::new(),
                aside,
                taken: live.map(|l| l.taken.contains(&(ends.0 as u32, ends.1 as u32))),
            });
            wires.len() - 1
        });
        wires[at].words.extend(words);
        wires[at].aside &= aside;
    }
    wires
}

fn words(wire: &Wire) -> Option<String> {
    let words = wire.words.join(" / ");
    measure::wrap(&words, LINE_PX, 1).into_iter().next()
}

fn size(node: &Box) -> (f64, f64) {
    let width = node
        .lines
        .iter()
        .map(|(line, _)| measure::width(line))
        .fold(0.0, f64::max);
    node.shape.size(width, node.lines.len() as f64 * LEADING_PX)
}

/// Where connections leave a box that has several: side by side, in the order of where they lead.
fn exits(wires: &[Wire], placed: &layout::Layout, sizes: &[(f64, f64)]) -> BTreeMap<usize, f64> {
    let mut by_box: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
    for (index, wire) in wires.iter().enumerate() {
        if let Some(Some(way)) = placed.ways.get(index)
            && let [first, second, ..] = way.points.as_slice()
            && first.y < second.y
        {
            by_box.entry(wire.from).or_default().push((index, second.x));
        }
    }
    let mut out = BTreeMap::new();
    for (from, mut leaving) in by_box {
        leaving.sort_by(|a, b| a.1.total_cmp(&b.1));
        let step = (sizes[from].0 * 0.5 / leaving.len() as f64).min(36.0);
        let middle = (leaving.len() - 1) as f64 / 2.0;
        for (place, (index, _)) in leaving.iter().enumerate() {
            out.insert(*index, (place as f64 - middle) * step);
        }
    }
    out
}

/// A connection as smooth curves that are upright where they meet boxes.
fn path(id: &str, wire: &Wire, way: &Way, sizes: &[(f64, f64)], exit: Option<f64>) -> String {
    let mut points = way.points.clone();
    let up = points.len() > 1 && points[0].y > points[1].y;
    let side = if up { -1.0 } else { 1.0 };
    if let Some(first) = points.first_mut() {
        first.y += side * sizes[wire.from].1 / 2.0;
        first.x += exit.unwrap_or(0.0);
    }
    if let Some(last) = points.last_mut() {
        last.y -= side * (sizes[wire.to].1 / 2.0 + 5.0);
    }
    let mut d = String::new();
    let mut before: Option<Point> = None;
    for point in points {
        match before {
            None => d.push_str(&format!("M{:.1} {:.1}", point.x, point.y)),
            Some(from) if (from.x - point.x).abs() < 0.5 => {
                d.push_str(&format!("L{:.1} {:.1}", point.x, point.y));
            }
            Some(from) => {
                let middle = (from.y + point.y) / 2.0;
                d.push_str(&format!(
                    "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}",
                    from.x, point.x, point.x, point.y
                ));
            }
        }
        before = Some(point);
    }
    let mut class = String::from("wire");
    if wire.aside {
        class.push_str(" aside");
    }
    let arrow = match wire.taken {
        Some(true) => {
            class.push_str(" is-taken");
            "taken"
        }
        Some(false) => {
            class.push_str(" not-taken");
            "faint"
        }
        None => "plain",
    };
    format!("<path class=\"{class}\" d=\"{d}\" fill=\"none\" marker-end=\"url(#{id}-{arrow})\"/>")
}

fn arrows(id: &str) -> String {
    ["plain", "taken", "faint"]
        .map(|name| {
            format!(
                "<marker id=\"{id}-{name}\" class=\"arrow-{name}\" viewBox=\"0 0 8 8\" refX=\"3\" refY=\"4\" \
                 markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\"/></marker>"
            )
        })
        .concat()
}

fn draw_box(node: &Box, at: Point, size: (f64, f64)) -> String {
    let state = node.state.map_or("", NodeState::class);
    let mut out = format!(
        "<g class=\"node {} {state}\"><title>{}</title>",
        node.class,
        text::attribute(&node.title)
    );
    out.push_str(&node.shape.outline(at, size));
    let top = at.y - node.lines.len() as f64 * LEADING_PX / 2.0 + LEADING_PX * 0.74;
    for (index, (line, aside)) in node.lines.iter().enumerate() {
        let class = if *aside { " class=\"aside\"" } else { "" };
        out.push_str(&format!(
            "<text{class} x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            at.x,
            top + index as f64 * LEADING_PX,
            text::attribute(line)
        ));
    }
    if let Some(state) = node.state {
        out.push_str(&shape::badge(state, at, size));
    }
    out.push_str("</g>");
    match &node.href {
        Some(href) => format!("<a href=\"{}\">{out}</a>", text::attribute(href)),
        None => out,
    }
}

#[cfg(test)]
mod tests;
