import type { Problem } from "@sluice/core/api";
import type { Locator, Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { history, unguarded, waitingNext } from "./plan-situations.ts";
import { dataset, evidence, midnight, receipt, release, running, status } from "./situations.ts";
import { createStage } from "./stage.ts";

const stage = createStage();
afterAll(() => stage.close());

const minuteMs = 60_000;
const prices = (page: Page): Locator => page.locator('[data-dataset="prices"]');
const steer = (page: Page, action: string): Locator => prices(page).locator(`button[data-action="${action}"]`);
const saidBy = async (node: Locator): Promise<string> => (await node.innerText()).replaceAll(/\s+/g, " ");

const cut = (text: string): boolean => text.includes("ERR_EMPTY_RESPONSE");

const problem = (code: Problem["code"], httpStatus: number, detail: string): Problem => ({
  type: `urn:sluice:${code.toLowerCase()}`,
  title: code,
  status: httpStatus,
  code,
  detail,
  details: {},
});

test("a guard that is off cannot be missed: on the card, at the top that stays, and read out", async (context) => {
  const { page, origin } = await stage.open(context, status([dataset("aa"), running()]));
  expect(await page.locator(".guard-strip").isVisible()).toBe(false);
  origin.show(status([dataset("aa"), unguarded()]));
  const banner = prices(page).locator(".guard-off");
  await banner.waitFor();
  const said = await saidBy(banner);
  expect(said).toContain("THE GUARD IS OFF");
  expect(said).toMatch(/for 5:[23]\d more, until 00:06:00\. Turned off 4 min\. ago by Lin Wei: the payment provider/);
  expect(await saidBy(page.locator(".guard-strip"))).toMatch(/GUARD OFF prices for 5:[23]\d more/);
  expect(await saidBy(prices(page).locator(".card-head"))).toContain("guard off");
  expect(await saidBy(prices(page))).toContain("nothing while the guard is off");
  // The banner says it; the same words again among the reasons would hide what else is wrong.
  expect(await prices(page).locator("[data-row=attention]").isVisible()).toBe(false);
  const spoken = page.getByRole("status").getByText("The guard of prices was turned off by Lin Wei");
  await spoken.waitFor({ state: "attached" });

  origin.show(status([dataset("aa"), running()]));
  await banner.waitFor({ state: "hidden" });
  expect(await page.locator(".guard-strip").isVisible()).toBe(false);
  await page.getByRole("status").getByText("The guard of prices is on again.").waitFor({ state: "attached" });
});

test("the banner stays in sight and is readable in both themes", async (context) => {
  for (const colorScheme of ["light", "dark"] as const) {
    const rows = Array.from({ length: 6 }, (_, index) => dataset(`zz-${index}`));
    const { page } = await stage.open(context, status([unguarded(), ...rows]), { colorScheme });
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    const box = await page.locator(".guard-strip").boundingBox();
    expect(box?.y ?? -1).toBeGreaterThanOrEqual(0);
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(200);
    const colours = await page.locator(".guard-strip").evaluate((node) => {
      const { color, backgroundColor } = getComputedStyle(node);
      return [color, backgroundColor];
    });
    expect(colours).toEqual(["rgb(255, 255, 255)", "rgb(179, 32, 26)"]);
  }
});

test("a guard is turned off with a reason and a time, and only so", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  await steer(page, "guard-off").click();
  await prices(page).getByText("Turn the guard of v43 of prices off?").waitFor();
  const go = prices(page).getByRole("button", { name: "Turn it off" });
  await go.click();
  await prices(page).getByLabel("Reason", { exact: true }).fill("   ");
  await go.click();
  expect(origin.steers).toEqual([]);
  await prices(page).getByLabel("Reason", { exact: true }).fill("支付渠道故障");
  await prices(page).getByLabel("For how long").selectOption({ label: "30 min" });
  await prices(page).locator(".steer-form").getByLabel("Your name (optional)").fill("赵敏");
  await go.click();
  await prices(page).getByText("Turn the guard of v43 of prices off?").waitFor({ state: "hidden" });
  await expect.poll(() => origin.steers.length).toBe(1);
  const [asked, ...more] = origin.steers;
  expect(more).toEqual([]);
  expect(asked).toMatchObject({ release: "prices-43", action: "guard-off" });
  expect(asked?.body).toEqual({ forMs: 30 * minuteMs, reason: "支付渠道故障" });
  expect(decodeURIComponent(asked?.actor ?? "")).toBe("赵敏");

  origin.show(status([unguarded()]));
  await steer(page, "guard-on").click();
  await prices(page).getByRole("button", { name: "Turn it on" }).click();
  await expect.poll(() => origin.steers.length).toBe(2);
  expect(origin.steers[1]).toMatchObject({ action: "guard-on", body: {} });
});

test("a plan is held and let go on from the page, by keyboard too", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  await steer(page, "hold").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type("waiting for finance");
  await page.keyboard.press("Escape");
  expect(await prices(page).locator(".steer-form").isVisible()).toBe(false);
  expect(await page.evaluate(() => document.activeElement?.getAttribute("data-action"))).toBe("hold");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await expect.poll(() => origin.steers.length).toBe(1);
  expect(origin.steers[0]).toMatchObject({ action: "hold", body: { reason: "waiting for finance" } });

  const hold = { cause: { reason: "waiting for finance", evidence: null }, at: midnight } as const;
  origin.show(status([running("prices", { next: null, hold: { ...hold, by: { kind: "person", name: "Lin Wei" } } })]));
  await steer(page, "resume").click();
  await prices(page).getByText("Let the plan of v43 of prices go on?").waitFor();
  expect(await saidBy(prices(page).locator(".steer-form"))).toContain("which begins anew");
  await page.keyboard.press("Enter");
  await expect.poll(() => origin.steers.length).toBe(2);
  expect(origin.steers[1]).toMatchObject({ action: "resume", body: {} });

  // A plan that waits for evidence takes its step at once.
  const byPlan = { ...hold, by: { kind: "plan", name: "prices-43" } } as const;
  origin.show(status([running("prices", { next: null, hold: byPlan })]));
  await steer(page, "resume").click();
  await prices(page).getByText("It takes its next step now").waitFor();
});

test("what the instance refuses is said with its words and the command, and without an answer once is enough", async (context) => {
  const { page, origin, complaints } = await stage.open(context, status([running()]));
  origin.answerSteers(() => problem("RELEASE_ENDED", 409, "the release of v43 of prices is reverted"));
  await steer(page, "hold").click();
  await page.keyboard.press("Enter");
  const alert = page.getByRole("alert");
  await alert.getByText("the release of v43 of prices is reverted (RELEASE_ENDED)").waitFor();
  expect(await alert.innerText()).toContain("sluice release hold prices");
  origin.answerSteers(() => null);
  await page.keyboard.press("Enter");
  await alert.getByText("No answer from the instance").waitFor();
  await page.keyboard.press("Enter");
  await expect.poll(() => complaints.filter(cut).length).toBe(2);
  const keys = origin.steers.map(({ key }) => key);
  expect(new Set(keys.slice(1)).size).toBe(1);
  expect(keys[0]).not.toBe(keys[1]);
  expect(complaints.splice(0).filter((text) => !cut(text) && !/\b409\b/.test(text))).toEqual([]);
});

test("a form whose release somebody else has held meanwhile closes", async (context) => {
  const { page, origin } = await stage.open(context, status([running()]));
  await steer(page, "hold").click();
  const by = { kind: "alert", name: "CheckoutSlow 3f2a90b1c4d5e6f7" } as const;
  const hold = { cause: { reason: "alert CheckoutSlow is firing", evidence: null }, by, at: midnight };
  origin.show(status([running("prices", { next: null, hold })]));
  await prices(page).locator(".steer-form").waitFor({ state: "hidden" });
  expect(await saidBy(prices(page).locator(".hold"))).toContain(
    "by alert CheckoutSlow: alert CheckoutSlow is firing Ends by itself when that is resolved.",
  );
});

test("a plan says what it waits for, how much of it is missing, until when, and what then", async (context) => {
  const { page, origin } = await stage.open(context, status([running("prices", { next: waitingNext })]));
  const waits = prices(page).locator(".waits");
  await waits.waitFor();
  expect(await saidBy(waits)).toBe(
    "Waits for the promotion test (about 1,240 more requests of the candidate) until 01:03:51, then holds.",
  );
  const said = await saidBy(prices(page).locator(".arms-block"));
  expect(said).toContain("not yet about 1,240 more requests of the candidate 2.2, opens at 10");
  const rulesOut = prices(page).getByTitle("rules out that it fails 3 times as often as the control, + 0.5%");
  expect(await rulesOut.isVisible()).toBe(true);

  const open = evidence();
  const promotion = { ...open.promotion, open: true, evidence: 12, requestsNeeded: 0 };
  const proven = release({ next: waitingNext, evidence: { ...open, promotion } });
  origin.show(status([running("prices", proven)]));
  await waits.getByText("The promotion test is open.").waitFor();

  const due = { ...waitingNext, at: midnight - minuteMs } as NonNullable<typeof waitingNext>;
  const proceeds = { ...due, promotion: { until: midnight + minuteMs, otherwise: "proceed" } } as const;
  origin.show(status([running("prices", { next: proceeds })]));
  await prices(page).getByText("25% as soon as the promotion test opens").waitFor();
  expect(await saidBy(waits)).toContain("then goes on without it.");
});

test("the evidence is drawn over the release, with the lines that matter", async (context) => {
  const { page, origin } = await stage.open(context, status([dataset("prices")]));
  origin.answerEvidence((id) => ({
    release: id,
    evidence: evidence({ comparativeEvidence: 34.1 }),
    history: history({ against: 34.1, inFavour: 2.2 }),
  }));
  origin.show(status([running()]));
  const chart = prices(page).locator("svg.trace");
  await chart.waitFor();
  const label = await chart.getAttribute("aria-label");
  expect(label).toMatch(/against it now 3\d.*, reverts at 167; for the next step now 2\./);
  const points = (await chart.locator(".line-against").getAttribute("d"))?.split("L").length;
  expect(points).toBe(60);
  expect(await saidBy(prices(page).locator("figure:has(svg.trace)"))).toContain("Evidence since 23:56:30");
  // What kept none of it has nothing to draw.
  origin.show(status([running("prices", { id: "prices-44", evidence: null })]));
  await chart.waitFor({ state: "hidden" });
});

test("queries, a host that reverted for itself, and a version that was brought back are shown", async (context) => {
  const person = { kind: "person", name: "Zhao Min" } as const;
  const queries = [
    { name: "refunds", action: "revert", state: "firing", forMs: 12_000, message: "answered 41" },
    { name: "stock", action: "hold", state: "quiet", forMs: 240_000, message: null },
  ] as const;
  const shown = {
    ...running("prices", { queries }),
    here: [
      {
        host: "checkout@host-7",
        release: "prices-43",
        publish: 43,
        at: midnight - 90_000,
        by: person,
        reason: "the origin is gone",
        followers: 3,
      },
    ],
  };
  const back = dataset("flags", {
    restored: {
      number: 44,
      version: 41,
      mode: "reapply",
      dropped: { changes: 12, keys: 9 },
      reason: "v42 costs money",
      at: midnight - 2 * minuteMs,
      by: person,
      receipt: receipt({ confirmed: 410, missing: ["a", "b"] }),
    },
  });
  const { page } = await stage.open(context, status([shown, back]));
  const said = await saidBy(prices(page));
  expect(said).toContain("refunds: firing for 12 sec (reverts): answered 41");
  expect(said).toContain("stock: quiet for 4 min (holds)");
  expect(said).toMatch(/checkout@host-7 does not show v43 · 1 min\. ago · by Zhao Min: the origin is gone/);
  expect(said).toContain("3 followers heed it; the release goes on everywhere else");
  expect(said).toContain("sluice lift prices --here --url URL");
  const restored = await saidBy(page.locator('[data-dataset="flags"] [data-row="restored"]'));
  expect(restored).toContain("v44 is v41 again, with the patches since · 2 min. ago · by Zhao Min");
  expect(restored).toContain("Why: v42 costs money");
  expect(restored).toContain("Left out: 12 changes since, to 9 keys");
  expect(restored).toContain("Taken up by 410 of 412 so far");
});

test("all of it is there in Chinese, after a switch as well", async (context) => {
  const { page } = await stage.open(context, status([unguarded()]));
  await page.getByRole("button", { name: "中文" }).click();
  const said = await saidBy(prices(page));
  expect(said).toContain("守护已关闭");
  expect(said).toContain("守护关闭期间不会前进");
  await steer(page, "guard-on").click();
  expect(await saidBy(prices(page).locator(".steer-form"))).toMatch(/恢复 prices 的 v43 的守护？.*您的姓名（可选）/);
});
