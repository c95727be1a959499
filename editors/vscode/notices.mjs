// The files that were bundled in, the licences of their packages out. Fails for one that is not permissive.

import { readdirSync, readFileSync } from "node:fs";
import * as path from "node:path";

const PERMISSIVE = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC"];
/** Packages that name their licence in a text only; read by us. */
const READ = { khroma: "MIT" };
/** A choice of licences (`MPL-2.0 OR Apache-2.0`) is fine when one of them is. */
const isPermissive = (license) =>
  typeof license === "string" && license.replace(/[()]/g, "").split(/\s+OR\s+/).some((name) => PERMISSIVE.includes(name));

export function notices(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const found = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
    if (found) folders.add(found[1]);
  }
  const parts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, ...rest } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const license = rest.license ?? READ[name];
    if (!isPermissive(license)) {
      throw new Error(`${name} is bundled, and its licence (${license}) is not permissive`);
    }
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
    const texts = files.map((file) => readFileSync(path.join(folder, file), "utf8").trim());
    parts.push(`${name} ${version} (${license})\n\n${texts.join("\n\n") || "(The package holds no text of its licence.)"}`);
  }
  return `This extension contains the following software.\n\n${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
