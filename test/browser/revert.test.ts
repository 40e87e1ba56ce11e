import type { CommandAnswer, Problem, Receipt } from "@sluice/core/api";
import type { Locator, Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { dataset, midnight, receipt, reverted, running, status } from "./situations.ts";
import { createStage } from "./stage.ts";

const stage = createStage();
afterAll(() => stage.close());

const accepted = (first: Receipt | null = null): CommandAnswer => ({
  outcome: "done",
  message: "done",
  sequence: 512,
  release: "prices-43",
  receipt: first,
});

const problem = (code: Problem["code"], status: number, detail: string): Problem => ({
  type: `urn:sluice:${code.toLowerCase()}`,
  title: code,
  status,
  code,
  detail,
  details: {},
});

const prices = (page: Page): Locator => page.locator('[data-dataset="prices"]');
const revertButton = (page: Page): Locator => page.getByRole("button", { name: "Revert v43 of prices" });
const focused = (page: Page): Promise<string | null> =>
  page.evaluate(
    () => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.getAttribute("name") ?? null,
  );

test("one press asks, one more reverts, once, and the receipt counts up to the last follower", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  const none = receipt({ confirmed: 0, lastMs: null, p50Ms: null, p99Ms: null, durable: false, sequence: null });
  let now = none;
  origin.answerReverts(() => accepted(none));
  origin.answerReceipts(() => now);

  await revertButton(page).click();
  await prices(page).getByText("Take v43 of prices back from 5%?").waitFor();
  await prices(page).getByLabel("Reason (optional)").fill("checkout is failing 结账失败");
  await prices(page).getByLabel("Your name (optional)").fill("赵敏");
  expect(origin.reverts).toEqual([]);
  await page.getByRole("button", { name: "Revert now" }).click();

  await prices(page).getByText("v43 of prices is being taken back").waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toContain("announced, not yet in the log");
  now = receipt({ confirmed: 398, lastMs: 120 });
  await prices(page).getByText("398 of 412", { exact: true }).waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toContain("120 ms so far");
  now = receipt();
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toMatch(/412 of 412\s+in 380 ms \(p99 290 ms\)/);
  await page
    .getByRole("status")
    .getByText("gone everywhere. Gone on 412 of 412 in 380 ms (p99 290 ms)")
    .waitFor({ state: "attached" });

  expect(origin.reverts.length).toBe(1);
  const [asked] = origin.reverts;
  expect(asked?.dataset).toBe("prices");
  expect(asked?.body).toEqual({ reason: "checkout is failing 结账失败" });
  expect(decodeURIComponent(asked?.actor ?? "")).toBe("赵敏");
  expect(asked?.key).toMatch(/^[0-9a-f]{32}$/);

  const looks = origin.receiptsRead();
  await page.clock.fastForward(5_000);
  expect(origin.receiptsRead()).toBe(looks);
});

test("by keyboard alone: Escape cancels and gives the focus back, Enter reverts", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  origin.answerReverts(() => accepted(receipt()));
  origin.answerReceipts(() => receipt());
  for (let press = 0; press < 30 && (await focused(page)) !== "Revert v43 of prices"; press++)
    await page.keyboard.press("Tab");
  expect(await focused(page)).toBe("Revert v43 of prices");
  const outline = await revertButton(page).evaluate((node) => getComputedStyle(node).outlineStyle);
  expect(outline).toBe("solid");

  await page.keyboard.press("Enter");
  expect(await focused(page)).toBe("reason");
  await page.keyboard.press("Escape");
  expect(await focused(page)).toBe("Revert v43 of prices");
  expect(await prices(page).getByLabel("Reason (optional)").isVisible()).toBe(false);

  await page.keyboard.press("Enter");
  await page.keyboard.type("wrong prices");
  await page.keyboard.press("Enter");
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  expect(origin.reverts.map(({ body }) => body)).toEqual([{ reason: "wrong prices" }]);
  origin.show(status([reverted()]));
  await revertButton(page).waitFor({ state: "hidden" });
  await page.keyboard.press("Escape");
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("prices");
});

test("an Enter that is held down opens the question and does not answer it", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  await revertButton(page).focus();
  await page.keyboard.down("Enter");
  await prices(page).getByLabel("Reason (optional)").waitFor();
  await page.keyboard.down("Enter");
  await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  expect(origin.reverts).toEqual([]);
  expect(await prices(page).getByLabel("Reason (optional)").isVisible()).toBe(true);
});

test("a revert in the middle of sending is not sent twice", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  origin.answerReverts(() => accepted(receipt()));
  origin.answerReceipts(() => receipt());
  await revertButton(page).click();
  await page.getByRole("button", { name: "Revert now" }).dblclick();
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  expect(origin.reverts.length).toBe(1);
});

test("who has not confirmed after ten seconds is named, and counted on by the stream", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  const partly = receipt({ confirmed: 410, missing: ["checkout@host-7", "search@host-9"] });
  origin.answerReverts(() => accepted(partly));
  origin.answerReceipts(() => partly);
  await revertButton(page).click();
  await page.keyboard.press("Enter");
  await prices(page).getByText("410 of 412", { exact: true }).waitFor();
  await page.clock.fastForward(10_000);
  await prices(page).getByText("Reverted, but 2 followers have not confirmed").waitFor();
  const said = await prices(page).locator(".receipt").innerText();
  expect(said).toContain("checkout@host-7, search@host-9");
  expect(said).toContain("once their lease ends");

  origin.show(status([reverted("prices", { receipt: receipt({ lastMs: 11_400 }) })], { at: midnight + 12_000 }));
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toContain("in 11.4 s");
});

test("in the bake the advice is another one, for no lease ends it", async (context) => {
  const { page, origin } = await stage.open(
    context,
    status([running("prices", { phase: "baking", thousandths: 100_000 })]),
  );
  const partly = receipt({ confirmed: 411, missing: ["checkout@host-7"] });
  origin.answerReverts(() => accepted(partly));
  origin.answerReceipts(() => partly);
  await revertButton(page).click();
  await prices(page).getByText("Take v43 of prices back from everybody?").waitFor();
  await page.keyboard.press("Enter");
  await prices(page).getByText("411 of 412", { exact: true }).waitFor();
  await page.clock.fastForward(10_000);
  await prices(page).getByText("Reverted, but 1 follower has not confirmed").waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toContain("may go on serving v43");
});

test("who is away is named although everybody else has confirmed, and in the bake with what to do", async (context) => {
  const { page, origin } = await stage.open(
    context,
    status([running("prices", { phase: "baking", thousandths: 100_000 })]),
  );
  const here = receipt({ away: ["checkout@host-7", "search@host-9"], awayTotal: 2 });
  origin.answerReverts(() => accepted(here));
  origin.answerReceipts(() => here);
  await revertButton(page).click();
  await prices(page).getByText("Take v43 of prices back from everybody?").waitFor();
  await page.keyboard.press("Enter");
  await prices(page).getByText("v43 of prices is gone from all that are connected").waitFor();
  const said = await prices(page).locator(".receipt").innerText();
  expect(said).toContain("412 of 412");
  expect(said).toContain("checkout@host-7, search@host-9");
  expect(said).toContain("may go on serving v43");
});

test("with nobody connected a revert is complete at once", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  const nobody = receipt({ expected: 0, confirmed: 0, lastMs: null, p50Ms: null, p99Ms: null });
  origin.answerReverts(() => accepted(nobody));
  origin.answerReceipts(() => nobody);
  await revertButton(page).click();
  await page.keyboard.press("Enter");
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toContain("whoever connects gets v42");
});

test("without an answer the page says so, and a second try is the same command", async (context) => {
  const { page, origin, complaints } = await stage.open(context, status([running()]));
  origin.answerReverts(() => null);
  await revertButton(page).click();
  await page.keyboard.press("Enter");
  await prices(page).getByText("No answer from the instance; it may or may not have reverted.").waitFor();
  const said = await page.getByRole("alert").innerText();
  expect(said).toContain("sluice revert prices --url http://");
  // Without the origin that comes to nothing, and a host's sidecar still reverts.
  expect(said).toContain("sluice revert prices --here --url URL");

  origin.answerReverts(() => accepted(receipt()));
  origin.answerReceipts(() => receipt());
  await page.getByRole("button", { name: "Try again" }).click();
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  const keys = new Set(origin.reverts.map(({ key }) => key));
  expect([origin.reverts.length >= 2, keys.size]).toEqual([true, 1]);
  expect(complaints.splice(0).filter((complaint) => !complaint.includes("ERR_EMPTY_RESPONSE"))).toEqual([]);
});

test("an error is shown with its words, its code and what to do", async (context) => {
  const { page, origin, complaints } = await stage.open(context, status([running()]));
  origin.answerReverts(() => problem("NOT_ORIGIN", 421, "this instance follows http://10.0.0.1:7070"));
  await revertButton(page).click();
  await page.keyboard.press("Enter");
  const alert = page.getByRole("alert");
  await alert.getByText("this instance follows http://10.0.0.1:7070 (NOT_ORIGIN)").waitFor();
  expect(await alert.innerText()).toContain("sluice revert prices --url ORIGIN");
  expect(await alert.innerText()).not.toContain("--here");

  origin.answerReverts(() => problem("NOTHING_TO_REVERT", 409, "nothing runs or bakes on prices: v42 is stable"));
  await page.getByRole("button", { name: "Try again" }).click();
  await alert.getByText("nothing runs or bakes on prices: v42 is stable (NOTHING_TO_REVERT)").waitFor();
  expect(await alert.innerText()).toContain("sluice revert prices --to VERSION");
  expect(new Set(origin.reverts.map(({ key }) => key)).size).toBe(2);
  expect(complaints.splice(0).filter((complaint) => !/\b(?:421|409)\b/.test(complaint))).toEqual([]);
});

test("what a revert leaves waiting is said beside the receipt, with the command that starts it", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  const waits = "v44 from source main is held and starts only when a person says so: sluice release start prices";
  origin.answerReverts(() => ({ ...accepted(receipt()), message: waits }));
  origin.answerReceipts(() => receipt());
  await revertButton(page).click();
  await page.getByRole("button", { name: "Revert now" }).click();
  await prices(page).getByText("v43 of prices is gone everywhere").waitFor();
  expect(await prices(page).locator(".receipt-note").innerText()).toBe(waits);
});

test("what somebody else reverted meanwhile is said, and shown with that revert's receipt", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  const already = "v43 of prices was reverted already by guard comparative: too many failures";
  origin.answerReverts(() => ({ ...accepted(receipt()), outcome: "unchanged", message: already }));
  origin.answerReceipts(() => receipt());
  await revertButton(page).click();
  await page.keyboard.press("Enter");
  await prices(page).getByText(already).waitFor();
  expect(await prices(page).locator(".receipt").innerText()).toContain("412 of 412");
});

test("a question about a release that ended meanwhile cannot be answered with a revert", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  await revertButton(page).click();
  origin.show(status([reverted("prices", { by: { kind: "guard", name: "comparative" } })]));
  await prices(page).getByText("v43 is no longer being released; there is nothing to take back.").waitFor();
  expect(await page.getByRole("button", { name: "Revert now" }).isVisible()).toBe(false);
  await page.keyboard.press("Enter");
  expect(origin.reverts).toEqual([]);
  await page
    .getByRole("status")
    .getByText("v43 of prices was reverted by guard (comparative rule).")
    .waitFor({ state: "attached" });
});

test("a question stays open, with what was typed, while numbers move", async (context) => {
  const { page, origin } = await stage.open(context, status([dataset("aa"), running()]));
  await revertButton(page).click();
  await prices(page).getByLabel("Reason (optional)").pressSequentially("half a ");
  origin.show(status([dataset("aa"), running("prices", { thousandths: 25_000 })]));
  await prices(page).getByText("Take v43 of prices back from 25%?").waitFor();
  await prices(page).getByLabel("Reason (optional)").pressSequentially("sentence");
  expect(await prices(page).getByLabel("Reason (optional)").inputValue()).toBe("half a sentence");
});
