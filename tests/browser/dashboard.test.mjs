// The dashboard as people meet it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { open, person, serve } from "./service.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PRIYA = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const MEI = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005";
const HOSTILE = `<img src=x onerror="window.hacked=1"> **bold** [x](http://evil.example) \u202Egnp.exe`;

let service, browser;
before(async () => { service = await serve(); browser = await open(); });
after(async () => { await browser?.close(); await service?.stop(); service?.remove(); });

/** Starts `contain_account` with the form. */
async function start(page, user, reason) {
  await page.goto(`${service.url}/playbooks/contain_account`);
  const form = page.locator('form[action$="/run"]');
  await form.getByLabel("User").fill(user);
  await form.getByLabel("Reason").fill(reason);
  await form.getByRole("button", { name: "Start the run" }).click();
  await page.waitForURL(/\/runs\//);
  await page.getByText("awaiting approval").first().waitFor();
}

test("a newcomer simulates, starts, and a second person approves while the first one watches", async () => {
  const finn = await person(browser, service, "finn.murphy");
  await finn.page.getByRole("link", { name: "Simulate it" }).click();
  const simulate = finn.page.locator('form[action$="/simulate"]');
  await simulate.getByLabel("Reason").fill("clicked a link");
  await simulate.getByRole("button", { name: "Simulate" }).click();
  await finn.page.getByText("Nothing was performed and nobody was asked.").waitFor();
  await finn.page.getByText("entra.reset_password").first().waitFor();

  await start(finn.page, PRIYA, "clicked a link");
  // Finn started it, so he is told why he cannot answer.
  await finn.page.locator("#run-approvals a").click();
  await finn.page.getByText("You started this run").waitFor();
  await finn.page.goBack();

  const ana = await person(browser, service, "ana.ortiz");
  await ana.page.goto(`${service.url}/approvals`);
  await ana.page.getByRole("link", { name: /Replace the password of Priya Raman/ }).first().click();
  await ana.page.getByText("entra.reset_password").first().waitFor();
  await ana.page.getByLabel("Comment").fill("I called her.");
  await ana.page.getByRole("button", { name: "Approve" }).click();
  await ana.page.getByText("You have approved.").waitFor();

  // Nobody reloads Finn's page.
  await finn.page.locator("#run-head").getByText("completed").first().waitFor({ timeout: 20_000 });
  await finn.page.locator("#timeline").getByText("ended: completed").waitFor();
  assert.deepEqual(finn.complaints, []);
  assert.deepEqual(ana.complaints, []);
  await finn.context.close();
  await ana.context.close();
});

test("the keyboard is enough", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${service.url}/login`);
  const to = async (what) => {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((selector) => document.activeElement?.matches(selector), what)) return;
    }
    assert.fail(`Tab does not lead to ${what}`);
  };
  await to("input[name=email]");
  await page.keyboard.type("finn.murphy@msp.example");
  await to("input[name=password]");
  await page.keyboard.type(service.password);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === "/");
  await to('nav a[href="/playbooks"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/playbooks$/);
  await to('main a[href="/playbooks/contain_account"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(/contain_account/);
  await to('form[action$="/run"] input[name="value.reason"]');
  await page.keyboard.type("by keyboard");
  await to('form[action$="/run"] button');
  await page.keyboard.press("Space");
  await page.waitForURL(/\/runs\//);
  await page.getByText("by keyboard").first().waitFor();
  await context.close();
});

test("what others write is shown as text and does nothing", async () => {
  const finn = await person(browser, service, "finn.murphy");
  await start(finn.page, MEI, HOSTILE);
  const ana = await person(browser, service, "ana.ortiz");
  await ana.page.goto(`${service.url}/approvals`);
  await ana.page.getByRole("link", { name: /Mei Tanaka/ }).first().click();
  await ana.page.getByLabel("Comment").fill(HOSTILE);
  await ana.page.getByRole("button", { name: "Reject" }).click();
  await ana.page.getByText("You have rejected.").waitFor();
  await finn.page.locator("#run-head").getByText(/completed|rejected/).first().waitFor({ timeout: 20_000 });
  for (const page of [finn.page, ana.page]) {
    for (const path of ["", "/runs", "/approvals", "/audit"]) {
      if (path) await page.goto(service.url + path);
      assert.equal(await page.evaluate(() => window.hacked), undefined);
      assert.equal(await page.locator('img[src="x"], a[href^="http://evil"]').count(), 0);
      assert.ok(!(await page.locator("body").innerText()).includes("\u202E"), "a character that turns the direction is shown raw");
    }
  }
  assert.deepEqual(finn.complaints, []);
  assert.deepEqual(ana.complaints, []);
  await finn.context.close();
  await ana.context.close();
});

test("every page lets everybody in, in light and dark, and fits a phone", async () => {
  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: { width: 390, height: 800 } }]) {
    // axe itself is brought in from outside; the pages' own policy is looked at by the other tests.
    const finn = await person(browser, service, "finn.murphy", { ...options, bypassCSP: true });
    const get = async (path) => (await finn.page.request.get(service.url + path)).json();
    const [run] = (await get("/api/automation/runs?limit=1")).runs;
    const [asked] = (await get("/api/automation/approvals")).approvals;
    const [letter] = (await get("/api/automation/dead-letters?all=true")).letters;
    const paths = [
      "/", "/playbooks", "/playbooks/compromised_user", "/playbooks/contain_account", "/runs", "/runs?status=failed", `/runs/${run.id}`,
      "/approvals", `/approvals/${encodeURIComponent(asked.id)}`, "/deploys", "/deploys/1", "/audit", "/dead-letters", "/dead-letters?all=1",
      letter ? `/dead-letters/${letter.letter}` : "/dead-letters", "/people", "/sources", "/account",
    ];
    for (const path of paths) {
      const answer = await finn.page.goto(service.url + path);
      assert.equal(answer.status(), 200, path);
      await finn.page.evaluate(AXE);
      const found = await finn.page.evaluate(async () => {
        const result = await window.axe.run(document);
        return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(" | ")}`);
      });
      assert.deepEqual(found, [], `${path} ${JSON.stringify(options)}`);
      const wider = await finn.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${path} is ${wider} px wider than the window ${JSON.stringify(options)}`);
    }
    await finn.context.close();
  }
});

test("mail leads to the page and decides nothing", async () => {
  const finn = await person(browser, service, "finn.murphy");
  await start(finn.page, "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1002", "asked by mail");
  let mail;
  for (let i = 0; i < 100 && !mail; i++) {
    const state = await (await fetch(`${service.outside}/sandbox/state`)).json();
    mail = state.mails.find((m) => JSON.stringify(m).includes("asked by mail") && JSON.stringify(m).includes("ana.ortiz@msp.example"));
    if (!mail) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(mail, "the mail arrived");
  const link = JSON.stringify(mail).match(new RegExp(`${service.url}/approvals/[A-Za-z0-9%._-]+`))[0];
  // As a mail scanner does: without a login, with GET and HEAD.
  for (const method of ["GET", "HEAD"]) {
    const answer = await fetch(link, { method, redirect: "manual" });
    assert.equal(answer.status, 303);
    assert.match(answer.headers.get("location"), /^\/login\?next=/);
  }
  const ana = await person(browser, service, "ana.ortiz");
  await ana.page.goto(link);
  await ana.page.reload();
  await ana.page.getByRole("button", { name: "Approve" }).waitFor();
  await finn.page.reload();
  await finn.page.getByText("awaiting approval").first().waitFor();
  await finn.context.close();
  await ana.context.close();
});

test("a page says when the service is gone, and goes on when it is back", async () => {
  const own = await serve();
  const finn = await person(browser, own, "finn.murphy");
  await finn.page.locator("#live-state").getByText("Live").waitFor();
  await own.stop();
  await finn.page.locator("#live-state").getByText("Reconnecting").waitFor({ timeout: 20_000 });
  const again = await serve({ folder: own.folder, port: own.port });
  // A sandbox has other passwords at each start, which end every session: the page leads to the login by itself.
  await finn.page.waitForURL(/\/login/, { timeout: 60_000 });
  await finn.page.getByLabel("Password").fill(again.password);
  await finn.page.getByLabel("E-mail").fill("finn.murphy@msp.example");
  await finn.page.getByRole("button", { name: "Log in" }).click();
  await finn.page.locator("#live-state").getByText("Live").waitFor();
  await finn.context.close();
  await again.stop();
  again.remove();
});
