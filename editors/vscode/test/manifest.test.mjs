// The package's JSON files in, whether the editor and the code can make sense of them out.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, test } from "node:test";
import { here, read } from "./grammar.mjs";

const manifest = JSON.parse(read("package.json"));
const { contributes } = manifest;
const sources = readdirSync(path.join(here, "src"), { recursive: true })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(path.join(here, "src", name), "utf8"));

test("every command of the package is registered, and every registered one is in the package", () => {
  const registered = sources.flatMap((text) => [...text.matchAll(/registerCommand\(\s*"([^"]+)"/g)].map((m) => m[1]));
  assert.deepEqual(registered.sort(), contributes.commands.map(({ command }) => command).sort());
  const used = Object.values(contributes.menus).flat().map(({ command }) => command);
  for (const command of used) assert.ok(registered.includes(command), command);
});

test("every setting that the code asks for is in the package", () => {
  const asked = sources.flatMap((text) => [...text.matchAll(/getConfiguration\("counterplay"\)\s*\.get<[^>]+>\("([^"]+)"\)/g)].map((m) => `counterplay.${m[1]}`));
  assert.ok(asked.length > 0);
  for (const setting of asked) assert.ok(setting in contributes.configuration.properties, setting);
});

test("a workspace that is not trusted does not choose the program", () => {
  assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes("counterplay.path"));
});

test("every file that the package names is there", () => {
  const files = [
    ...contributes.languages.map(({ configuration }) => configuration),
    ...contributes.grammars.map((g) => g.path),
    ...contributes.snippets.map((s) => s.path),
  ];
  for (const file of files) assert.ok(existsSync(path.join(here, file)), file);
});

test("every version is pinned, and no address of a registry is written down", () => {
  for (const [name, version] of Object.entries(manifest.devDependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  assert.doesNotMatch(read("package-lock.json"), /"resolved"|https?:\/\/[^"]*registry/);
});

describe("language configuration", () => {
  const configuration = JSON.parse(read("language-configuration.json"));
  const increase = new RegExp(configuration.indentationRules.increaseIndentPattern);
  const decrease = new RegExp(configuration.indentationRules.decreaseIndentPattern);

  test("a line that opens a bracket indents the next", () => {
    for (const line of ["  then {", "  x.y(", "  let a = [", "  a { // why", '  on "{x}" {', "x(json: {"]) assert.match(line, increase);
    for (const line of ["  // then {", '  let a = "{"', "  wait 4h", "  a { b() }", '  let a = "x {', "  base: a // {"]) assert.doesNotMatch(line, increase);
    for (const line of ["  }", "  ) {", "]", "  } else {"]) assert.match(line, decrease);
  });
  test("long lines are decided at once", () => {
    const started = performance.now();
    increase.test(`${'"a" / b '.repeat(4000)}`);
    increase.test(`${"\\\"".repeat(4000)}`);
    assert.ok(performance.now() - started < 200);
  });
  test("documentation goes on in the next line", () => {
    const before = new RegExp(configuration.onEnterRules[0].beforeText);
    assert.match("/// What it does", before);
    assert.match("  ///", before);
    assert.doesNotMatch("// a comment", before);
    assert.doesNotMatch("//// a rule", before);
  });
  test("words are the language's", () => {
    const pattern = new RegExp(configuration.wordPattern, "g");
    assert.deepEqual("entra.block_sign_in(risk.user) 4h 07:00".match(pattern), ["entra", "block_sign_in", "risk", "user", "4h", "07:00"]);
  });
  test("pairs do not close in comments", () => {
    for (const { notIn } of configuration.autoClosingPairs) assert.ok(notIn.includes("comment"));
  });
});

describe("snippets", () => {
  const snippets = Object.entries(JSON.parse(read("snippets/counterplay.json")));
  test("each has a prefix of its own, a description and a body", () => {
    const prefixes = snippets.map(([, { prefix }]) => prefix);
    assert.equal(new Set(prefixes).size, prefixes.length);
    for (const [name, { description, body }] of snippets) {
      assert.ok(description, name);
      assert.ok(Array.isArray(body) && body.length > 0, name);
      assert.match(body.join("\n"), /\$\{?0/, `${name} says where the cursor ends`);
    }
  });
  test("those that the language needs are there", () => {
    const prefixes = snippets.map(([, { prefix }]) => prefix);
    for (const wanted of ["playbook", "escalate", "approve", "if", "ifelse", "match", "for", "parallel", "attempt", "wait", "steps", "action", "query", "event", "connection", "enum", "type", "ask", "waitfor", "param", "guard", "test"]) {
      assert.ok(prefixes.includes(wanted), wanted);
    }
  });
});
