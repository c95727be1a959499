// What `counterplay.path` says in, the program out, or why there is none.

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as path from "node:path";

export type Found =
  | { kind: "found"; path: string }
  | { kind: "missing"; wanted: string }
  | { kind: "old"; path: string }
  | { kind: "broken"; path: string };

/** How long a program may take to say that it knows `lsp`. */
const PATIENCE_MS = 10_000;

/** The program that a setting names, if it can serve an editor. */
export async function find(setting: string, folder: string | undefined, env = process.env): Promise<Found> {
  const wanted = expand(setting.trim() || "counterplay", folder);
  const file = await locate(wanted, folder, env);
  if (file === undefined) {
    return { kind: "missing", wanted };
  }
  switch (await answer(file)) {
    case "knows":
      return { kind: "found", path: file };
    case "refuses":
      return { kind: "old", path: file };
    case "fails":
      return { kind: "broken", path: file };
  }
}

/** `~` and `${workspaceFolder}` filled in. */
export function expand(setting: string, folder: string | undefined): string {
  const home = /^~(?=$|[/\\])/.test(setting) ? homedir() + setting.slice(1) : setting;
  return home.replace(/\$\{workspaceFolder\}/g, () => folder ?? "");
}

/**
 * The file of a program. A bare name is looked for on the `PATH` only: never in the folder that happens to be
 * open, whose files may come from anywhere.
 */
export async function locate(
  wanted: string,
  folder: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const windows = process.platform === "win32";
  const endings = windows ? ["", ...(env["PATHEXT"] ?? ".EXE").split(";").filter((e) => /^\.(exe|com)$/i.test(e))] : [""];
  const bare = !/[/\\]/.test(wanted);
  const folders = bare
    ? (env["PATH"] ?? env["Path"] ?? "").split(path.delimiter).filter((entry) => path.isAbsolute(entry))
    : [folder ?? homedir()];
  for (const entry of folders) {
    for (const ending of endings) {
      const candidate = path.resolve(entry, wanted + ending);
      if (await runs(candidate)) {
        return candidate;
      }
    }
  }
  return undefined;
}

async function runs(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** Whether a program knows `lsp`: it exits with 0 when it is asked for help about that. */
function answer(file: string): Promise<"knows" | "refuses" | "fails"> {
  return new Promise((resolve) => {
    execFile(file, ["lsp", "--help"], { timeout: PATIENCE_MS, windowsHide: true }, (error) => {
      if (!error) {
        resolve("knows");
      } else {
        // A number is an exit code: the program ran and refused. Anything else never came so far.
        resolve(typeof error.code === "number" ? "refuses" : "fails");
      }
    });
  });
}
