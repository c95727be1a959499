// The dashboard as people meet it.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { open, person, serve } from "./service.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PRIYA = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const MEI = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005";
const JONAS = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004";
const OMAR = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1002";
const NORA = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1001";
const HOSTILE = `<img src=x onerror="window.hacked=1"> **bold** [x](http://evil.example) \u202Egnp.exe`;

let service, browser;
before(async () => { service = await serve(); browser = await open(); });
after(async () => { await browser?.close(); await service?.stop(); service?.remove(); });

/** Starts `contain_account` with the form and tells the address of its approval. */
async function start(page, user, reason) {
  await page.goto(`${service.url}/playbooks/contain_account`);
  const form = page.locator('form[action$="/run"]');
  await form.getByLabel("User").fill(user);
  await form.getByLabel("Reason").fill(reason);
  await form.getByRole("button", { name: "Start the run" }).click();
  await page.waitForURL(/\/runs\//);
  await page.getByText("awaiting approval").first().waitFor();
  return page.locator("#run-approvals a").getAttribute("href");
}

test("a newcomer simulates, starts, and a second person approves while the first one watches", async () => {
  const finn = await person(browser, service, "finn.murphy");
  await finn.page.getByRole("link", { name: "Simulate it" }).click();
  const simulate = finn.page.locator('form[action$="/simulate"]');
  await simulate.getByLabel("Reason").fill("clicked a link");
  await simulate.getByRole("button", { name: "Simulate" }).click();
  await finn.page.getByText("Nothing was performed and nobody was asked.").waitFor();
  await finn.page.getByText("entra.reset_password").first().waitFor();

  const asked = await start(finn.page, PRIYA, "clicked a link");
  // Finn started it, so he is told why he cannot answer.
  await finn.page.locator("#run-approvals a").click();
  await finn.page.getByText("You started this run").waitFor();
  await finn.page.goBack();

  const ana = await person(browser, service, "ana.ortiz");
  await ana.page.goto(`${service.url}/approvals`);
  await ana.page.locator(`main a[href="${asked}"]`).click();
  await ana.page.getByText("entra.reset_password").first().waitFor();
  const other = await ana.context.newPage();
  await other.goto(service.url + asked);
  await other.getByRole("button", { name: "Approve" }).waitFor();
  await ana.page.getByLabel("Comment").fill("I called her.");
  await ana.page.getByRole("button", { name: "Approve" }).click();
  await ana.page.getByText("You have approved.").waitFor();
  await other.getByText("See how the run went on").waitFor();
  assert.equal(await other.getByRole("button", { name: "Approve" }).count(), 0);

  // Nobody reloads Finn's page.
  await finn.page.locator("#run-head").getByText("completed").first().waitFor({ timeout: 20_000 });
  await finn.page.locator("#timeline").getByText("ended: completed").waitFor();
  // What can no longer be done is no longer offered, here and in a window that looks at the approval.
  await finn.page.locator("#facts").getByText("Ended").waitFor();
  assert.equal(await finn.page.getByText("End this run").count(), 0);
  await finn.page.goto(service.url + asked);
  assert.equal(await finn.page.getByText("entra.reset_password was performed").count(), 0, "no evidence of before");
  assert.deepEqual(finn.complaints, []);
  assert.deepEqual(ana.complaints, []);
  await finn.context.close();
  await ana.context.close();
});

test("the keyboard is enough to start and to approve", async () => {
  const window = async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const to = async (what) => {
      for (let i = 0; i < 150; i++) {
        await page.keyboard.press("Tab");
        if (await page.evaluate((selector) => document.activeElement?.matches(selector), what)) return;
      }
      assert.fail(`Tab does not lead to ${what}`);
    };
    const logIn = async (name) => {
      await page.goto(`${service.url}/login`);
      await to("input[name=email]");
      await page.keyboard.type(`${name}@msp.example`);
      await to("input[name=password]");
      await page.keyboard.type(service.password);
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname === "/");
    };
    return { page, to, logIn, context };
  };
  const finn = await window();
  await finn.logIn("finn.murphy");
  await finn.to('nav a[href="/playbooks"]');
  await finn.page.keyboard.press("Enter");
  await finn.page.waitForURL(/\/playbooks$/);
  await finn.to('main a[href="/playbooks/contain_account"]');
  await finn.page.keyboard.press("Enter");
  await finn.page.waitForURL(/contain_account/);
  await finn.to('form[action$="/run"] input[name="value.user"]');
  await finn.page.keyboard.press("Control+A");
  await finn.page.keyboard.type(NORA);
  await finn.to('form[action$="/run"] input[name="value.reason"]');
  await finn.page.keyboard.type("by keyboard");
  await finn.to('form[action$="/run"] button');
  await finn.page.keyboard.press("Space");
  await finn.page.waitForURL(/\/runs\//);
  await finn.page.getByText("by keyboard").first().waitFor();
  await finn.page.locator("#run-approvals a").waitFor();
  const asked = await finn.page.locator("#run-approvals a").getAttribute("href");

  const ana = await window();
  await ana.logIn("ana.ortiz");
  await ana.to('nav a[href="/approvals"]');
  await ana.page.keyboard.press("Enter");
  await ana.page.waitForURL(/\/approvals$/);
  await ana.to(`main a[href="${asked}"]`);
  await ana.page.keyboard.press("Enter");
  await ana.page.waitForURL(/\/approvals\/./);
  await ana.to("textarea[name=comment]");
  await ana.page.keyboard.type("I called her at home.");
  await ana.to('button[value="approve"]');
  await ana.page.keyboard.press("Enter");
  await ana.page.getByText("You have approved.").waitFor();
  await finn.page.locator("#run-head").getByText("completed").first().waitFor({ timeout: 20_000 });
  await finn.context.close();
  await ana.context.close();
});

test("what others write is shown as text and does nothing", async () => {
  const finn = await person(browser, service, "finn.murphy");
  const asked = await start(finn.page, MEI, HOSTILE);
  const ana = await person(browser, service, "ana.ortiz");
  await ana.page.goto(`${service.url}/approvals`);
  await ana.page.locator(`main a[href="${asked}"]`).click();
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

test("names and titles are text, too", async () => {
  const own = await serve({ more: ["--accept-deploys"] });
  const state = await (await fetch(`${own.outside}/sandbox/state`)).json();
  assert.equal(state.users[MEI].displayName, "Mei Tanaka");
  const changed = await fetch(`${own.outside}/sandbox/state`, {
    method: "PATCH", headers: { "content-type": "application/json" },
    body: JSON.stringify({ users: { [MEI]: { displayName: `Mei ${HOSTILE}` } } }),
  });
  assert.ok(changed.ok, await changed.text());
  const finn = await person(browser, own, "finn.murphy");
  const session = await (await finn.page.request.get(`${own.url}/api/automation/session`)).json();
  const read = await finn.page.request.get(`${own.url}/api/automation/playbooks/contain_account`);
  const title = `Contain ${HOSTILE.replaceAll('"', "'").replaceAll("\u202E", "")}`;
  const replaced = await finn.page.request.put(`${own.url}/api/automation/playbooks/contain_account`, {
    headers: { "x-csrf-token": session.csrf, origin: own.url, "if-match": read.headers().etag },
    data: { source: (await read.json()).source.replace("Contain an Account", title) },
  });
  assert.ok(replaced.ok(), await replaced.text());
  // Somebody with such a name is let in, and starts a run that is about somebody else with one.
  await finn.page.goto(`${own.url}/people`);
  const add = finn.page.locator('form[action="/people"]');
  await add.getByLabel("Name").fill(HOSTILE.replaceAll("\u202E", ""));
  await add.getByLabel("E-mail").fill("mallory@msp.example");
  await add.getByLabel("operator").check();
  await add.getByLabel(/every tenant/i).check();
  await add.getByRole("button").click();
  await finn.page.getByText("mallory@msp.example may log in").first().waitFor();
  const run = finn.page.locator('form[action$="/run"]');
  await finn.page.goto(`${own.url}/playbooks/contain_account`);
  await run.getByLabel("User").fill(MEI);
  await run.getByLabel("Reason").fill("a name like that");
  await run.getByRole("button", { name: "Start the run" }).click();
  await finn.page.waitForURL(/\/runs\//);
  await finn.page.locator("#run-approvals a").waitFor();
  const asked = await finn.page.locator("#run-approvals a").getAttribute("href");
  const at = new URL(finn.page.url()).pathname;
  for (const path of [at, asked, "/", "/runs", "/approvals", "/playbooks", "/playbooks/contain_account", "/deploys/2", "/people", "/audit"]) {
    await finn.page.goto(own.url + path);
    assert.equal(await finn.page.evaluate(() => window.hacked), undefined, path);
    assert.equal(await finn.page.locator('img[src="x"], a[href^="http://evil"], main strong:text-is("bold")').count(), 0, path);
    const text = await finn.page.locator("body").innerText();
    assert.ok(!text.includes("\u202E"), `${path} shows a character that turns the direction raw`);
    assert.ok(text.includes("onerror"), `${path} was to show one of them`);
  }
  assert.deepEqual(finn.complaints, []);
  await finn.context.close();
  await own.stop();
  own.remove();
});

/** What axe finds on a page, and whether it is wider than its window. */
async function look(page, what) {
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document);
    return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(" | ")}`);
  });
  assert.deepEqual(found, [], what);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wider <= 0, `${what} is ${wider} px wider than the window`);
}

const PHONE = { viewport: { width: 390, height: 800 } };
for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, PHONE, { ...PHONE, colorScheme: "dark" }]) {
  test(`every page lets everybody in: ${JSON.stringify(options)}`, async () => {
    // axe itself is brought in from outside; the pages' own policy is looked at by the other tests.
    const stranger = await (await browser.newContext({ ...options, bypassCSP: true })).newPage();
    for (const path of ["/login", "/login?next=%2Fruns", "/nothing"]) {
      await stranger.goto(service.url + path);
      await look(stranger, path);
    }
    await stranger.goto(`${service.url}/login`);
    await stranger.getByLabel("E-mail").fill("nobody@msp.example");
    await stranger.getByLabel("Password").fill("not the password");
    await stranger.getByRole("button", { name: "Log in" }).click();
    await stranger.getByRole("alert").waitFor();
    await look(stranger, "a login that is refused");
    await stranger.context().close();

    const finn = await person(browser, service, "finn.murphy", { ...options, bypassCSP: true });
    const get = async (path) => (await finn.page.request.get(service.url + path)).json();
    const [run] = (await get("/api/automation/runs?limit=1")).runs;
    const [asked] = (await get("/api/automation/approvals")).approvals;
    const [letter] = (await get("/api/automation/dead-letters?all=true")).letters;
    assert.ok(run && asked && letter, "there is something to look at");
    const paths = [
      "/", "/playbooks", "/playbooks/compromised_user", "/playbooks/contain_account", "/runs", "/runs?status=failed", `/runs/${run.id}`,
      "/approvals", `/approvals/${encodeURIComponent(asked.id)}`, "/deploys", "/deploys/1", "/audit", "/dead-letters", "/dead-letters?all=1",
      `/dead-letters/${letter.letter}`, "/people", "/sources", "/account",
    ];
    for (const path of paths) {
      const answer = await finn.page.goto(service.url + path);
      assert.equal(answer.status(), 200, path);
      await look(finn.page, path);
    }
    for (const path of ["/runs/nothing", "/playbooks/nothing", "/approvals/nothing", "/dead-letters/999999"]) {
      const answer = await finn.page.goto(service.url + path);
      assert.equal(answer.status(), 404, path);
      await look(finn.page, path);
    }
    await finn.page.goto(`${service.url}/playbooks/contain_account`);
    const form = finn.page.locator('form[action$="/simulate"]');
    await form.getByLabel("Reason").fill("looked at");
    await form.getByRole("button", { name: "Simulate" }).click();
    await finn.page.getByText("Nothing was performed and nobody was asked.").waitFor();
    await look(finn.page, "a simulation");
    await finn.page.goto(`${service.url}/people`);
    const token = finn.page.locator('form[action="/tokens"]');
    await token.getByLabel("Name").fill(`looked-at-${Math.random().toString(36).slice(2)}`);
    await token.getByLabel(/every tenant/i).check();
    await token.getByLabel(/May do|Role/i).selectOption("viewer");
    await token.getByRole("button").click();
    await finn.page.getByText("Authorization: Bearer").waitFor();
    await look(finn.page, "a secret that is shown once");
    await finn.context.close();

    const ana = await person(browser, service, "ana.ortiz", { ...options, bypassCSP: true });
    const answer = await ana.page.goto(`${service.url}/people`);
    assert.equal(answer.status(), 403);
    await look(ana.page, "a page that one may not see");
    await ana.page.goto(`${service.url}/approvals/${encodeURIComponent(asked.id)}`);
    await look(ana.page, "an approval that one may answer");
    await ana.context.close();
  });
}

test("back from an answer to a form leads to the form", async () => {
  const finn = await person(browser, service, "finn.murphy");
  for (const [address, page] of [["/playbooks/contain_account/simulate", "/playbooks/contain_account"], ["/tokens", "/people"], ["/account/password", "/account"]]) {
    const answer = await finn.page.goto(service.url + address);
    assert.equal(answer.status(), 200, address);
    assert.equal(new URL(finn.page.url()).pathname, page);
  }
  await finn.context.close();
});

test("a token is made, shown once and revoked", async () => {
  const finn = await person(browser, service, "finn.murphy");
  await finn.page.goto(`${service.url}/people`);
  const form = finn.page.locator('form[action="/tokens"]');
  await form.getByLabel("Name").fill("night-shift");
  await form.getByLabel("Role").selectOption("viewer");
  await form.getByLabel(/every tenant/i).check();
  await form.getByRole("button").click();
  await finn.page.getByText("Authorization: Bearer").waitFor();
  const [secret] = (await finn.page.content()).match(/cp_[A-Za-z0-9_-]{20,}/);
  const ask = async () => (await fetch(`${service.url}/api/automation/runs`, { headers: { authorization: `Bearer ${secret}` } })).status;
  assert.equal(await ask(), 200);
  await finn.page.goto(`${service.url}/people`);
  assert.ok(!(await finn.page.content()).includes(secret), "it is shown once");
  await finn.page.getByRole("button", { name: "Revoke night-shift" }).click();
  await finn.page.getByText("The token night-shift is worthless now.").waitFor();
  assert.equal(await ask(), 401);
  assert.equal(await finn.page.getByRole("button", { name: "Revoke night-shift" }).count(), 0);
  assert.deepEqual(finn.complaints, []);
  await finn.context.close();
});

test("mail leads to the page and decides nothing", async () => {
  const finn = await person(browser, service, "finn.murphy");
  await start(finn.page, JONAS, "asked by mail");
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
  // Nor does it when somebody who may answer is logged in.
  const ana = await person(browser, service, "ana.ortiz");
  const head = await ana.page.request.fetch(link, { method: "HEAD" });
  assert.equal(head.status(), 200);
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

test("a page whose connection was away shows what happened meanwhile, without another login", async () => {
  const finn = await person(browser, service, "finn.murphy");
  const asked = await start(finn.page, OMAR, "the train goes through a tunnel");
  await finn.page.locator("#live-state").getByText("Live").waitFor();
  // A browser keeps a stream that is open when it is told that it is offline, so the page is opened without one.
  await finn.page.route("**/live?*", (route) => route.abort());
  await finn.page.reload();
  await finn.page.locator("#live-state").getByText("Reconnecting").waitFor({ timeout: 30_000 });
  const ana = await person(browser, service, "ana.ortiz");
  await ana.page.goto(`${service.url}/approvals`);
  await ana.page.locator(`main a[href="${asked}"]`).click();
  await ana.page.getByRole("button", { name: "Approve" }).click();
  await ana.page.getByText("You have approved.").waitFor();
  assert.equal(await finn.page.locator("#timeline").getByText("ended: completed").count(), 0);
  await finn.page.unroute("**/live?*");
  await finn.page.locator("#timeline").getByText("ended: completed").waitFor({ timeout: 60_000 });
  await finn.page.locator("#live-state").getByText("Live").waitFor();
  await finn.context.close();
  await ana.context.close();
});
