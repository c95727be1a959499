//! A compiled playbook in, a drawing of its steps out: Mermaid for pages and pull requests, Graphviz for
//! everything else. The same playbook gives the same text.

use crate::declare::Impact;
use crate::duration::format_ms;
use crate::expr::Expr;
use crate::playbook::{Edge, EndKind, Node, NodeKind, Playbook, StageKind, Trigger};
use petgraph::visit::EdgeRef;

/// Longer labels are cut, in characters.
const LABEL_MAX: usize = 90;

/// What a node looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Start,
    Stage,
    Plain,
    Decision,
    Query,
    Action(Impact),
    Split,
    Join,
    Wait,
    Gate,
    End,
}

impl Look {
    fn of(kind: &NodeKind) -> Look {
        match kind {
            NodeKind::Start => Look::Start,
            NodeKind::Stage { .. } => Look::Stage,
            NodeKind::Bind { .. } => Look::Plain,
            NodeKind::Branch { .. } | NodeKind::Match { .. } => Look::Decision,
            NodeKind::Query { .. } => Look::Query,
            NodeKind::Perform(perform) => Look::Action(perform.impact),
            NodeKind::Fork | NodeKind::ForEach { .. } => Look::Split,
            NodeKind::JoinEnd => Look::Join,
            NodeKind::Wait { .. }
            | NodeKind::WaitClock { .. }
            | NodeKind::WaitTime { .. }
            | NodeKind::WaitSinceStart { .. }
            | NodeKind::WaitUntil { .. }
            | NodeKind::WaitEvent(_) => Look::Wait,
            NodeKind::Emit { .. } => Look::Action(Impact::Notify),
            NodeKind::Approve(_) | NodeKind::Ask(_) => Look::Gate,
            NodeKind::End { .. } => Look::End,
        }
    }

    /// The class by which pages style it.
    fn class(self) -> &'static str {
        match self {
            Look::Start => "start",
            Look::Stage => "stage",
            Look::Plain => "plain",
            Look::Decision => "decision",
            Look::Query => "query",
            Look::Action(Impact::Notify) => "notify",
            Look::Action(Impact::Reversible) => "reversible",
            Look::Action(Impact::Disruptive) => "disruptive",
            Look::Action(Impact::Destructive) => "destructive",
            Look::Split => "split",
            Look::Join => "join",
            Look::Wait => "wait",
            Look::Gate => "gate",
            Look::End => "end_of_run",
        }
    }

    /// Mermaid's brackets.
    fn brackets(self) -> (&'static str, &'static str) {
        match self {
            Look::Start | Look::End => ("([", "])"),
            Look::Stage => ("[[", "]]"),
            Look::Plain | Look::Action(_) => ("[", "]"),
            Look::Decision => ("{", "}"),
            Look::Query => ("[/", "/]"),
            Look::Split => ("[\\", "/]"),
            Look::Join => ("((", "))"),
            Look::Wait => ("(", ")"),
            Look::Gate => ("{{", "}}"),
        }
    }

    /// Graphviz's shape and colours: outline, fill.
    fn shape(self) -> (&'static str, &'static str, &'static str) {
        let (stroke, fill) = self.colours();
        let shape = match self {
            Look::Start | Look::End | Look::Wait => "box",
            Look::Stage => "tab",
            Look::Plain | Look::Action(_) => "box",
            Look::Decision => "diamond",
            Look::Query => "parallelogram",
            Look::Split => "trapezium",
            Look::Join => "circle",
            Look::Gate => "hexagon",
        };
        (shape, stroke, fill)
    }

    /// Outline and fill. Text on them is dark, so that both read on light and dark pages.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Look::Gate => ("#7a4fbf", "#e9ddff"),
            Look::Action(Impact::Notify) => ("#5b7083", "#eef3f7"),
            Look::Action(Impact::Reversible) => ("#2f7d4f", "#ddf3e4"),
            Look::Action(Impact::Disruptive) => ("#b36b00", "#ffe7c2"),
            Look::Action(Impact::Destructive) => ("#b3261e", "#ffd9d6"),
            Look::Stage => ("#3b5b92", "#dde8fb"),
            _ => ("#6b7280", "#f6f7f9"),
        }
    }
}

/// Every look that can occur, in the order in which classes are written.
const LOOKS: [Look; 14] = [
    Look::Start,
    Look::Stage,
    Look::Plain,
    Look::Decision,
    Look::Query,
    Look::Action(Impact::Notify),
    Look::Action(Impact::Reversible),
    Look::Action(Impact::Disruptive),
    Look::Action(Impact::Destructive),
    Look::Split,
    Look::Join,
    Look::Wait,
    Look::Gate,
    Look::End,
];

/// The class by which drawings of a node are styled: `gate`, `destructive`, `wait` and so on.
pub fn class(kind: &NodeKind) -> &'static str {
    Look::of(kind).class()
}

/// The playbook as a Mermaid flow chart.
pub fn mermaid(playbook: &Playbook) -> String {
    let mut out = String::from("flowchart TD\n");
    for index in playbook.graph.node_indices() {
        let node = &playbook.graph[index];
        let look = Look::of(&node.kind);
        let (open, close) = look.brackets();
        let text = label(playbook, node)
            .iter()
            .map(|line| mermaid_text(line))
            .collect::<Vec<_>>()
            .join("<br/>");
        out.push_str(&format!(
            "  n{}{open}\"{text}\"{close}:::{}\n",
            index.index(),
            look.class()
        ));
    }
    for (from, to, text, aside) in edges(playbook) {
        let arrow = if aside { "-.->" } else { "-->" };
        match text {
            Some(text) => out.push_str(&format!(
                "  n{from} {arrow}|\"{}\"| n{to}\n",
                mermaid_text(&text)
            )),
            None => out.push_str(&format!("  n{from} {arrow} n{to}\n")),
        }
    }
    if let Some(start) = playbook.on_failure {
        out.push_str("  failure([\"the run fails\"]):::end_of_run\n");
        out.push_str(&format!("  failure -.-> n{}\n", start.index()));
    }
    for look in LOOKS {
        let (stroke, fill) = look.colours();
        let width = if look == Look::Gate {
            ",stroke-width:3px"
        } else {
            ""
        };
        out.push_str(&format!(
            "  classDef {} fill:{fill},stroke:{stroke},color:#111827{width}\n",
            look.class()
        ));
    }
    out
}

/// The playbook as a Graphviz graph.
pub fn dot(playbook: &Playbook) -> String {
    let mut out = format!("digraph {} {{\n", dot_text(&playbook.id));
    out.push_str(&format!("  label={};\n", dot_text(&playbook.title)));
    out.push_str("  labelloc=t;\n  node [style=filled, fontname=\"Helvetica\"];\n  edge [fontname=\"Helvetica\"];\n");
    for index in playbook.graph.node_indices() {
        let node = &playbook.graph[index];
        let look = Look::of(&node.kind);
        let (shape, stroke, fill) = look.shape();
        let style = match look {
            Look::Start | Look::End | Look::Wait => "\"filled,rounded\"",
            Look::Gate => "\"filled,bold\"",
            _ => "filled",
        };
        out.push_str(&format!(
            "  n{} [label={}, class={}, shape={shape}, style={style}, color=\"{stroke}\", fillcolor=\"{fill}\"];\n",
            index.index(),
            dot_text(&label(playbook, node).join("\n")),
            dot_text(look.class()),
        ));
    }
    for (from, to, text, aside) in edges(playbook) {
        let mut attributes = Vec::new();
        if let Some(text) = text {
            attributes.push(format!("label={}", dot_text(&text)));
        }
        if aside {
            attributes.push("style=dashed".to_owned());
        }
        let attributes = if attributes.is_empty() {
            String::new()
        } else {
            format!(" [{}]", attributes.join(", "))
        };
        out.push_str(&format!("  n{from} -> n{to}{attributes};\n"));
    }
    if let Some(start) = playbook.on_failure {
        out.push_str("  failure [label=\"the run fails\", shape=box, style=\"filled,rounded\"];\n");
        out.push_str(&format!(
            "  failure -> n{} [style=dashed];\n",
            start.index()
        ));
    }
    out.push_str("}\n");
    out
}

/// Every edge: from, to, its words, and whether it is an aside; by source, then in the order of making.
fn edges(playbook: &Playbook) -> Vec<(usize, usize, Option<String>, bool)> {
    let mut edges: Vec<_> = playbook.graph.edge_references().collect();
    edges.sort_by_key(|edge| (edge.source().index(), edge.id().index()));
    edges
        .into_iter()
        .map(|edge| {
            let from = &playbook.graph[edge.source()];
            let text = edge_text(&from.kind, edge.weight());
            let aside =
                *edge.weight() == Edge::Tick && !matches!(from.kind, NodeKind::WaitUntil { .. });
            (edge.source().index(), edge.target().index(), text, aside)
        })
        .collect()
}

/// What stands at an edge; nothing where it is simply what comes next.
pub fn edge_text(from: &NodeKind, edge: &Edge) -> Option<String> {
    Some(match edge {
        Edge::Done => match from {
            NodeKind::Fork | NodeKind::ForEach { .. } => "when all have ended".into(),
            NodeKind::WaitUntil { .. } | NodeKind::WaitEvent(_) => "time is up".into(),
            _ => return None,
        },
        Edge::Failed => "failed".into(),
        Edge::True => "yes".into(),
        Edge::False => "no".into(),
        Edge::Case(index) => match from {
            NodeKind::Match { cases, .. } => case_text(cases.get(*index as usize), *index),
            NodeKind::Ask(ask) => ask
                .answers
                .get(*index as usize)
                .map_or_else(|| format!("answer {}", index + 1), |all| all.join(", ")),
            _ => format!("case {}", index + 1),
        },
        Edge::Otherwise => "otherwise".into(),
        Edge::Branch(index) => format!("branch {}", index + 1),
        Edge::Body => "each".into(),
        Edge::Approved => "approved".into(),
        Edge::Rejected => "rejected".into(),
        Edge::Unanswered => "unanswered".into(),
        Edge::Tick => "looks".into(),
        Edge::Came => "came".into(),
    })
}

fn case_text(patterns: Option<&Vec<Expr>>, index: u32) -> String {
    let constant = |expr: &Expr| match expr {
        Expr::Const(value) => Some(value.plain()),
        _ => None,
    };
    let texts: Option<Vec<String>> = patterns
        .map(|p| p.iter().map(constant).collect())
        .unwrap_or_default();
    match texts {
        Some(texts) if !texts.is_empty() => texts.join(", "),
        _ => format!("case {}", index + 1),
    }
}

/// What stands in a node, in lines.
pub fn label(playbook: &Playbook, node: &Node) -> Vec<String> {
    let written = || cut(node.label.trim_end().trim_end_matches('{').trim_end());
    let or = |fallback: &str| {
        if written().is_empty() {
            fallback.to_owned()
        } else {
            written()
        }
    };
    match &node.kind {
        NodeKind::Start => {
            let mut lines = vec![cut(&playbook.title)];
            lines.extend(playbook.triggers.iter().map(|t| cut(&trigger(t))));
            lines
        }
        NodeKind::Stage { stage } => vec![or(&match stage {
            StageKind::Then(1) => "then".to_owned(),
            StageKind::Then(number) => format!("then ({number})"),
            StageKind::Wait => "wait".to_owned(),
            StageKind::Escalate {
                level,
                param: Some(name),
                ..
            } => format!("escalation {level} after {name}"),
            StageKind::Escalate {
                level, after_ms, ..
            } => {
                format!("escalation {level} after {}", format_ms(*after_ms))
            }
            StageKind::EscalateSkipped { level } => format!("escalation {level} is skipped"),
            StageKind::OnFailure => "on failure".to_owned(),
        })],
        NodeKind::Bind { .. } => vec![or("let")],
        NodeKind::Branch { .. } => vec![or("if")],
        NodeKind::Match { .. } => vec![or("match")],
        NodeKind::Query { query, .. } => vec![or(query)],
        NodeKind::Perform(perform) => match perform.impact {
            Impact::Disruptive | Impact::Destructive => {
                vec![or(&perform.action), perform.impact.to_string()]
            }
            Impact::Notify | Impact::Reversible => vec![or(&perform.action)],
        },
        NodeKind::Fork => vec![or("in parallel")],
        NodeKind::ForEach { limit, .. } => vec![or("for each"), format!("at most {limit}")],
        NodeKind::JoinEnd => vec!["·".into()],
        NodeKind::Wait { .. } | NodeKind::WaitClock { .. } | NodeKind::WaitTime { .. } => {
            vec![or("wait")]
        }
        NodeKind::WaitSinceStart {
            after: Some(Expr::Param(name, _)),
            ..
        } => vec![format!("until {name} after the start")],
        NodeKind::WaitSinceStart { after_ms, .. } => {
            vec![format!("until {} after the start", format_ms(*after_ms))]
        }
        NodeKind::Ask(ask) => vec![or("ask"), format!("within {}", format_ms(ask.within_ms))],
        NodeKind::WaitEvent(wait) => vec![
            or("wait for"),
            format!("at most {}", format_ms(wait.at_most_ms)),
        ],
        NodeKind::Emit { event, .. } => vec![or(&format!("emit {event}"))],
        NodeKind::WaitUntil {
            at_most_ms,
            every_ms,
        } => {
            vec![
                or("wait until"),
                format!(
                    "at most {}, looks every {}",
                    format_ms(*at_most_ms),
                    format_ms(*every_ms)
                ),
            ]
        }
        NodeKind::Approve(approve) => {
            let people = if approve.needs == 1 {
                "1 person".into()
            } else {
                format!("{} people", approve.needs)
            };
            vec![
                or("approve"),
                format!("{people} within {}", format_ms(approve.within_ms)),
            ]
        }
        NodeKind::End { outcome, .. } => vec![
            match outcome {
                EndKind::Completed => "completed",
                EndKind::Resolved => "resolved",
                EndKind::Stopped => "stopped",
                EndKind::Failed => "failed",
            }
            .into(),
        ],
    }
}

fn trigger(trigger: &Trigger) -> String {
    let text = crate::schedule::describe(&trigger.kind);
    if trigger.for_each.is_some() {
        format!("{text}, for each element")
    } else {
        text
    }
}

fn cut(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LABEL_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Text inside a quoted Mermaid label: what means something to Mermaid, Markdown or HTML becomes an entity code.
fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '*' | '\\' | '|' | ';' | '$' | '%' | '{' | '}'
            | '~' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// A quoted Graphviz string.
fn dot_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;
    use crate::deployment::Mode;
    use crate::expr::Slot;
    use crate::playbook::TriggerKind;
    use crate::playbook::{Approve, Graph, Origin, Perform, Tenants};
    use std::sync::Arc;

    fn node(kind: NodeKind, label: &str) -> Node {
        Node {
            kind,
            label: Arc::from(label),
            origin: Origin::default(),
        }
    }

    fn playbook() -> Playbook {
        let mut graph = Graph::new();
        let start = graph.add_node(node(NodeKind::Start, ""));
        let yes = Expr::Const(Value::Bool(true));
        let branch = graph.add_node(node(
            NodeKind::Branch {
                condition: yes.clone(),
            },
            "if user.name == \"A & <B>\" {",
        ));
        let gate = graph.add_node(node(
            NodeKind::Approve(Approve {
                question: yes.clone(),
                about: vec![],
                by: yes.clone(),
                needs: 2,
                within_ms: 14_400_000,
                valid_ms: 86_400_000,
                default_approve: false,
                slot: Slot(0),
                covers: vec![3],
            }),
            "approve \"Wipe?\" about device",
        ));
        let wipe = graph.add_node(node(
            NodeKind::Perform(Perform {
                action: Arc::from("intune.wipe"),
                args: vec![],
                slot: None,
                impact: Impact::Destructive,
                acts_on: vec![],
                attempt: false,
                failure_slot: None,
                accepted: None,
                gates: vec![2],
                skip_if_failed: vec![],
                undoes: Vec::new(),
                undoes_to: Vec::new(),
            }),
            r"intune.wipe(device) \ C:#1;",
        ));
        let end = graph.add_node(node(
            NodeKind::End {
                outcome: EndKind::Completed,
                why: None,
            },
            "",
        ));
        graph.add_edge(start, branch, Edge::Done);
        graph.add_edge(branch, end, Edge::False);
        graph.add_edge(branch, gate, Edge::True);
        graph.add_edge(gate, wipe, Edge::Approved);
        graph.add_edge(wipe, end, Edge::Done);
        Playbook {
            id: Arc::from("lost_device"),
            title: Arc::from("Lost \"device\""),
            doc: Arc::from(""),
            mode: Mode::Active,
            tenants: Tenants::All,
            tags: vec![],
            triggers: vec![Trigger {
                kind: TriggerKind::Manual(vec![]),
                for_each: None,
            }],
            event_slot: None,
            conditions: vec![],
            repeats: None,
            checking_every_ms: None,
            slots: vec![],
            graph,
            start,
            on_failure: None,
            failure_slot: None,
            reads_steps: false,
            undone: Vec::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn mermaid_is_escaped_and_ordered() {
        let drawn = mermaid(&playbook());
        let expected = "flowchart TD
  n0([\"Lost #34;device#34;<br/>by hand ()\"]):::start
  n1{\"if user.name == #34;A #38; #60;B#62;#34;\"}:::decision
  n2{{\"approve #34;Wipe?#34; about device<br/>2 people within 4h\"}}:::gate
  n3[\"intune.wipe(device) #92; C:#35;1#59;<br/>destructive\"]:::destructive
  n4([\"completed\"]):::end_of_run
  n0 --> n1
  n1 -->|\"no\"| n4
  n1 -->|\"yes\"| n2
  n2 -->|\"approved\"| n3
  n3 --> n4
  classDef start";
        assert!(drawn.starts_with(expected), "{drawn}");
        assert_eq!(drawn, mermaid(&playbook()));
    }

    #[test]
    fn dot_is_escaped() {
        let drawn = dot(&playbook());
        assert!(
            drawn.starts_with("digraph \"lost_device\" {\n  label=\"Lost \\\"device\\\"\";\n"),
            "{drawn}"
        );
        assert!(
            drawn.contains(
                r#"n3 [label="intune.wipe(device) \\ C:#1;\ndestructive", class="destructive""#
            ),
            "{drawn}"
        );
        assert!(drawn.contains("  n1 -> n2 [label=\"yes\"];\n"), "{drawn}");
        // Every quote that is not escaped has a partner on its line.
        for line in drawn.lines() {
            let bare = line.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(bare.matches('"').count() % 2, 0, "{line}");
        }
        assert!(drawn.ends_with("}\n"));
    }
}
