// Personal links, on which somebody answers without logging in; and the button that undoes a run.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, person, serve } from "./service.mjs";

const PRIYA = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const WITHIN_S = 8;
const PLAY = `use notify

/// Ask before the team is written to.
playbook tell_team "Tell the Team" {
  when manual(reason: Text)
  then {
    approve "Tell the team: {reason}?" by team.soc, needs 2, within 4h
    notify.email(team.soc, subject: "Told", body: "{reason}")
  }
}

/// Ask, for a few seconds only.
playbook tell_now "Tell Them Now" {
  when manual(reason: Text)
  then {
    approve "Tell them now: {reason}?" by team.soc, within ${WITHIN_S}s
    notify.email(team.soc, subject: "Told", body: "{reason}")
  }
}
`;

let service, browser, finn;
before(async () => {
  service = await serve({ more: ["--accept-deploys"] });
  browser = await open();
  finn = await person(browser, service, "finn.murphy");
  const session = await (await finn.page.request.get(`${service.url}/api/automation/session`)).json();
  const made = await finn.page.request.post(`${service.url}/api/automation/playbooks`, {
    headers: { "x-csrf-token": session.csrf, origin: service.url }, data: { source: PLAY },
  });
  assert.equal(made.status(), 201, await made.text());
});
after(async () => { await browser?.close(); await service?.stop(); service?.remove(); });

/** Starts a playbook that asks, and gives the address of Ana's link in her mail. */
async function ask(playbook, reason) {
  await finn.page.goto(`${service.url}/playbooks/${playbook}`);
  const form = finn.page.locator('form[action$="/run"]');
  await form.getByLabel("Reason").fill(reason);
  await form.getByRole("button", { name: "Start the run" }).click();
  for (let i = 0; i < 600; i++) {
    const state = await (await fetch(`${service.outside}/sandbox/state`)).json();
    // The mails of others name her, too.
    const hers = state.mails.filter((mail) => JSON.stringify(mail.to).includes("ana.ortiz@msp.example"));
    const texts = hers.map((mail) => JSON.stringify(mail));
    const mine = texts.find((text) => text.includes(reason) && text.includes("/answer/"));
    if (mine) return mine.match(new RegExp(`${service.url}/answer/[A-Za-z0-9._-]+`))[0];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("no mail with a personal link arrived");
}

/** The approval that asks for this reason, as the API has it. */
async function approval(reason) {
  const list = await (await finn.page.request.get(`${service.url}/api/automation/approvals`)).json();
  return list.approvals.find((a) => a.question.includes(reason));
}

/** The same once somebody's answer has been counted. */
async function answered(reason) {
  for (let i = 0; i < 600; i++) {
    const found = await approval(reason);
    if (found.answers.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("no answer was counted");
}

test("opening a personal link decides nothing and its button does", async () => {
  const link = await ask("tell_team", "lunch is ready");
  const context = await browser.newContext();
  const [page, other] = [await context.newPage(), await context.newPage()];
  const asked = [];
  page.on("request", (request) => asked.push(request));
  for (const window of [page, other]) {
    await window.goto(link);
    await window.reload();
    await window.getByRole("heading", { name: "Tell the team: lunch is ready?" }).waitFor();
    await window.getByText("This page is yours alone").waitFor();
  }
  assert.deepEqual((await approval("lunch is ready")).answers, [], "it was looked at four times");
  // What the page asks for does not carry its address along.
  assert.ok(asked.length > 1);
  for (const request of asked) {
    assert.ok(!(request.headers().referer ?? "").includes("/answer/"), `${request.url()} was told the link`);
    assert.ok(request.url().startsWith(service.url), request.url());
  }
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("You have approved").waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  const counted = await answered("lunch is ready");
  assert.deepEqual(counted.answers.map((a) => [a.by, a.approve]), [["ana.ortiz@msp.example", true]]);
  await other.goto(link);
  await other.getByText("You have approved").waitFor();
  assert.equal(await other.getByRole("button", { name: "Approve" }).count(), 0, "there is nothing left to press");
  await context.close();
});

test("a second press, in a window that was open before, says so", async () => {
  const link = await ask("tell_team", "dinner is ready");
  const context = await browser.newContext();
  const [page, late] = [await context.newPage(), await context.newPage()];
  await page.goto(link);
  await late.goto(link);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("You have approved").waitFor();
  await late.getByLabel("Comment").fill("on second thoughts");
  await late.getByRole("button", { name: "Reject" }).click();
  await late.getByText(/already answered/).waitFor();
  const seen = await answered("dinner is ready");
  assert.deepEqual([seen.state, seen.answers.length], ["open", 1]);
  await context.close();
});

test("a personal link whose time is over, or that was changed, says so", async () => {
  const link = await ask("tell_now", "too late");
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await new Promise((resolve) => setTimeout(resolve, (WITHIN_S + 1) * 1000));
  // The page was open all the while.
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("The time to answer is over").first().waitFor();
  const again = await page.goto(link);
  assert.equal(again.status(), 410);
  await page.getByText("The time to answer is over").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  const forged = await page.goto(`${link.slice(0, -4)}AAAA`);
  assert.equal(forged.status(), 403);
  await page.getByText("was not made by this service").waitFor();
  await context.close();
});

test("the button on a run's page undoes it once somebody else agrees", async () => {
  await finn.page.goto(`${service.url}/playbooks/contain_account`);
  const form = finn.page.locator('form[action$="/run"]');
  await form.getByLabel("User").fill(PRIYA);
  await form.getByLabel("Reason").fill("it looked bad");
  await form.getByRole("button", { name: "Start the run" }).click();
  await finn.page.waitForURL(/\/runs\//);
  const run = finn.page.url();
  const ana = await person(browser, service, "ana.ortiz");
  const answer = async (at, button, said) => {
    await ana.page.goto(at);
    await ana.page.locator("#run-approvals a").click();
    await ana.page.getByLabel("Comment").fill("I called her.");
    await ana.page.getByRole("button", { name: button }).click();
    await ana.page.getByText(said).waitFor();
  };
  assert.equal(await finn.page.getByText("Undo the run").count(), 0, "an open run is not undone");
  await finn.page.locator("#run-approvals a").waitFor();
  // A no leaves the password, and the account blocked.
  await answer(run, "Reject", "You have rejected.");
  await finn.page.locator("#run-head").getByText("completed").first().waitFor({ timeout: 20_000 });
  const enabled = async () => (await (await fetch(`${service.outside}/sandbox/state`)).json()).users[PRIYA].accountEnabled;
  assert.equal(await enabled(), false);

  await finn.page.goto(run);
  const undo = finn.page.locator("#undo-run");
  await undo.getByText("Is undone, in this order").waitFor();
  await undo.getByText("Undo the run…").click();
  await undo.getByLabel("Who is asked").selectOption("soc");
  await undo.getByRole("button", { name: "Ask for it" }).click();
  const link = undo.locator('a[href^="/runs/"]').first();
  await link.waitFor({ timeout: 20_000 });
  const undoing = service.url + await link.getAttribute("href");
  assert.equal(await enabled(), false, "nothing is done before somebody agrees");
  // Finn asked for it, so that he does not agree to it.
  await finn.page.goto(undoing);
  await finn.page.locator("#run-approvals a").click();
  await finn.page.locator("main").getByText(/You started this run|not among those who are asked/).waitFor();
  await answer(undoing, "Approve", "You have approved.");
  await finn.page.goto(undoing);
  await finn.page.locator("#run-head").getByText("completed").first().waitFor({ timeout: 20_000 });
  assert.equal(await enabled(), true);
  // It is undone once.
  await finn.page.goto(run);
  await undo.locator(`a[href="${new URL(undoing).pathname}"]`).waitFor();
  assert.equal(await undo.getByText("Undo the run…").count(), 0);
  assert.deepEqual(finn.complaints, []);
  assert.deepEqual(ana.complaints, []);
  await ana.context.close();
});
