// Small texts in, the colours that a reader expects out; and every file of the library read by the grammar.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { text as built } from "../syntaxes/build.mjs";
import * as words from "../syntaxes/words.mjs";
import { kindOf, playFiles, read, root, scopesOf, tokenize } from "./grammar.mjs";

const kind = (text, word, nth) => kindOf(scopesOf(text, word, nth));
const has = (text, word, scope, nth) => {
  const scopes = scopesOf(text, word, nth);
  assert.ok(scopes.some((s) => s.startsWith(scope)), `${word} in ${JSON.stringify(text)}: ${scopes.join(" ")}`);
};

test("the grammar in the package is the one that its source makes", () => {
  assert.equal(read("syntaxes/counterplay.tmLanguage.json"), built, "run `npm run grammar`");
});

describe("texts and comments", () => {
  test("a comment goes to the end of its line", () => {
    assert.equal(kind("wait 4h // then if", "then"), "comment");
    assert.equal(kind("// a \"text\"", "text"), "comment");
    has("/// documentation", "documentation", "comment.line.documentation");
    has("//// no documentation", "no", "comment.line.double-slash");
    has("/// see `revoke`.", "revoke", "markup.inline.raw");
  });
  test("two slashes in a text are no comment", () => {
    assert.equal(kind('base: "https://graph.example/v1" // c', "graph"), "string");
    assert.equal(kind('base: "https://graph.example/v1" // c', "c"), "comment");
    assert.equal(kind('if a matches(r"//x") and b', "and"), "keyword");
  });
  test("an interpolation is shown as what it is", () => {
    const line = 'a.b("Hello {user.name ?? "you}"}, if not")';
    assert.equal(kind(line, "Hello"), "string");
    assert.equal(kind(line, "user"), "other");
    assert.equal(kind(line, "you"), "string");
    assert.equal(kind(line, "if"), "string");
    has('a("{count(d in xs)}")', "in", "keyword.operator.word");
    has('let a = "{(if vip then 1 else 2)}"', "then", "keyword.control");
    has('let a = "{f("x")} end"', "end", "string.quoted.double");
  });
  test("a brace without its partner, or with another inside, opens nothing", () => {
    assert.equal(kind('let a = "100 { open" if', "open"), "string");
    assert.equal(kind('let a = "100 { open"\nif a', "if"), "keyword");
    assert.equal(kind(String.raw`let a = "\{user} if" `, "user"), "string");
    assert.equal(kind('let a = "{ {user} if" ', "user"), "other");
  });
  test("escapes stand out, others are wrong", () => {
    has(String.raw`let a = "x\ny"`, "\\n", "constant.character.escape");
    has(String.raw`let a = "x\q"`, "\\q", "invalid.illegal");
    assert.equal(kind(String.raw`let a = "x\"if" or b`, "if"), "string");
    assert.equal(kind(String.raw`let a = "x\"if" or b`, "or"), "keyword");
  });
  test("a text that was left open ends with its line", () => {
    assert.equal(kind('let a = "open\nlet b = 1', "let", 2), "keyword");
  });
  test("blocks keep quotes and end on a line of their own", () => {
    const text = 'let a = """\n  say "if" {user.name} // no comment\n  """\nif b { }';
    assert.equal(kind(text, "if"), "string");
    assert.equal(kind(text, "user"), "other");
    assert.equal(kind(text, "comment"), "string");
    assert.equal(kind(text, "if", 2), "keyword");
  });
  test("raw texts interpolate nothing", () => {
    has(String.raw`let a = r"\d{3}"`, "3", "string.quoted.other.raw");
  });
});

describe("numbers", () => {
  for (const [word, scope] of [
    ["4h", "duration"], ["250ms", "duration"], ["07:00", "time"], ["2.5", "decimal"], ["42", "integer"], ["4hours", "invalid"],
  ]) {
    test(word, () => has(`wait ${word}`, word, `constant.numeric.${scope}`));
  }
  test("a digit in a name is none", () => assert.equal(kind("let a1 = b2", "b2"), "other"));
});

describe("names that look like words of the language", () => {
  for (const [line, word, nth] of [
    ["if rule.actions.when == 1", "when"],
    ["let a = run?.then", "then"],
    ["c.d(e.by, by: 1, for: 2)", "by"],
    ["c.d(e.by, by: 1, for: 2)", "by", 2],
    ["c.d(e.by, by: 1, for: 2)", "for"],
    ["x(json: { in: 1, if: 2 })", "in"],
    ["x(json: { in: 1, if: 2 })", "if"],
    ["  within: 4h", "within"],
    ["  on: Text", "on"],
    ["action a(when: Text, is: Bool) {", "when"],
    ["action a(when: Text, is: Bool) {", "is"],
    ["let by = 1", "by"],
    ["if to == from", "to"],
    ["if to == from", "from"],
    ["let x = list(by for by in group)", "by"],
    ["let x = list(by for by in group)", "by", 2],
    ["let x = list(by for by in group)", "group"],
    ["a.b(present)", "present"],
    ["use wait, notify", "wait"],
    ["let x = f(after, unless)", "after"],
    ["if after is present", "after"],
    ["  end = 1", "end"],
    ["wait.create(x)", "wait"],
    ["intune.wait(x)", "wait"],
    ["test.create(x)", "test"],
    ["let answer = 1", "answer"],
    ["guard.all(x)", "guard"],
    ["  ask: 1", "ask"],
    ["  returns: body.x", "returns"],
    ["emit.it(x)", "emit"],
    ["let outcome = given.never", "outcome"],
    ["let outcome = given.never", "given"],
    ["let outcome = given.never", "never"],
  ]) {
    test(`${word} in ${line}`, () => assert.notEqual(kind(line, word, nth), "keyword"));
  }
});

// A line for each word of the language that stands in a phrase of its own; » « mark it.
const PHRASES = [
  "  »when« intune.noncompliant »as« drift, »for« »each« user »in« drift.users",
  "  »when« »every« »day« »at« 07:00",
  "  »when« »every« 15m",
  '  »when« »schedule« "0 7 * * MON" »in« "Europe/London"',
  "  »wait« »until« 09:00",
  "  »when« »manual«(user: User)",
  "  »when« »webhook« \"offboarding\" »as« request: Offboarding",
  "  »ignore« »repeats« »of« risk.user »for« 1h",
  "  »resolved« »when« intune.ok(device), »checking« »every« 15m",
  "  »if« a »and« b »or« »not« c",
  "  »then« {",
  "  »wait« 30d",
  "  »wait« »until« ok(device), »at« »most« 24h, »checking« »every« 15m",
  "  »escalate« »after« 4h »unless« ticket.ok(case) {",
  "  »unless« »not« ok(case) {",
  "  »on« »failure« {",
  "  »let« x = 1",
  "  »attempt« notify.teams(team)",
  "  »attempt« »each« {",
  "  »match« device.platform {",
  "  } »else« »if« x {",
  "  } »else« {",
  "  »for« »each« d »in« devices, »refuse« »more« »than« 50, 5 »at« »a« »time« {",
  "  »in« »parallel« {",
  '  »approve« "Wipe?" »about« device, »by« team.it, »needs« 2, »within« 4h, »valid« 24h, »default« »reject«',
  "    »about« device, »by« team.it",
  '  »without« »approval« »because« "it cannot wait" {',
  '  »end« »run« "why"',
  '  »ask« "Was this you?" »to« user, »within« 1h {',
  "  »undo« entra.block_sign_in(user)",
  "  »emit« contained(user: user)",
  "  »wait« »for« intune.noncompliant »as« later »where« later.id == d.id, »at« »most« 2h",
  "»param« grace: Duration = 24h",
  '»guard« "no mass lockout" {',
  "  »protect« u: User »where« u.id »in« tenant.break_glass",
  "  »limit« entra.block_sign_in »to« 20 »per« 1h »per« »tenant«, »beyond« »that« »approve« »by« team.leads »within« 1h",
  '»test« "blocked after a day" »of« device_noncompliance {',
  '  »given« »tenant« "contoso"',
  '  »given« »manual« lost_device(user: "u-17")',
  "  »given« »schedule« stale_account",
  '  »given« »webhook« "offboarding" »from« "a.json"',
  '  »given« »approval« »from« "a@b.c" »after« 10m',
  '  »given« »rejection« »from« "a@b.c" »after« 10m',
  '  »given« »answer« "Not me" »from« "a@b.c" »after« 5m',
  '  »given« intune.noncompliant »from« "a.json" »after« 2h',
  "  »given« intune.is_compliant »returns« »false« »after« 4h",
  '  »given« entra.block_sign_in »fails« "no rights"',
  "  »expect« intune.sync »at« 4h",
  "  »expect« »never« intune.wipe",
  "  »expect« »outcome« completed",
  "  »return« case",
  "  »return«",
  "  { »return« }",
  "  »let« x = 90d »ago«",
  "  »let« x = 2h »from« »now«",
  "  »let« x = »any«(d »in« xs »where« d.lost)",
  "  »let« x = »list«(d.id »for« d »in« xs »where« d.lost)",
  "  »let« x = (»if« a »then« b »else« c)",
  "  »if« a »is« »present« »and« b »is« »absent«",
  '  »if« a »matches« r"^b$" { x() }',
  '  »if« a »contains« "b" »or« a »starts« »with« "c" »or« a »ends« »with« "d"',
  "  »if« a »not« »in« [1, 2]",
  "  »let« x = »true« == »false«",
  '  »tenants«: »all« »except« ["fabrikam"]',
  '  »tenants«: »group« "gold"',
  "  »rate«: 20 »per« 1s »per« »tenant«, 10 »per« 1h",
  "  »retry«: »for« 10m, »from« 1s »up« »to« 2m",
  '  »reversible«: PATCH "/users/*" »only« accountEnabled, other',
  '  »on« 404: absent',
  '  »on« 400 »where« body.code == "X": done',
  "  »confirm«: »not« is_enabled(user), »within« 2m",
  '  »fires«: »when« raw.state »changes« »to« "x"',
  "  »fires«: »once« »per« (raw.id, raw.updated)",
  "  »field« device: Device = Device(id: raw.id)",
  "  »fetched« owner: User? = entra.user(owner_id)",
  "»use« microsoft.(identity, entra), ticket",
  "»type« User {",
  "»enum« Severity »ordered« {",
  "»connection« graph {",
  "»event« noncompliant {",
  "»action« block_ip(»on« address: Text, on: Text) -> List<Receipt> {",
  "»query« people() -> List<User> {",
  "»steps« contain(user: User) {",
  "»define« is_vip(user: User) -> Bool = user.id »in« tenant.vips",
  '»playbook« everything "Every {thing}" {',
];

describe("words of the language", () => {
  for (const marked of PHRASES) {
    test(marked.replace(/[»«]/g, ""), () => {
      const line = marked.replace(/[»«]/g, "");
      const tokens = tokenize(line)[0];
      let removed = 0;
      const expected = new Set();
      for (const found of marked.matchAll(/»(\w+)«/g)) {
        const start = found.index - removed;
        removed += 2;
        expected.add(start);
        const token = tokens.find((t) => t.start <= start && start < t.end);
        assert.equal(kindOf(token.scopes), "keyword", `${found[1]}: ${token.scopes.join(" ")}`);
      }
      // And nothing else is one.
      for (const found of line.matchAll(/[A-Za-z_]\w*/g)) {
        const token = tokens.find((t) => t.start <= found.index && found.index < t.end);
        const allowed = expected.has(found.index) || found[0] === "PATCH";
        assert.ok(allowed || kindOf(token.scopes) !== "keyword", `${found[0]} is no word of the language here`);
      }
    });
  }

  test("every word of grammar/play.pest has a line here that shows it", () => {
    const pest = readFileSync(path.join(root, "grammar/play.pest"), "utf8");
    const keywords = [...pest.matchAll(/^(?:kw_|op_|floor_word|day_word|approve_default|search_word|collect_word)\w* *=.*$/gm)]
      .flatMap(([line]) => [...line.matchAll(/"(\w+)"/g)].map((m) => m[1]));
    const reserved = [...pest.match(/^reserved = .*$/m)[0].matchAll(/"(\w+)"/g)].map((m) => m[1]);
    assert.ok(keywords.length > 70 && reserved.length === 12, "the grammar has changed its form");
    const shown = new Set(PHRASES.flatMap((line) => [...line.matchAll(/»(\w+)«/g)].map((m) => m[1])));
    // Of each of these families the lines above show one.
    const families = [words.days, words.floors, words.searches, words.collects];
    for (const family of families) assert.ok(family.some((word) => shown.has(word)), family.join());
    const known = new Set([
      ...words.reserved, ...words.items, ...words.starters, ...words.before, ...words.phrases, ...words.properties, ...families.flat(),
    ]);
    for (const word of new Set([...keywords, ...reserved])) {
      assert.ok(known.has(word), `syntaxes/words.mjs does not know \`${word}\``);
      assert.ok(shown.has(word) || families.flat().includes(word), `no line shows \`${word}\``);
    }
    assert.deepEqual([...words.reserved].sort(), reserved.sort());
    for (const word of known) {
      assert.ok(keywords.includes(word) || reserved.includes(word), `\`${word}\` is no word of the grammar`);
    }
  });
});

describe("names by their kind", () => {
  const line = "  let case = ticket.create(title: \"x\", priority: high, who: User(id: 1))";
  test("module and action", () => {
    has(line, "ticket", "entity.name.namespace");
    has(line, "create", "entity.name.function");
  });
  test("named arguments", () => has(line, "title", "variable.parameter"));
  test("types", () => {
    has(line, "User", "entity.name.type");
    has("query a() -> List<User>? {", "User", "entity.name.type");
  });
  test("settings", () => has("  mode: active", "mode", "support.type.property-name"));
  test("methods of calls", () => has('  destructive: POST "/wipe"', "POST", "constant.language.method"));
  test("arms", () => has("  x.y() {\n    failed { }\n}", "failed", "keyword.control.arm"));
  test("declared names", () => {
    has('playbook a "A" {', "a", "entity.name.function.playbook");
    has("action block(user: User) {", "block", "entity.name.function");
    has("enum Kind { wait, then = \"x\" }", "wait", "variable.other.enummember");
  });
  test("less and type arguments are told apart", () => {
    has("if a < b and c > d", "and", "keyword.operator.logical");
    has("field a: List<Text> = x", "=", "keyword.operator.assignment");
  });
});

test("a bracket that was left open does not reach the next item", () => {
  const text = 'playbook a "A" {\n  then {\n    x.y(z: [1, { b: 2\n  }\n}\n\nplaybook b "B" {\n  wait 4h\n}';
  has(text, "playbook", "storage.type", 2);
  assert.equal(kind(text, "wait"), "keyword");
});

describe("files", () => {
  const files = [...playFiles("stdlib"), ...playFiles("examples"), ...playFiles("compiler/src/syntax/tests/programs")];
  assert.ok(files.length > 15);
  for (const file of files) {
    test(path.relative(root, file), () => {
      const text = readFileSync(file, "utf8");
      const lines = text.split("\n");
      for (const [i, tokens] of tokenize(text).entries()) {
        const line = lines[i];
        for (const token of tokens) {
          assert.ok(
            !token.scopes.some((s) => s.startsWith("invalid.")),
            `${i + 1}: ${JSON.stringify(token.text)} is shown as wrong`,
          );
          // Every word belongs to something.
          if (/\w/.test(token.text)) {
            assert.ok(token.scopes.length > 1, `${i + 1}: nothing is known of ${JSON.stringify(token.text)} in ${line}`);
          }
        }
        // Nothing is left open behind the closing brace of an item.
        if (line === "}") {
          assert.ok(tokens[0].scopes.length <= 3, `${i + 1}: ${tokens[0].scopes.join(" ")}`);
        }
      }
    });
  }
});
