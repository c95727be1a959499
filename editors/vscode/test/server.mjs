// A real `counterplay lsp` in, answers to requests out: plain framing over standard input and output.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./grammar.mjs";

const require = createRequire(import.meta.url);
const rpc = require("vscode-jsonrpc/node");

/** Why the tests against a server are skipped; on CI they may not be. */
export const binary = process.env.COUNTERPLAY_BIN && resolve(process.env.COUNTERPLAY_BIN);
if (binary && !existsSync(binary)) {
  throw new Error(`COUNTERPLAY_BIN names ${binary}, which does not exist; build it with: cargo build -p counterplay-cli`);
}
export const skip = binary ? false : "COUNTERPLAY_BIN names no `counterplay`; the tests against the server are left out";

export async function start() {
  const child = spawn(binary, ["lsp"], { cwd: root, stdio: ["pipe", "pipe", "ignore"] });
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(child.stdout),
    new rpc.StreamMessageWriter(child.stdin),
  );
  const findings = new Map();
  const waiting = new Map();
  connection.onNotification("textDocument/publishDiagnostics", ({ uri, version, diagnostics }) => {
    findings.set(uri, { version, diagnostics });
    waiting.get(uri)?.({ version, diagnostics });
  });
  connection.onRequest("client/registerCapability", () => null);
  connection.onRequest("workspace/configuration", ({ items }) => items.map(() => null));
  connection.listen();
  const died = new Promise((_, reject) => child.on("exit", (code) => reject(new Error(`the server has left: ${code}`))));
  died.catch(() => undefined);
  const request = (method, ...params) => Promise.race([connection.sendRequest(method, ...params), died]);

  const { capabilities, serverInfo } = await request("initialize", {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: null,
    capabilities: {
      textDocument: {
        publishDiagnostics: { versionSupport: true },
        semanticTokens: { requests: { full: true }, tokenTypes: [], tokenModifiers: [], formats: ["relative"] },
      },
    },
  });
  await connection.sendNotification("initialized", {});

  return {
    capabilities,
    serverInfo,
    request,
    open: (uri, text) =>
      connection.sendNotification("textDocument/didOpen", {
        textDocument: { uri, languageId: "counterplay", version: 1, text },
      }),
    /** The findings of a document; waits until they are told. */
    findings: (uri) =>
      Promise.race([
        findings.has(uri) ? findings.get(uri) : new Promise((resolve) => waiting.set(uri, resolve)),
        died,
      ]),
    stop: async () => {
      await request("shutdown");
      await connection.sendNotification("exit");
      connection.end();
      child.kill();
    },
  };
}

export const uriOf = (file) => pathToFileURL(file).toString();

/** The numbers of the protocol as `{ line, start, end, kind, modifiers }`. */
export function decode(data, { tokenTypes, tokenModifiers }) {
  const out = [];
  let line = 0;
  let start = 0;
  for (let i = 0; i < data.length; i += 5) {
    start = data[i] === 0 ? start + data[i + 1] : data[i + 1];
    line += data[i];
    out.push({
      line,
      start,
      end: start + data[i + 2],
      kind: tokenTypes[data[i + 3]],
      modifiers: tokenModifiers.filter((_, bit) => data[i + 4] & (1 << bit)),
    });
  }
  return out;
}
