// Files of the library in, the server's tokens and the grammar's scopes side by side out: they have to agree.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { kindOf, playFiles, root, tokenize } from "./grammar.mjs";
import { binary, decode, skip, start, uriOf } from "./server.mjs";

if (!binary) {
  test("COUNTERPLAY_BIN is set on CI", () => {
    console.log(skip);
    assert.notEqual(process.env.CI, "true", "CI has to run these tests: set COUNTERPLAY_BIN");
  });
}

const COMPARED = ["comment", "string", "number", "keyword"];

describe("the server's tokens", { skip }, () => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  const files = [...playFiles("stdlib"), ...playFiles("examples"), path.join(root, "compiler/src/syntax/tests/programs/everything.play")];
  for (const file of files) {
    test(path.relative(root, file), async () => {
      const text = readFileSync(file, "utf8");
      const lines = text.split("\n");
      // A document without a file: the library's own are not to be doubled.
      const uri = `untitled:/${path.relative(root, file)}`;
      await server.open(uri, text);
      const { data } = await server.request("textDocument/semanticTokens/full", { textDocument: { uri } });
      const tokens = decode(data, server.capabilities.semanticTokensProvider.legend);
      assert.ok(tokens.length > 0);
      const scopes = tokenize(text);
      const at = (line, column) => scopes[line].find((t) => t.start <= column && column < t.end).scopes;
      const wrong = [];
      const say = (line, start, end, server_, mine) =>
        wrong.push(`${line + 1}:${start + 1} ${JSON.stringify(lines[line].slice(start, end))}: server ${server_}, grammar ${mine}`);

      const said = lines.map((line) => new Array(line.length));
      for (const token of tokens) {
        said[token.line].fill(token.kind, token.start, token.end);
        if (!COMPARED.includes(token.kind)) continue;
        for (let column = token.start; column < token.end; column += 1) {
          const mine = kindOf(at(token.line, column));
          // What stands in an interpolation and has no meaning of its own, the server shows as text.
          const inHole = at(token.line, column).some((s) => s.startsWith("meta.interpolation"));
          if (mine !== token.kind && lines[token.line][column] !== " " && !(inHole && token.kind === "string")) {
            say(token.line, token.start, token.end, token.kind, `${mine} (${at(token.line, column).join(" ")})`);
            break;
          }
        }
      }
      for (const [line, list] of scopes.entries()) {
        for (const token of list) {
          const mine = kindOf(token.scopes);
          if (mine !== "comment" && mine !== "string") continue;
          for (let column = token.start; column < token.end; column += 1) {
            if (lines[line][column].trim() !== "" && said[line][column] !== mine) {
              say(line, token.start, token.end, said[line][column], mine);
              break;
            }
          }
        }
      }
      assert.deepEqual(wrong, []);
    });
  }

  test("every kind and modifier of the legend is one that the package knows", () => {
    const standard = ["namespace", "type", "enum", "enumMember", "event", "function", "method", "variable", "parameter", "property", "keyword", "comment", "string", "number", "operator"];
    const { tokenTypes, tokenModifiers } = server.capabilities.semanticTokensProvider.legend;
    const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url)));
    const own = manifest.contributes.semanticTokenModifiers.map(({ id }) => id);
    for (const kind of tokenTypes) assert.ok(standard.includes(kind), kind);
    for (const modifier of tokenModifiers) {
      assert.ok(["declaration", "documentation", "defaultLibrary", "readonly", ...own].includes(modifier), modifier);
    }
    for (const modifier of own) assert.ok(tokenModifiers.includes(modifier), modifier);
  });
});

describe("what goes beyond the protocol", { skip }, () => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  test("a file of the library is answered as text", async () => {
    const { text } = await server.request("workspace/textDocumentContent", { uri: "std:/microsoft/entra.play" });
    assert.equal(text, readFileSync(path.join(root, "stdlib/microsoft/entra.play"), "utf8"));
    await assert.rejects(server.request("workspace/textDocumentContent", { uri: "std:/nothing.play" }), /nothing\.play/);
  });

  test("a playbook has a state machine, a harmful call its modifier", async () => {
    const file = path.join(root, "examples/lost-device/playbooks/lost_device.play");
    const text = readFileSync(file, "utf8");
    const uri = uriOf(file);
    await server.open(uri, text);
    const lines = text.split("\n");
    const line = lines.findIndex((l) => l.includes("intune.wipe("));
    const drawing = await server.request("counterplay/machine", { textDocument: { uri }, position: { line, character: 4 } });
    assert.equal(drawing.title, "Lost or Stolen Device");
    assert.match(drawing.mermaid, /^flowchart /);
    assert.match(drawing.dot, /digraph/);
    assert.equal(await server.request("counterplay/machine", { textDocument: { uri }, position: { line: 0, character: 0 } }), null);
    const { data } = await server.request("textDocument/semanticTokens/full", { textDocument: { uri } });
    const tokens = decode(data, server.capabilities.semanticTokensProvider.legend);
    const wipe = tokens.find((t) => t.line === line && lines[line].slice(t.start, t.end) === "wipe");
    assert.ok(wipe.modifiers.includes("destructive"), JSON.stringify(wipe));
  });
});

describe("snippets", { skip }, () => {
  let server;
  before(async () => {
    server = await start();
  });
  after(() => server?.stop());

  const snippets = JSON.parse(readFileSync(new URL("../snippets/counterplay.json", import.meta.url)));
  for (const [name, { prefix, body }] of Object.entries(snippets)) {
    test(`${name} can be read`, async () => {
      const uri = `untitled:/snippet_${prefix}.play`;
      await server.open(uri, inPlace(prefix, expand(body.join("\n"))));
      const { diagnostics } = await server.findings(uri);
      const syntax = diagnostics.filter(({ code }) => /^P01/.test(String(code)));
      assert.deepEqual(syntax.map(({ code, message }) => `${code} ${message}`), []);
    });
  }

  test("a broken line would be found", async () => {
    const uri = "untitled:/broken.play";
    await server.open(uri, inPlace("if", "let = 4h"));
    const { diagnostics } = await server.findings(uri);
    assert.ok(diagnostics.some(({ code }) => /^P01/.test(String(code))), JSON.stringify(diagnostics));
  });
});

/** A snippet as it is when its places are left as offered: the first of several choices is taken. */
function expand(body) {
  let text = body;
  const inner = String.raw`(?:[^\\}$]|\\.)*`;
  for (let i = 0; i < 4; i += 1) {
    text = text
      .replace(/\$\{\d+\|([^,|]+)[^|]*\|\}/g, "$1")
      .replace(new RegExp(String.raw`\$\{\d+:(${inner})\}`, "g"), "$1");
  }
  return text.replace(/\$\{?\d+\}?/g, "").replace(/\\([\\$}])/g, "$1");
}

/** A snippet where it is meant to stand. */
function inPlace(prefix, text) {
  const item = ["playbook", "steps", "action", "query", "event", "connection", "enum", "type", "param", "guard", "test"];
  if (item.includes(prefix)) return text;
  const stage = ["escalate"];
  const body = stage.includes(prefix) ? text : `  then {\n${text}\n  }`;
  return `playbook p "P" {\n  when manual()\n${body}\n}\n`;
}
