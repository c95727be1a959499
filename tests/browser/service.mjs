// Nothing in; a running `counterplay serve --sandbox` in a folder of its own, and people who are logged in to it, out.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const BROWSER = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
const START_MS = 60_000;

/** Starts the service; `at` names the folder and port of one that ran before, and more arguments. */
export async function serve(at = {}) {
  const folder = at.folder ?? mkdtempSync(join(tmpdir(), "counterplay-browser-"));
  const child = spawn(process.env.COUNTERPLAY_BIN, ["serve", "--sandbox", ...(at.more ?? []), "--listen", `127.0.0.1:${at.port ?? 0}`], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let told = "";
  const ready = new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`the service did not start:\n${told}`)), START_MS);
    const hear = (data) => {
      told += data;
      if (told.includes("Ctrl-C stops")) { clearTimeout(late); resolve(); }
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => reject(new Error(`the service ended with ${code}:\n${told}`)));
  });
  await ready;
  child.removeAllListeners("exit");
  const url = told.match(/dashboard\s+(http:\S+)\//)[1];
  const password = told.match(/finn\.murphy@msp\.example\s+(\S+)/)[1];
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return {
    url, password, folder,
    port: Number(new URL(url).port),
    outside: told.match(/outside\s+(http:\S+)\//)[1],
    stop: async () => { child.kill("SIGTERM"); return ended; },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A browser. */
export const open = () => chromium.launch({ executablePath: BROWSER, args: FLAGS });

/** A person with a window of their own. What a page complains of, and what it asks of other hosts, is kept. */
export async function person(browser, service, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(service.url) && !to.startsWith("data:")) complaints.push(`asked another host: ${to}`);
  });
  await page.goto(`${service.url}/login`);
  await page.getByLabel("E-mail").fill(`${name}@msp.example`);
  await page.getByLabel("Password").fill(service.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL((url) => url.pathname === "/");
  return { page, context, complaints };
}
