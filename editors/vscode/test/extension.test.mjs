// The extension's own decisions, tried with an editor that is only pretended.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import * as path from "node:path";
import { after, describe, test } from "node:test";
import { load } from "./vscode.mjs";

const posix = process.platform !== "win32";

describe("finding the program", { skip: posix ? false : "scripts stand for the program" }, () => {
  const { expand, find, locate } = load("binary.ts");
  const folder = mkdtempSync(path.join(tmpdir(), "counterplay-"));
  after(() => rmSync(folder, { recursive: true }));
  const program = (where, script) => {
    mkdirSync(path.join(folder, where), { recursive: true });
    const file = path.join(folder, where, "counterplay");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  const good = program("good", '[ "$1 $2" = "lsp --help" ]');
  const old = program("old", "exit 2");
  const environment = (...names) => ({ PATH: names.map((name) => path.join(folder, name)).join(path.delimiter) });

  test("on the PATH", async () => {
    assert.deepEqual(await find("counterplay", undefined, environment("none", "good")), { kind: "found", path: good });
    assert.deepEqual(await find("  ", undefined, environment("good")), { kind: "found", path: good });
  });
  test("by its path", async () => {
    assert.deepEqual(await find(good, undefined, {}), { kind: "found", path: good });
    assert.deepEqual(await find("${workspaceFolder}/good/counterplay", folder, {}), { kind: "found", path: good });
    assert.deepEqual(await find("./good/counterplay", folder, {}), { kind: "found", path: good });
  });
  test("one that is missing, one that is no program, one that is too old", async () => {
    assert.deepEqual(await find("counterplay", undefined, environment("none")), { kind: "missing", wanted: "counterplay" });
    writeFileSync(path.join(folder, "text"), "no program");
    assert.equal((await find(path.join(folder, "text"), undefined, {})).kind, "missing");
    assert.equal((await find(folder, undefined, {})).kind, "missing");
    assert.deepEqual(await find(old, undefined, {}), { kind: "old", path: old });
  });
  test("one that cannot be executed", async () => {
    const broken = path.join(folder, "broken");
    writeFileSync(broken, "#!/nowhere/at/all\n");
    chmodSync(broken, 0o755);
    assert.deepEqual(await find(broken, undefined, {}), { kind: "broken", path: broken });
  });
  test("a bare name is never taken from the folder that is open, nor from a relative entry of the PATH", async () => {
    program(".", "exit 0");
    assert.equal(await locate("counterplay", folder, { PATH: `.${path.delimiter}${path.join(folder, "none")}` }), undefined);
  });
  test("~ is the home", () => {
    assert.equal(expand("~/bin/counterplay", undefined), `${homedir()}/bin/counterplay`);
    assert.equal(expand("~other/x", undefined), "~other/x");
    assert.equal(expand("${workspaceFolder}/x", "/a$&b"), "/a$&b/x");
  });
});

test("whoever has no program is told so, with ways out", () => {
  const { explain } = load("trouble.ts");
  for (const found of [{ kind: "missing", wanted: "cp" }, { kind: "old", path: "/x/cp" }, { kind: "broken", path: "/x/cp" }]) {
    const { message, ways } = explain(found);
    assert.match(message, /`.*cp`/);
    assert.ok(ways.includes("Open settings") && ways.includes("Try again"));
  }
});

describe("the page of the state machine", () => {
  const { escapeHtml, page } = load("machine/page.ts");
  const html = page({ source: "https://x.example", nonce: "abc123", script: "https://x.example/view.js", style: "https://x.example/view.css", title: `<img src=x onerror="alert('1')">&` });

  test("text stays text", () => {
    assert.equal(escapeHtml(`<a b="c" d='e'>&`), "&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;");
    assert.doesNotMatch(html, /<img/);
  });
  test("the policy lets in what belongs to it and nothing else", () => {
    const policy = html.match(/Content-Security-Policy" content="([^"]*)"/)[1].replaceAll("&#39;", "'");
    const rules = Object.fromEntries(policy.split("; ").map((rule) => [rule.slice(0, rule.indexOf(" ")), rule.slice(rule.indexOf(" ") + 1)]));
    assert.equal(rules["default-src"], "'none'");
    assert.equal(rules["script-src"], "'nonce-abc123'");
    assert.doesNotMatch(policy, /unsafe-eval|\*|connect-src/);
    assert.ok([...html.matchAll(/<script\b[^>]*>/g)].every(([tag]) => tag.includes('nonce="abc123"')));
    assert.doesNotMatch(html, /<[^>]*\son\w+=/);
  });
});

describe("a place in a text that is edited", () => {
  const { follow } = load("machine/place.ts");
  const at = (line, character) => ({ line, character });
  const edit = (a, b, text) => ({ range: { start: at(...a), end: at(...b) }, text });
  for (const [what, place, change, expected] of [
    ["behind it", [5, 2], edit([6, 0], [6, 0], "x\n"), [5, 2]],
    ["a line before it", [5, 2], edit([1, 0], [1, 0], "x\ny\n"), [7, 2]],
    ["lines taken away", [5, 2], edit([1, 0], [3, 0], ""), [3, 2]],
    ["on its line", [5, 6], edit([5, 0], [5, 2], "abc"), [5, 7]],
    ["a break on its line", [5, 6], edit([5, 4], [5, 4], "a\r\nbc"), [6, 4]],
    ["lines joined", [5, 6], edit([4, 3], [5, 0], ""), [4, 9]],
    ["around it", [5, 6], edit([4, 0], [6, 0], "new"), [4, 0]],
  ]) {
    test(what, () => assert.deepEqual(follow(at(...place), change), at(...expected)));
  }
});

describe("the panel of the state machine", () => {
  function setUp() {
    const heard = { message: undefined, changed: undefined, closed: undefined };
    const sent = [];
    const copied = [];
    const uri = { toString: () => "file:///a.play" };
    const editor = {
      ViewColumn: { Beside: -2 },
      Uri: { joinPath: (base, ...rest) => ({ toString: () => [base, ...rest].join("/") }) },
      env: { clipboard: { writeText: async (text) => copied.push(text) } },
      workspace: { onDidChangeTextDocument: (f) => ((heard.changed = f), { dispose() {} }) },
      window: {
        activeTextEditor: { document: { uri, languageId: "counterplay" }, selection: { active: { line: 3, character: 0 } } },
        setStatusBarMessage() {},
        showInformationMessage: async () => undefined,
        createWebviewPanel: () => ({
          reveal() {},
          dispose() {},
          onDidDispose: (f) => (heard.closed = f),
          webview: {
            cspSource: "csp", asWebviewUri: (u) => u, onDidReceiveMessage: (f) => (heard.message = f),
            postMessage: async (message) => sent.push(message),
          },
        }),
      },
    };
    const asked = [];
    const server = { answer: async () => ({ title: "T", mermaid: "M", dot: "D" }), ask: (method, params) => (asked.push({ method, params: structuredClone({ position: params.position, uri: params.textDocument.uri }) }), server.answer()) };
    const { MachinePanel } = load("machine/panel.ts", editor);
    return { panel: new MachinePanel("/ext", server), heard, sent, copied, asked, server, uri };
  }
  const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  test("what is drawn before the page listens is sent when it does", async () => {
    const { panel, heard, sent, asked } = setUp();
    await panel.show();
    assert.deepEqual(asked, [{ method: "counterplay/machine", params: { uri: "file:///a.play", position: { line: 3, character: 0 } } }]);
    assert.deepEqual(sent, []);
    await heard.message({ kind: "ready" });
    assert.deepEqual(sent, [{ kind: "drawing", title: "T", mermaid: "M" }]);
    panel.dispose();
  });

  test("edits draw it anew, once, at the place to which the playbook has moved", async () => {
    const { panel, heard, asked, uri } = setUp();
    await panel.show();
    for (let i = 0; i < 3; i += 1) {
      heard.changed({ document: { uri }, contentChanges: [{ range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, text: "\n" }] });
    }
    heard.changed({ document: { uri: { toString: () => "file:///other.play" } }, contentChanges: [] });
    assert.equal(asked.length, 1);
    await rest(400);
    assert.equal(asked.length, 2);
    assert.deepEqual(asked[1].params.position, { line: 6, character: 0 });
    panel.dispose();
  });

  test("mistakes are told, and the last drawing stays", async () => {
    const { panel, heard, sent, copied, server } = setUp();
    await panel.show();
    await heard.message({ kind: "ready" });
    server.answer = async () => {
      throw new Error("`a` has mistakes");
    };
    await panel.draw();
    assert.deepEqual(sent.at(-1), { kind: "trouble", message: "`a` has mistakes", keep: true });
    await heard.message({ kind: "copy", format: "dot" });
    await heard.message({ kind: "copy", format: "mermaid" });
    assert.deepEqual(copied, ["D", "M"]);
    sent.length = 0;
    await heard.message({ kind: "ready" });
    assert.deepEqual(sent.map((m) => m.kind), ["drawing", "trouble"]);
    server.answer = async () => null;
    await panel.draw();
    assert.deepEqual(sent.at(-1), { kind: "trouble", message: "There is no playbook at this place.", keep: false });
    await heard.message({ kind: "copy", format: "dot" });
    assert.equal(copied.length, 2);
    panel.dispose();
  });

  test("an answer that comes too late is not shown", async () => {
    const { panel, heard, sent, server } = setUp();
    await panel.show();
    await heard.message({ kind: "ready" });
    let late;
    server.answer = () => new Promise((resolve) => (late = resolve));
    const first = panel.draw();
    server.answer = async () => ({ title: "new", mermaid: "new", dot: "new" });
    await panel.draw();
    late({ title: "old", mermaid: "old", dot: "old" });
    await first;
    assert.equal(sent.at(-1).title, "new");
    panel.dispose();
  });
});

test("a file of the library is asked for by its address", async () => {
  const { Library, SCHEME } = load("library.ts");
  const asked = [];
  const library = new Library({ ask: async (...args) => (asked.push(args), { text: "use graph" }) });
  const token = {};
  assert.equal(await library.provideTextDocumentContent({ toString: () => "std:/notify.play" }, token), "use graph");
  assert.deepEqual(asked, [["workspace/textDocumentContent", { uri: "std:/notify.play" }, token]]);
  assert.equal(SCHEME, "std");
});
