//! Library playbooks in, their drawings checked.

use super::*;
use counterplay_compiler::workspace::Workspace;
use counterplay_machine::Program;
use counterplay_machine::journal::{Entry, What};

fn library() -> Program {
    let compiled = Workspace::new(Vec::new(), None).compile();
    assert!(!compiled.has_errors());
    compiled.program
}

fn drawn(program: &Program, id: &str) -> String {
    let playbook = &program.playbooks[id];
    let file = playbook.graph[playbook.start].origin.file.clone();
    let how = Drawing {
        id: "m",
        source_page: "",
        file: &file,
        live: None,
    };
    draw(playbook, &how).expect("a drawing")
}

#[test]
fn library_playbooks_are_drawn_as_before() {
    let program = library();
    for id in ["device_noncompliance", "suspicious_mail_rule"] {
        // One element a line, so that a change is read easily.
        let svg = drawn(&program, id).replace("><", ">\n<");
        insta::assert_snapshot!(format!("drawing_{id}"), svg);
    }
}

#[test]
fn every_library_playbook_is_drawn_within_its_frame() {
    let program = library();
    assert!(program.playbooks.len() >= 5);
    for (id, playbook) in &program.playbooks {
        let svg = drawn(&program, id);
        assert_eq!(
            svg.matches("<g class=\"node ").count(),
            playbook.graph.node_count() + usize::from(playbook.on_failure.is_some()),
            "{id}"
        );
        assert!(
            !svg.contains("style=") && !svg.contains("NaN") && !svg.contains("inf"),
            "{id}"
        );
        assert!(svg.contains("href=\"#L"), "{id}: steps lead to their lines");
    }
}

#[test]
fn names_cannot_leave_their_place() {
    let mut program = library();
    let playbook = program.playbooks.values_mut().next().expect("a playbook");
    playbook.title = "</title><script>x</script>\u{202e}\"".into();
    for node in playbook.graph.node_weights_mut() {
        node.label = "\"><img onerror=x>\u{202e}".into();
    }
    let how = Drawing {
        id: "m",
        ..Drawing::default()
    };
    let svg = draw(playbook, &how).expect("a drawing");
    assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{202e}'));
    assert!(svg.contains("⟦U+202E⟧"));
}

#[test]
fn a_run_is_followed_through_its_playbook() {
    let program = library();
    let playbook = &program.playbooks["compromised_user"];
    let stage = playbook
        .graph
        .neighbors(playbook.start)
        .next()
        .expect("a step");
    let first = playbook.graph.neighbors(stage).next().expect("a step");
    let node = |n: petgraph::graph::NodeIndex| Some(n.index() as u32);
    let entry = |node, what| Entry {
        at_ms: 0,
        node,
        path: String::new(),
        what,
    };
    let action = std::sync::Arc::<str>::from("entra.block_sign_in");
    let done = entry(
        node(first),
        What::Performed {
            action: action.clone(),
            value: serde_json::Value::Null,
            accepted: None,
        },
    );
    let state = |journal: &[Entry], at: petgraph::graph::NodeIndex| {
        live(playbook, journal, None).nodes[&(at.index() as u32)]
    };
    let second = playbook.follow(first, &Edge::Done).expect("a step");
    let journal = [done];
    assert_eq!(state(&journal, first), NodeState::Done);
    let taken = live(playbook, &journal, None).taken;
    assert!(taken.contains(&(first.index() as u32, second.index() as u32)));

    let failed = entry(
        node(first),
        What::ActionFailed {
            action,
            reason: "403".into(),
            handled: false,
            may_be_done: false,
        },
    );
    let journal = [failed];
    assert_eq!(state(&journal, first), NodeState::Failed);
    assert_eq!(state(&journal, second), NodeState::NotTaken);
}
