// A text in, its words with their TextMate scopes out: what the tests look at.

import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const textmate = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

export const here = fileURLToPath(new URL("..", import.meta.url));
export const root = path.resolve(here, "../..");
export const read = (file) => readFileSync(path.join(here, file), "utf8");

/** Every `.play` file below a folder of the repository. */
export function playFiles(folder) {
  const top = path.join(root, folder);
  return readdirSync(top, { recursive: true })
    .filter((name) => name.endsWith(".play"))
    .map((name) => path.join(top, name))
    .sort();
}

const wasm = readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
const onigLib = oniguruma
  .loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength))
  .then(() => ({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }));
const registry = new textmate.Registry({
  onigLib,
  loadGrammar: async (name) =>
    name === "source.counterplay"
      ? textmate.parseRawGrammar(read("syntaxes/counterplay.tmLanguage.json"), "counterplay.json")
      : null,
});
const grammar = await registry.loadGrammar("source.counterplay");

/** The tokens of a text, a list for each line: `{ start, end, text, scopes }`. */
export function tokenize(text) {
  let stack = textmate.INITIAL;
  return text.split(/\r?\n/).map((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    return tokens.map(({ startIndex, endIndex, scopes }) => {
      // The line break belongs to the last token.
      const end = Math.min(endIndex, line.length);
      return { start: startIndex, end, text: line.slice(startIndex, end), scopes };
    });
  });
}

/** The scopes of the nth time that a word stands in a text. */
export function scopesOf(text, word, nth = 1) {
  let left = nth;
  const lines = text.split(/\r?\n/);
  const tokens = tokenize(text);
  const pattern = new RegExp(/^\w+$/.test(word) ? `\\b${word}\\b` : word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "g");
  for (const [i, line] of lines.entries()) {
    for (const found of line.matchAll(pattern)) {
      left -= 1;
      if (left === 0) {
        return tokens[i].find((token) => token.start <= found.index && found.index < token.end).scopes;
      }
    }
  }
  throw new Error(`${JSON.stringify(word)} does not stand ${nth} times in ${JSON.stringify(text)}`);
}

/** What the innermost scopes say of a token, in the language server's words. */
export function kindOf(scopes) {
  const inHole = scopes.lastIndexOf("meta.embedded.line.counterplay");
  for (const scope of scopes.slice(inHole + 1).reverse()) {
    if (scope.startsWith("comment.")) return "comment";
    if (scope.startsWith("string.") || scope.startsWith("constant.character.escape") || scope.startsWith("invalid.illegal.escape")) return "string";
    if (scope.startsWith("constant.numeric.")) return "number";
    if (/^(keyword\.(control|other|operator\.(word|logical))|storage\.|constant\.language)/.test(scope)) return "keyword";
  }
  return "other";
}
