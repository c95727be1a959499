//! Mistakes that authors make, and what they then read. One mistake, one finding.

use super::{findings, read, seen};

/// A playbook around the steps of a stage.
fn stage(steps: &str) -> String {
    format!(
        "playbook x \"X\" {{\n  when intune.noncompliant as drift\n  then {{\n    {steps}\n  }}\n  escalate after 24h {{ a.b() }}\n}}\n"
    )
}

/// A playbook around lines of its own.
fn lines(lines: &str) -> String {
    format!(
        "playbook x \"X\" {{\n  when intune.noncompliant as drift\n  {lines}\n  then {{ a.b() }}\n}}\n"
    )
}

macro_rules! mistakes {
    ($($name:ident: $count:literal $text:expr;)*) => {
        $(
            #[test]
            fn $name() {
                let text: &str = &$text;
                let shown = seen(text);
                assert_eq!(findings(&read(text)).len(), $count, "{shown}");
                insta::assert_snapshot!(shown);
            }
        )*
    };
}

mistakes! {
    // Misspelt keywords; the statement is read as it was meant.
    misspelt_escalate: 1 "playbook x \"X\" {\n  when a.b as c\n  then { a.b() }\n  escalte after 4h { a.b() }\n}\n";
    misspelt_approve: 1 stage("aprove \"Wipe {drift.device.name}?\" about drift.device, by team.it");
    misspelt_playbook: 1 "playbok x \"X\" {\n  when a.b as c\n  then { a.b() }\n}\n";
    misspelt_else: 1 stage("if a { b.c() } els { d.e() }");
    misspelt_clause: 1 stage("approve \"Wipe?\" about drift.device, by team.it, witin 4h");
    misspelt_unless: 1 "playbook x \"X\" {\n  when a.b as c\n  escalate after 4h unles a.b(c) { a.b() }\n}\n";
    misspelt_operator: 1 stage("if a == 1 adn b == 2 { a.b() }");

    // Habits of other languages.
    double_ampersand: 1 stage("if drift.a && drift.b { a.b() }");
    double_bar: 1 stage("if drift.a || drift.b { a.b() }");
    exclamation_mark: 1 stage("if !drift.a { a.b() }");
    single_equals: 1 stage("if drift.level = high { a.b() }");
    single_quotes: 1 stage("notify.email(drift.owner, 'hello')");
    smart_quotes: 1 stage("notify.email(drift.owner, “hello”)");
    semicolons: 1 stage("a.b();\n    c.d();");
    hash_comment: 1 stage("# tell them\n    a.b()");
    star_comment: 1 stage("/* tell\n    them */\n    a.b()");
    elif: 1 stage("if a { a.b() } elif c { c.d() } else { e.f() }");
    while_loop: 1 stage("while a.b() { c.d() }");
    for_without_each: 1 stage("for d in drift.devices { a.b(d) }");
    null_comparison: 1 stage("if drift.owner == null { a.b() }");
    null_argument: 1 stage("a.b(owner: null)");
    is_not_present: 1 stage("if drift.owner is not present { a.b() }");
    question_mark_and_colon: 1 stage("let x = drift.a == guest ? 1 : 2");
    a_choice_behind_its_value: 1 stage("let x = 1 if drift.a == guest else 2");
    a_short_day: 1 "playbook x \"X\" {\n  when every mon at 09:00\n  then { a.b() }\n}\n";
    a_group_without_quotes: 1 lines("tenants: group gold").replace("when intune.noncompliant as drift\n  tenants: group gold", "tenants: group gold\n  when a.b as c");
    is_presnt: 1 stage("if drift.owner is presnt { a.b() }");
    is_high: 1 stage("if drift.level is high { a.b() }");
    capital_true: 1 stage("a.b(force: True)");
    function: 1 "def notify(user) {\n  a.b()\n}\n";
    import: 1 "import microsoft.entra\n";
    try_catch: 1 stage("try { a.b() }");
    variable: 1 stage("var x = 1");
    reassignment: 1 stage("x = 5");
    reassignment_of_a_name: 1 stage("let x = 5\n    x = 6");
    arrow_before_a_block: 1 stage("match a {\n      windows => { b.c() }\n      else { }\n    }");
    equals_in_arguments: 1 stage("a.b(owner = 1, level: 2)");

    // Numbers.
    hours_in_words: 1 "playbook x \"X\" {\n  when a.b as c\n  escalate after 4hours { a.b() }\n}\n";
    weeks: 1 lines("wait 2w");
    half_hours: 1 lines("wait 1.5h");
    fractions_of_units: 6 stage("wait 0.02d\n    wait 0.01h\n    wait 1.26d\n    wait 2.0d\n    wait 0.5s\n    wait 0.00000001d");
    compound_duration: 1 lines("wait 1h30m");
    wait_without_unit: 1 stage("wait 4");
    wait_with_a_blank: 1 stage("wait 4 hours");
    no_time_of_day: 1 "playbook x \"X\" {\n  when every day at 25:00\n  then { a.b() }\n}\n";

    // Brackets, braces and quotes.
    open_text: 1 stage("notify.email(drift.owner, \"hello)\n    a.b()");
    open_text_before_another: 1 stage("notify.email(drift.owner, subject: \"x, body: \"y\")\n    a.b()");
    open_text_and_nothing_to_guess: 1 stage("notify.email(drift.owner, \"x \"y\")\n    a.b()");
    answer_without_brace: 1 stage("ask \"Was this you?\" to drift.owner {\n      \"Yes\" { a.b() }\n      \"No\"\n        a.b()\n        c.d()\n      }\n      unanswered { a.b() }\n    }");
    a_merge_conflict: 1 stage("a.b()\n<<<<<<< HEAD\n    c.d(\n=======\n    e.f({\n>>>>>>> feature\n    a.b()").replace("c.d(", "c.d()");
    a_long_chain: 1 format!("define f() -> Bool = {}\n", ["true"; 1000].join(" or "));
    a_use_without_a_dot: 1 "use microsoft(entra, intune)\n";
    open_paren: 1 stage("notify.email(drift.owner, \"hello\"\n    a.b()");
    open_paren_before_block: 1 stage("if any(d in drift.devices where d.lost { a.b() }");
    stray_paren: 1 stage("a.b(c))\n    d.e()");
    missing_closing_brace: 1 "playbook x \"X\" {\n  when a.b as c\n  then {\n    a.b()\n  escalate after 4h {\n    c.d()\n  }\n}\n\nplaybook y \"Y\" {\n  when a.b as c\n  then { a.b() }\n}\n";
    missing_last_brace: 1 "playbook x \"X\" {\n  when a.b as c\n  then {\n    a.b()\n  }\n";
    extra_closing_brace: 1 "playbook x \"X\" {\n  when a.b as c\n  then {\n    a.b()\n    }\n  }\n  escalate after 4h {\n    c.d()\n  }\n}\n";
    missing_opening_brace: 1 "playbook x \"X\" {\n  when a.b as c\n  then\n    a.b()\n    c.d()\n  }\n  escalate after 4h { c.d() }\n}\n";
    brace_on_its_own_line: 1 "playbook x \"X\"\n{\n  when a.b as c\n  then { a.b() }\n}\n";
    no_block_at_all: 1 "playbook x \"X\" {\n  when a.b as c\n  then { a.b() }\n  escalate after 4h\n}\n";
    missing_comma: 1 stage("a.b(title: \"x\" priority: high)");
    bad_escape: 1 stage("a.b(\"C:\\Users\")");
    open_interpolation: 1 stage("a.b(\"hello {drift.owner\")");
    empty_interpolation: 1 stage("a.b(\"hello {}\")");
    broken_interpolation: 1 stage("a.b(\"hello {drift.owner name}\")");

    // Words in the wrong place.
    chained_comparison: 1 stage("if 1 < drift.a < 3 { a.b() }");
    head_order: 1 "playbook x \"X\" {\n  then { a.b() }\n  when a.b as c\n  if c.d\n}\n";
    two_conditions: 1 lines("if drift.a\n  if drift.b");
    step_outside_of_a_stage: 1 "playbook x \"X\" {\n  when a.b as c\n  a.b()\n  let d = e.f()\n}\n";
    block_after_the_heads_if: 1 lines("if drift.a { a.b() }");
    stage_in_a_stage: 1 stage("a.b()\n    escalate after 4h { c.d() }");
    lonely_else: 1 stage("a.b()\n    else { c.d() }");
    no_arm: 1 stage("entra.block(user) {\n      notify.email(user)\n      a.b()\n    }");
    reserved_name: 1 stage("let in = 5");
    ask_without_answers: 1 stage("ask \"Was this you?\" to drift.owner, within 1h");
    ask_with_steps_inside: 1 stage("ask \"Was this you?\" to drift.owner {\n      notify.email(drift.owner)\n    }");
    ask_nobody: 1 stage("ask \"Was this you?\" { \"Yes\" { } }");
    ask_unanswered_twice: 1 stage("ask \"Was this you?\" to drift.owner {\n      \"Yes\" { a.b() }\n      unanswered { a.b() }\n      unanswered { c.d() }\n    }");
    wait_for_without_a_limit: 1 stage("wait for a.b as later");
    wait_for_without_a_name: 1 stage("wait for a.b, at most 2h");
    wait_for_between_stages: 1 "playbook x \"X\" {\n  when a.b as c\n  then { a.b() }\n  wait for a.b as d, at most 2h\n}\n";
    emit_with_a_block: 1 stage("emit contained(user: drift.owner) { a.b() }");
    undo_nothing: 1 stage("undo");
    guard_without_a_title: 1 "guard break_glass {\n  protect u: User where u.id == \"a\"\n}\n";
    guard_with_other_lines: 1 "guard \"no\" {\n  forbid u: User\n}\n";
    protect_without_a_condition: 1 "guard \"no\" {\n  protect u: User\n}\n";
    limit_without_a_time: 1 "guard \"no\" {\n  limit a.b to 20\n}\n";
    param_without_a_default: 1 "param grace: Duration\n";
    param_in_a_playbook: 1 lines("param grace: Duration = 24h");
    test_with_other_lines: 1 "test \"x\" {\n  when a.b\n}\n";
    given_without_a_file: 1 "test \"x\" {\n  given a.b from fixtures\n}\n";
    expect_at_a_number: 1 "test \"x\" {\n  expect a.b at 4\n}\n";
    wait_until_without_a_limit: 1 stage("wait until intune.is_compliant(drift.device) { met { } }");
    schedule: 1 "playbook x \"X\" {\n  when schedule 0 7 * * MON\n  then { a.b() }\n}\n";
    webhook_without_a_type: 1 "playbook x \"X\" {\n  when webhook \"a\" as b\n  then { a.b() }\n}\n";
    webhook_without_a_body: 1 "playbook x \"X\" {\n  when webhook \"a\"\n  then { a.b() }\n}\n";
    webhook_without_quotes: 1 "playbook x \"X\" {\n  when webhook offboarding as b: C\n  then { a.b() }\n}\n";
    webhook_with_a_form: 1 "playbook x \"X\" {\n  when webhook(user: User)\n  then { a.b() }\n}\n";
    clause_twice: 1 stage("approve \"x\" about a, by b, within 4h, within 5h");
    incomplete_line: 1 stage("let x =");
    incomplete_escalation: 1 "playbook x \"X\" {\n  when a.b as c\n  escalate after { a.b() }\n}\n";
    playbook_without_an_id: 1 "playbook \"Compromised User\" {\n  when a.b as c\n  then { a.b() }\n}\n";
    action_without_parentheses: 1 "action block {\n  impact: reversible\n}\n";
    property_without_colon: 1 "action block(user: User) {\n  impact reversible\n}\n";
    trailing_words: 1 stage("wait 4h please");
    unknown_character: 1 stage("let price = $5");
    unknown_line: 1 lines("severity high");
    // What nobody sees.
    a_word_that_hides_a_space: 1 stage("entra.block_si\u{200B}gn_in(drift.owner)");
    a_space_of_no_width: 1 stage("entra.block(\u{FEFF}drift.owner)");
    a_text_that_turns_around: 1 stage("entra.block(drift.owner, why: \"a\u{202E}b\u{202C}c\")").replace('\u{202C}', "\u{202E}");
    a_comment_that_turns_around: 1 stage("// fine \u{2067}\u{2066} then wipe\n    a.b()");
    a_nul: 1 stage("a.b(\"x\u{0}y\")\n    // \u{0}");
    a_name_that_looks_like_another: 1 stage("entra.block(drift.dev\u{456}ce)");
    a_module_that_looks_like_another: 1 stage("\u{435}ntra.block(drift.device)");
    a_name_in_another_alphabet: 1 stage("let größe = 1");
    two_mistakes_two_findings: 2 stage("wait 4hours\n    if a = 1 { b.c() }");
}

#[test]
fn deep_nesting_is_fast_and_said_once() {
    for text in [
        "{".repeat(10_000),
        "if a {".repeat(10_000),
        format!("then {}", "{".repeat(100_000)),
    ] {
        let text = format!("playbook x \"X\" {{\n{text}\n");
        let found = findings(&read(&text));
        assert!(
            found
                .iter()
                .any(|finding| finding.code == super::super::codes::TOO_DEEP)
        );
    }
    for line in [
        "(".repeat(100_000),
        "[".repeat(60_000),
        "a(".repeat(20_000),
        "not ".repeat(15_000),
        "-".repeat(60_000),
    ] {
        assert!(!findings(&read(&stage(&format!("let x = {line}")))).is_empty());
    }
    for line in [
        "a.b".to_owned() + &".c".repeat(20_000),
        "a".to_owned() + &" + a".repeat(15_000),
        "a".to_owned() + &" == a".repeat(10_000),
    ] {
        let found = findings(&read(&stage(&format!("let x = {line}"))));
        assert!(
            found
                .iter()
                .any(|finding| finding.code == super::super::codes::TOO_DEEP),
            "{}",
            found.len()
        );
    }
}

#[test]
fn long_lines_are_linear() {
    // A quadratic reader would take minutes.
    let start = std::time::Instant::now();
    for part in [
        "a ", "\"{", "\"", "{", "}", "(", ")", "4 h ", "/*", "r\"", "'", "“", "\"\"\"\n", "&&",
        "$", "a: b, ", "\"\\q\"", "\"{\"", "\n",
    ] {
        let text = part.repeat((1 << 20) / part.len());
        read(&text);
        read(&format!("playbook x {{ then {{ {text}"));
    }
    assert!(start.elapsed().as_secs() < 120, "{:?}", start.elapsed());
}

#[test]
fn joiners_are_part_of_emoji_and_scripts() {
    for text in [
        "a.b(\"👩\u{200D}💻 ❤\u{FE0F}\u{200D}🔥\")",
        "// می\u{200C}خواهم",
        "a.b() // 🏳\u{FE0F}\u{200D}🌈",
    ] {
        let text = stage(text);
        assert_eq!(findings(&read(&text)).len(), 0, "{}", seen(&text));
    }
    assert_eq!(findings(&read("\u{FEFF}use microsoft.entra\n")).len(), 0);
    assert_eq!(findings(&read(&stage("a.b(\"a\u{200D}b\")"))).len(), 1);
}
