// The sources in, `dist` out: the extension, the page's script with Mermaid in it, and the page's style.

import { build } from "esbuild";
import { notices } from "./notices.mjs";
import { writeFileSync } from "node:fs";

const production = process.argv.includes("--production");
const common = { bundle: true, minify: production, sourcemap: !production, logLevel: "warning", legalComments: "none", metafile: true };

/** The server draws flow charts: what Mermaid would load for other diagrams stays outside. */
const flowchartsOnly = {
  name: "flowcharts-only",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ kind, path, importer }) => {
      const fromMermaid = /[\\/]node_modules[\\/]mermaid[\\/]/.test(importer);
      if (fromMermaid && kind === "dynamic-import" && !/\/(flowDiagram|dagre)-/.test(path)) {
        return { path, namespace: "left-out" };
      }
    });
    onLoad({ filter: /./, namespace: "left-out" }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not part of this extension`)});`,
    }));
  },
};

const built = await Promise.all([
  build({
    ...common,
    entryPoints: ["src/extension.ts"],
    outfile: "dist/extension.js",
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["vscode"],
  }),
  build({
    ...common,
    entryPoints: ["src/machine/view.ts"],
    outfile: "dist/view.js",
    platform: "browser",
    target: "es2022",
    format: "iife",
    plugins: [flowchartsOnly],
  }),
  build({ ...common, entryPoints: ["src/machine/view.css"], outfile: "dist/view.css" }),
]);

// What is bundled is passed on with its licence.
const inputs = built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
writeFileSync("dist/THIRD_PARTY_NOTICES.txt", notices(inputs));
