// Why there is no server in, a sentence for people and their ways out of it out.

import type { Found } from "./binary";

export interface Trouble {
  message: string;
  ways: string[];
}

export function explain(found: Exclude<Found, { kind: "found" }>): Trouble {
  switch (found.kind) {
    case "missing":
      return {
        message:
          `Counterplay: there is no program \`${found.wanted}\`. Findings, completion and navigation need it. ` +
          "Install it and put it on the PATH, or say where it is in `counterplay.path`.",
        ways: ["Open settings", "Try again"],
      };
    case "old":
      return {
        message:
          `Counterplay: \`${found.path}\` is too old, it has no language server (\`counterplay lsp\`). ` +
          "Install a newer one, or name another in `counterplay.path`.",
        ways: ["Open settings", "Try again"],
      };
    case "broken":
      return {
        message: `Counterplay: \`${found.path}\` does not start. The output tells what it said.`,
        ways: ["Show output", "Open settings", "Try again"],
      };
  }
}
