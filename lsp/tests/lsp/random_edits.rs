//! Whatever is typed: nothing panics, and the end is the same as a fresh look at the final text.

use crate::support::{about_device, world};
use counterplay_lsp::features::{
    actions, completion, definition, diagnostics, folding, formatting, hints, hover, references,
    signature, symbols, tokens,
};
use counterplay_lsp::text::{Edit, Position};
use proptest::prelude::*;

const PATH: &str = "/p/playbooks/case.play";

/// What an author may type.
const TYPED: &[&str] = &[
    "",
    " ",
    "\n",
    "{",
    "}",
    "(",
    ")",
    "\"",
    ".",
    ",",
    ":",
    "x",
    "intune.",
    "drift.device",
    "é😀",
    "if ",
    "then {",
    "  escalate after 4h {",
    "approve \"?\" about ",
    "let y = ",
    "/*",
    "//",
    "\"\"\"",
    "\r\n",
    "match ",
    "windows { }",
    "not ",
    "playbook z \"Z\" {\n",
    "use ",
    "\t",
    "@",
    "4hours",
];

fn source() -> String {
    about_device(
        "  if drift.owner is present",
        "    let case = ticket.create(title: \"a {drift.device.name}\", priority: high)\n    approve \"?\" about drift.device, by team.soc {\n      approved { intune.wipe(drift.device) }\n    }\n    entra.block_sign_in(drift.owner) { failed { ticket.note(case, \"é {failure.reason}\") } }",
    )
}

fn edit() -> impl Strategy<Value = (u32, u32, u32, u32, usize)> {
    (0u32..16, 0u32..60, 0u32..3, 0u32..12, 0..TYPED.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_feature_survives_and_ends_where_a_fresh_check_does(
        edits in prop::collection::vec(edit(), 1..12),
    ) {
        let start = source();
        let mut edited = world(&[("case.play", &start)]);
        edited.open(PATH, 1, &start);
        for (version, (line, character, lines, more, typed)) in edits.into_iter().enumerate() {
            let from = Position { line, character };
            let to = Position {
                line: line + lines,
                character: if lines == 0 { character + more } else { more },
            };
            let change = Edit { range: Some((from, to)), text: TYPED[typed].into() };
            edited.change(PATH, version as i32 + 2, &[change]);
            let snapshot = edited.snapshot(PATH).expect("the project is there");
            let file = snapshot.file(PATH).expect("the file is there");
            let text = snapshot.text(file).clone();
            let at = counterplay_lsp::text::Lines::new(&text, edited.encoding).offset(from);
            diagnostics::diagnostics(&snapshot, file);
            completion::completion(&snapshot, file, at);
            hover::hover(&snapshot, file, at);
            signature::signature(&snapshot, file, at);
            definition::definition(&snapshot, file, at);
            references::highlight(&snapshot, file, at);
            symbols::symbols(&snapshot, file);
            hints::hints(&snapshot, file, &(0..text.len()));
            folding::folding(&snapshot, file);
            formatting::formatting(&snapshot, file);
            actions::actions(&snapshot, PATH, &(0..text.len()));
            let colours = tokens::tokens(&snapshot, file);
            for pair in colours.windows(2) {
                prop_assert!(pair[0].range.end <= pair[1].range.start, "{pair:?} overlap");
            }
            for token in &colours {
                prop_assert!(!text[token.range.clone()].contains('\n'));
            }
        }
        let end = edited.open[PATH].text.to_string();
        let fresh = world(&[("case.play", &end)]);
        let of = |world: &counterplay_lsp::world::World| {
            let snapshot = world.snapshot(PATH).expect("the project is there");
            let file = snapshot.file(PATH).expect("the file is there");
            diagnostics::diagnostics(&snapshot, file)
        };
        prop_assert_eq!(of(&edited), of(&fresh));
    }
}
