//! What the tree holds: precedence, places, texts, documentation, and what remains of broken lines.

use super::{super::ast::*, clean, read};

fn value(expr: &str) -> (Expr, String) {
    let text = format!("playbook x {{ then {{\nlet v = {expr}\n}} }}");
    let parsed = clean(&text);
    let Item::Playbook(playbook) = &*parsed.items[0].item else {
        panic!("{parsed:?}")
    };
    let PlaybookLineKind::Then(block) = &playbook.lines[0].kind else {
        panic!("{playbook:?}")
    };
    let StepKind::Let { value, .. } = &block.steps[0].kind else {
        panic!("{block:?}")
    };
    (value.clone(), text)
}

/// An expression with all its parentheses.
fn shape(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Number(value) => value.to_string(),
        ExprKind::Duration(value) => format!("{value}ms"),
        ExprKind::ClockTime(value) => format!("@{value}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Now => "now".to_owned(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Raw(raw) => format!("r{raw:?}"),
        ExprKind::Text(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match part {
                    TextPart::Literal(text) => format!("{text:?}"),
                    TextPart::Interpolation(expr) => shape(expr),
                })
                .collect();
            format!("text[{}]", parts.join(" "))
        }
        ExprKind::Field {
            base,
            field,
            optional,
        } => {
            format!(
                "{}{}{}",
                shape(base),
                if *optional { "?." } else { "." },
                field.text
            )
        }
        ExprKind::Call { callee, args } => {
            let args: Vec<String> = args
                .iter()
                .map(|arg| {
                    arg.name
                        .as_ref()
                        .map_or(String::new(), |name| format!("{}: ", name.text))
                        + &shape(&arg.value)
                })
                .collect();
            format!("{}({})", shape(callee), args.join(", "))
        }
        ExprKind::List(items) => format!(
            "[{}]",
            items.iter().map(shape).collect::<Vec<_>>().join(", ")
        ),
        ExprKind::Json(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", key.text, shape(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        ExprKind::Unary(op, inner) => format!("({op:?} {})", shape(inner)),
        ExprKind::Binary {
            op, left, right, ..
        } => format!("({} {op:?} {})", shape(left), shape(right)),
        ExprKind::Is(inner, present) => format!("({} is {present})", shape(inner)),
        ExprKind::Ago(inner) => format!("({} ago)", shape(inner)),
        ExprKind::FromNow(inner) => format!("({} from now)", shape(inner)),
        ExprKind::If {
            condition,
            then,
            otherwise,
        } => {
            format!(
                "(if {} {} {})",
                shape(condition),
                shape(then),
                shape(otherwise)
            )
        }
        ExprKind::Comprehension {
            kind,
            body,
            var,
            source,
            filter,
        } => format!(
            "{kind:?}({} {} {} {})",
            body.as_ref().map_or(String::new(), |body| shape(body)),
            var.text,
            shape(source),
            filter
                .as_ref()
                .map_or(String::new(), |filter| shape(filter))
        ),
        ExprKind::Missing => "missing".to_owned(),
    }
}

#[test]
fn operators_bind_as_said() {
    for (written, expected) in [
        ("a or b and c", "(a Or (b And c))"),
        ("not a == b and c", "((Not (a Eq b)) And c)"),
        ("a + b * c - d", "((a Add (b Mul c)) Sub d)"),
        ("-a.b + 1", "((Neg a.b) Add 1)"),
        ("a ?? b == c", "((a Coalesce b) Eq c)"),
        ("a ?? b ?? c", "((a Coalesce b) Coalesce c)"),
        ("not a is present", "(Not (a is true))"),
        ("a.b is absent or c", "((a.b is false) Or c)"),
        (
            "a not in [1, 2] and b in c",
            "((a NotIn [1, 2]) And (b In c))",
        ),
        ("t < 90d ago", "(t Lt (7776000000ms ago))"),
        ("2h from now > t", "((7200000ms from now) Gt t)"),
        (
            "a starts with \"x\" and b ends with c",
            "((a StartsWith text[\"x\"]) And (b EndsWith c))",
        ),
        ("android.order + inner", "(android.order Add inner)"),
        ("a?.b.by(not: 1, in: x)", "a?.b.by(not: 1, in: x)"),
        ("(if a then b else c)", "(if a b c)"),
        (
            "(if a then b else if c then d else e)",
            "(if a b (if c d e))",
        ),
        ("raw.\"@odata.type\".x", "raw.@odata.type.x"),
        ("any(d in xs where d.a == 1)", "Any( d xs (d.a Eq 1))"),
        ("list(d.n for d in xs)", "List(d.n d xs )"),
        ("sum(xs)", "sum(xs)"),
        ("count(xs)", "count(xs)"),
        (
            "f({ a: [1], \"@b\": { c: true } })",
            "f({a: [1], @b: {c: true}})",
        ),
        ("07:30", "@450"),
        ("r\"\\d+\"", "r\"\\\\d+\""),
        ("Severity.high", "Severity.high"),
    ] {
        assert_eq!(shape(&value(written).0), expected, "{written}");
    }
}

#[test]
fn texts() {
    for (written, expected) in [
        (r#""a\n\t\"\\\{b}""#, r#"text["a\n\t\"\\{b}"]"#),
        (r#""{a.b("c", 1)} d""#, r#"text[a.b(text["c"], 1) " d"]"#),
        ("\"\"", "text[]"),
        (
            "\"\"\"\n    one {a}\n      two\n\n    three\n    \"\"\"",
            "text[\"one \" a \"\\n  two\\n\\nthree\"]",
        ),
    ] {
        assert_eq!(shape(&value(written).0), expected, "{written}");
    }
}

#[test]
fn places_are_exact() {
    let (expr, text) = value("ticket.create(title: \"x {case.number} y\", a: b)  // why");
    let shown = |span: crate::span::Span| &text[span.start as usize..span.end as usize];
    assert_eq!(
        shown(expr.span),
        "ticket.create(title: \"x {case.number} y\", a: b)"
    );
    let ExprKind::Call { callee, args } = &expr.kind else {
        panic!("{expr:?}")
    };
    assert_eq!(shown(callee.span), "ticket.create");
    assert_eq!(shown(args[0].value.span), "\"x {case.number} y\"");
    assert_eq!(shown(args[1].value.span), "b");
    let ExprKind::Text(parts) = &args[0].value.kind else {
        panic!("{args:?}")
    };
    let TextPart::Interpolation(inner) = &parts[1] else {
        panic!("{parts:?}")
    };
    assert_eq!(shown(inner.span), "case.number");
}

#[test]
fn places_are_relative_to_the_item() {
    let text = "use a\n\n/// Doc.\n///  more\ntype T {\n  /// The id.\n  id: Text\n}\n";
    let parsed = clean(text);
    let item = &parsed.items[1];
    assert_eq!(item.offset as usize, text.find("///").unwrap());
    assert_eq!((item.offset + item.len) as usize, text.trim_end().len());
    let Item::Type(decl) = &*item.item else {
        panic!("{item:?}")
    };
    assert_eq!(
        (&*decl.doc, &*decl.fields[0].doc),
        ("Doc.\n more", "The id.")
    );
    let start = (item.offset + decl.name.span.start) as usize;
    assert_eq!(&text[start..start + 1], "T");
}

#[test]
fn an_edit_elsewhere_changes_nothing_in_an_item() {
    let item = "playbook x \"X\" {\n  when a.b as c\n  then { d.e(\"{c.f}\") }\n  wait 4hours\n}\n";
    let first = read(item).items.remove(0);
    let second = read(&format!("use z\n\n// moved\n{item}")).items.remove(1);
    assert_eq!(
        (&first.item, &first.diagnostics, first.keyword),
        (&second.item, &second.diagnostics, second.keyword)
    );
}

#[test]
fn a_broken_let_still_gives_its_name_and_a_broken_head_keeps_its_block() {
    let text = "playbook x \"X\" {\n  when a.b as c\n  then {\n    let case = ticket.create(title: +)\n    for each d in + {\n      let y = *\n    }\n    approve {\n      approved { let z = 5 5 }\n    }\n  }\n}\n";
    let parsed = read(text);
    let item = &parsed.items[0];
    assert_eq!(item.diagnostics.len(), 5, "{:#?}", item.diagnostics);
    let Item::Playbook(playbook) = &*item.item else {
        panic!("{item:?}")
    };
    let PlaybookLineKind::Then(block) = &playbook.lines[1].kind else {
        panic!("{playbook:?}")
    };
    assert!(
        matches!(&block.steps[0].kind, StepKind::Let { name, value } if name.text == "case" && value.kind == ExprKind::Missing)
    );
    let StepKind::ForEach { body, .. } = &block.steps[1].kind else {
        panic!("{block:?}")
    };
    assert!(matches!(&body.steps[0].kind, StepKind::Let { name, .. } if name.text == "y"));
    assert_eq!(block.steps[2].arms.len(), 1);
}

#[test]
fn the_same_name_twice_gets_another_key() {
    let parsed = read("type T { a: Text }\ntype T { b: Text }\n");
    assert_eq!(
        parsed
            .items
            .iter()
            .map(|item| &*item.key)
            .collect::<Vec<_>>(),
        ["type T", "type T#2"]
    );
}

#[test]
fn bytes_that_are_no_text() {
    let path = std::sync::Arc::from("a.play");
    assert_eq!(
        super::super::decode(&path, b"\xEF\xBB\xBFuse a").unwrap(),
        "use a"
    );
    let error = super::super::decode(&path, b"use a\nb\xFFc").unwrap_err();
    assert!(error.message.contains("line 2"), "{}", error.message);
}
