// A module of the sources in, its exports out, with an editor that is only pretended.

import { buildSync } from "esbuild";
import { createRequire } from "node:module";
import * as path from "node:path";
import { here } from "./grammar.mjs";

const require = createRequire(import.meta.url);

/** Loads `src/…` with `editor` in the place of the module `vscode`. */
export function load(source, editor = {}) {
  const { outputFiles } = buildSync({
    entryPoints: [path.join(here, "src", source)],
    bundle: true, write: false, platform: "node", format: "cjs", external: ["vscode"], logLevel: "warning",
  });
  const module = { exports: {} };
  const wanted = (name) => (name === "vscode" ? editor : require(name));
  new Function("module", "exports", "require", outputFiles[0].text)(module, module.exports, wanted);
  return module.exports;
}
