import type { StatusAnswer } from "@sluice/core/api";
import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import {
  candidate,
  dataset,
  evidence,
  followers,
  line,
  midnight,
  release,
  revert,
  running,
  situations,
  status,
} from "./situations.ts";
import { createStage } from "./stage.ts";

const stage = createStage();
afterAll(() => stage.close());

/** All that a card says to somebody who looks at it, in one line. */
async function saidBy(page: Page, name: string): Promise<string> {
  return (await page.locator(`[data-dataset="${name}"]`).innerText()).replaceAll(/\s+/g, " ");
}

test("a running release says to whom, since when, by whom, what next, and how both arms fare", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const said = await saidBy(page, "prices");
  expect(said).toContain("healthy");
  expect(said).toContain("v42 · 10,000 items · went out 19 min. ago · by Lin Wei");
  expect(said).toContain("Running Release of v43 over v42 5% of users see it really served: 4.98% of views");
  expect(said).toContain("Set to 5% 2 min. ago by the plan Started 4 min. ago by Lin Wei");
  expect(said).toMatch(/25% in 3:\d\d, at 00:03:51/);
  expect(said).toContain("412 of 412 followers have every byte");
  expect(said).toContain("+ 120 added ~ 9,700 changed − 3 removed 297 unchanged");
  expect(said).toContain("candidate 1 / 1,204 0.08%");
  expect(said).toContain("control 12 / 22,893 0.05%");
  expect(said).toContain("no sign that it is worse 0.84, would revert at 167");
});

test("a hold says who holds and why, and with which command it goes on", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const said = await saidBy(page, "promotions");
  expect(said).toContain("needs attention");
  expect(said).toContain("the candidate fails more often than the control (evidence 34.1)");
  expect(said).toContain("by guard (comparative rule): the candidate looks worse");
  expect(said).toContain(`sluice release resume promotions --url ${new URL(page.url()).origin}`);
  expect(said).toContain("suspicious 34.1, would revert at 167");
  expect(said).toContain("below-cost: candidate 29, control 0");
});

test("a bake says that the comparison is off, and still offers the revert", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const said = await saidBy(page, "flags");
  expect(said).toContain("Baking");
  expect(said).toContain("Comparison off: at 100 % there is no control.");
  expect(said).toContain("Limit 5% over 30 sec: now 0.32% (1 of 310)");
  expect(said).toMatch(/done in 2[78]:\d\d, at 00:28:33: then v43 is what is out/);
  expect(said).toContain("410 of 412 followers have every byte");
  expect(await page.getByRole("button", { name: "Revert v43 of flags" }).isVisible()).toBe(true);
});

test("a held version says what it would change, and the exact command that starts it", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const said = await saidBy(page, "banners");
  expect(said).toContain("v43 · 10,117 items · came 2 min. ago · by source merchandising");
  expect(said).toContain("9,700 of 9,823 changes were in v41, which was reverted");
  expect(said).toContain("sluice release start banners --publish 43 --accept-quarantined");
  expect(said).toContain("SKU-00017 price: 129 price: 79");
  expect(said).toContain('SKU-00018 price: 4999, currency: "CNY" price: 3999');
  expect(said).toContain('SKU-10118 not there {"name":"Travel kettle","price":239,"currency":"CNY"}');
  expect(said).toContain("SKU-00020 too long to show");
  expect(await page.getByRole("button", { name: "Revert v43 of banners" }).isVisible()).toBe(false);
});

test("what was reverted says by which rule, on what counts, and whether it is gone everywhere", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const said = await saidBy(page, "banners");
  expect(said).toMatch(/v41 · 1\d sec\. ago · by guard \(comparative rule\)/);
  expect(said).toContain("Why: candidate failures 37 of 1,204 against 12 of 22,893");
  expect(said).toContain(
    "At 5%: candidate 37 of 1,204 (3.07%) failed, control 12 of 22,893 (0.05%) failed; evidence 214",
  );
  expect(said).toContain("Gone on 412 of 412 in 380 ms (p99 290 ms)");
  expect(said).toContain("1 version does not come back by itself");
});

test("followers that have not confirmed, a refusal and a failing source are named", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const said = await saidBy(page, "shipping");
  expect(said).toContain("by alert CheckoutErrors");
  expect(said).toContain("Gone on 410 of 412 so far");
  expect(said).toContain("Not confirmed: checkout@host-7, search@host-9");
  expect(said).toContain("refused by a check, nobody saw it (CHECK_REFUSED)");
  expect(said).toContain("312 of 10,000 prices fell by more than 50 %");
  expect(said).toContain(
    "failing main https://erp.example/shipping.ndjson last good 6 min. ago every 30 sec · releases what is new",
  );
  expect(said).toContain("HTTP 502 after 3 tries");
  expect(await saidBy(page, "stock")).toContain("v1, patched up to v51180");
  expect(await saidBy(page, "delivery")).toContain("sluice publish delivery FILE");
});

test("followers are listed with what they are and through whom they follow", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const card = page.locator(".followers-card");
  expect(await card.locator("summary").innerText()).toBe("Followers · 412");
  expect(await card.innerText()).toContain("100 of 412 are named here");
  expect(await card.locator("tbody tr").count()).toBe(100);
  expect(await card.locator("tbody tr").nth(0).innerText()).toMatch(/host-0\s+sidecar\s+directly\s+512/);
  expect(await card.locator("tbody tr").nth(5).innerText()).toMatch(/checkout@host-0\s+SDK\s+host-0\s+509 · behind/);
});

test("with no dataset the page tells how to make one", async (context) => {
  const { page, origin } = await stage.open(context, status([], { followers: followers(0) }));
  expect(await page.locator(".empty").innerText()).toContain("sluice dataset create prices");
  expect(await page.locator(".empty").innerText()).toContain("sluice publish prices prices.ndjson");
  origin.show(status([dataset("prices")]));
  await page.locator('[data-dataset="prices"]').waitFor();
  expect(await page.locator(".empty").isVisible()).toBe(false);
});

test("a stream that drops is said at once, with the age of what is seen, and comes back", async (context) => {
  const { page, origin, complaints } = await stage.open(context, status([running()]));
  origin.cutStreams({ refuse: true });
  await page.getByText(/reconnecting, this view is \d+ sec old/).waitFor();
  await page.clock.fastForward(70_000);
  await page.getByText(/reconnecting, this view is 7\d sec old/).waitFor();
  expect(await page.getByRole("status").innerText()).toContain("no longer live");
  expect(await saidBy(page, "prices")).toContain("5% of users see it");

  origin.show(status([running("prices", { thousandths: 25_000 })], { at: midnight + 70_000 }));
  await page.getByRole("button", { name: "Try now" }).click();
  await page.locator(".connection[data-state=live]").waitFor();
  await page.getByText("25%", { exact: true }).waitFor();
  expect(complaints.splice(0).filter((complaint) => !/503|ERR_/.test(complaint))).toEqual([]);
});

test("a stream that says nothing for seconds counts as dropped", async (context) => {
  const { page } = await stage.open(context, status([running()]));
  await page.clock.pauseAt(midnight + 600_000);
  await page.getByRole("button", { name: "Try now" }).click();
  await page.locator(".connection[data-state=live]").waitFor();
  await page.clock.runFor(5_900);
  expect(await page.locator(".connection").getAttribute("data-state")).toBe("live");
  await page.clock.runFor(100);
  expect(await page.locator(".connection").getAttribute("data-state")).toBe("lost");
});

test("whatever comes from outside is text and never markup", async (context) => {
  const evil = '<img src="x" onerror="document.title=\'pwned\'"><b>bold</b>{reason}';
  const by = { kind: "person", name: evil } as const;
  const over = {
    stable: line({ by, contentHash: evil }),
    health: { ok: false, reasons: [evil] },
    lastRevert: revert({ by, cause: { reason: evil, evidence: null } }),
    lastRefusal: { at: midnight, number: null, code: evil, message: evil },
    quarantine: [{ publish: 41, release: "r", at: midnight, by, reason: evil, liftedKeys: 0 }],
    sources: [
      { id: evil, url: evil, onNew: "hold", intervalMs: 1_000, state: "failing", lastSuccessAt: null, message: evil },
    ],
  } as const;
  const examples = [{ key: evil, before: { [evil]: 1 }, after: { [evil]: evil } }];
  const difference = { ...candidate().difference, examples };
  const hold = { cause: { reason: evil, evidence: null }, by, at: midnight };
  const kinds = [{ ...evidence(), kind: evil, evidence: 1, candidateDistinct: 0, controlDistinct: 0 }];
  const first = status(
    [
      dataset("held", { ...over, candidate: candidate({ by, difference }) }),
      dataset("run", {
        ...over,
        candidate: candidate({ difference }),
        release: release({ by, hold, evidence: evidence({ kinds }) }),
      }),
    ],
    {
      instance: evil,
      followers: { total: 1, list: [{ id: evil, name: evil, kind: "sdk", via: evil, applied: 1 }] },
    },
  );
  const { page } = await stage.open(context, first);
  for (const name of ["held", "run"]) {
    const text = (await page.locator(`[data-dataset="${name}"]`).textContent()) ?? "";
    expect(text.split(evil).length).toBeGreaterThan(8);
  }
  expect(await page.locator("img, b").count()).toBe(0);
  expect(await page.title()).not.toContain("pwned");
});

test("the browser's language is taken, a chosen one is kept", async (context) => {
  const { page } = await stage.open(context, status(situations()), { locale: "zh-CN" });
  expect(await saidBy(page, "prices")).toContain("放量中 用 v43 替换 v42 5% 的用户看到它");
  expect(await page.locator("html").getAttribute("lang")).toBe("zh-Hans");
  await page.getByRole("button", { name: "EN", exact: true }).click();
  expect(await saidBy(page, "prices")).toContain("5% of users see it");
  expect(await page.getByRole("button", { name: "In motion" }).isVisible()).toBe(true);
  await page.reload();
  await page.locator('[data-dataset="prices"]').waitFor();
  expect(await saidBy(page, "prices")).toContain("5% of users see it");
});

test("nothing of the page is left in the other language", async (context) => {
  const { page } = await stage.open(context, status(situations()), { locale: "zh-CN" });
  await page.locator('[data-dataset="prices"]').getByRole("button", { name: "回滚" }).click();
  // What is foreign stays as it came: names, reasons, codes, commands, units.
  const labels = await page.locator("[data-t-text], summary, .chip").allInnerTexts();
  expect(labels.length).toBeGreaterThan(60);
  expect(labels.filter((label) => /[a-z]{3,}/i.test(label.replaceAll(/SDK|Enter|Esc/g, "")))).toEqual([]);
});

test("the system's theme is taken, a chosen one is kept", async (context) => {
  const { page } = await stage.open(context, status([running()]), { colorScheme: "dark" });
  const ground = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await page.getByRole("button", { name: "Light" }).click();
  const light = await ground();
  expect(light).not.toBe(dark);
  await page.reload();
  await page.locator('[data-dataset="prices"]').waitFor();
  expect(await ground()).toBe(light);
  await page.getByRole("button", { name: "Auto" }).click();
  expect(await ground()).toBe(dark);
});

test("cards can be narrowed to what moves, to what is not healthy, and to what a person has to let go on", async (context) => {
  const { page } = await stage.open(context, status(situations()));
  const shown = (): Promise<string[]> => page.locator(".card:visible h2").allInnerTexts();
  await page.getByRole("button", { name: "In motion" }).click();
  expect(await shown()).toEqual(["flags", "prices", "promotions"]);
  await page.getByRole("button", { name: "Needs attention" }).click();
  expect(await shown()).toEqual(["promotions", "shipping"]);
  await page.getByRole("button", { name: "Waiting", exact: true }).click();
  expect(await shown()).toEqual(["banners"]);
});

test("so many datasets need attention as cards say so: what a person holds only waits for one", async (context) => {
  const cause = { reason: "finance looks at it", evidence: null };
  const hold = { by: { kind: "person", name: "finance" }, at: midnight - 8_000, cause } as const;
  const held = { ...running("prices", { hold, next: null }), health: { ok: true, reasons: [] } };
  const { page, origin } = await stage.open(context, status([held]));
  const said = (): Promise<string> => page.locator(".summary").innerText();
  expect(await said()).toMatch(/0 need attention.*1 waits for a person/s);
  expect(await page.locator(".card .chip").first().innerText()).toBe("healthy");
  origin.show(status([{ ...held, health: { ok: false, reasons: ["v43 is odd"] } }]));
  await page.getByText("1 needs attention").waitFor();
  expect(await said()).not.toContain("a person");
  expect(await page.locator(".card .chip").first().innerText()).toBe("needs attention");
});

test("in the bake what is out is what everybody sees, and a step that is overdue is not promised", async (context) => {
  const flags = situations().find(({ name }) => name === "flags") ?? running();
  const { page, origin } = await stage.open(context, status([flags]));
  const out = page.locator("[data-row=out]");
  expect(await out.innerText()).toMatch(
    /v43 · 10,117 items · seen by everybody .*; v42 stays ready until the bake is over/,
  );
  const late = { thousandths: 25_000, at: midnight - 42_000, promotion: null };
  origin.show(status([running("flags", { next: late })]));
  await page.getByText("25% was due at 23:59:48 and has not come").waitFor();
  expect(await out.innerText()).toContain("v42");
});

test("that the store takes nothing is said in the page's language", async (context) => {
  const reason =
    "the store has taken nothing for 42 s (no room is left on its disk): no step is taken and nothing can be done but to revert";
  const { page } = await stage.open(context, status([{ ...running(), health: { ok: false, reasons: [reason] } }]));
  const said = page.locator("[data-row=attention] li");
  expect(await said.allInnerTexts()).toEqual([reason]);
  await page.getByRole("button", { name: "中文" }).click();
  expect(await said.allInnerTexts()).toEqual([
    "存储已有 42 秒无法写入（磁盘已满）：计划不会前进，除回滚外的操作均不可用",
  ]);
});

/** A node keeps its mark for as long as it is the same node. */
async function mark(page: Page, selector: string): Promise<number> {
  return page.evaluate((wanted) => {
    const nodes = [...document.querySelectorAll(wanted)];
    for (const node of nodes) node.setAttribute("data-marked", "");
    return nodes.length;
  }, selector);
}

test("fifty datasets and a thousand followers are updated in place, and nothing moves", async (context) => {
  const names = Array.from({ length: 50 }, (_, index) => `dataset-${String(index).padStart(2, "0")}`);
  const shown = (failures: number): StatusAnswer =>
    status(
      names.map((name) => running(name, { evidence: evidence({ candidateFailures: failures }) })),
      { followers: followers(1_000, 1_000), at: midnight + failures },
    );
  const { page, origin } = await stage.open(context, shown(10));
  const boxes = (): Promise<number[]> =>
    page.locator(".card, .row, .release").evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().top));
  const before = await boxes();
  const marked = await mark(page, "main *");
  expect(marked).toBeGreaterThan(5_000);

  origin.show(shown(99));
  await page.locator('[data-dataset="dataset-49"]').getByText("99 / 1,204").waitFor();
  expect(await boxes()).toEqual(before);
  // The chart and a few sentences are written anew; cards, rows, buttons and followers are not.
  const anew = await page.locator("main :is(.card, .row, tr, td, th, button, time, p):not([data-marked])").count();
  expect(anew).toBe(0);
});

test("a release that starts or ends does not pull the next card's button away", async (context) => {
  const waiting = dataset("aa", {
    candidate: candidate(),
    health: { ok: false, reasons: "a b c d e f g h i j".split(" ") },
  });
  const { page, origin } = await stage.open(context, status([waiting, running("bb")]));
  const button = page.getByRole("button", { name: "Revert v43 of bb" });
  const before = await button.boundingBox();
  origin.show(status([running("aa"), running("bb")]));
  await page.getByRole("button", { name: "Revert v43 of aa" }).waitFor();
  expect(await button.boundingBox()).toEqual(before);
  origin.show(status([dataset("aa"), running("bb")]));
  await page.getByRole("button", { name: "Revert v43 of aa" }).waitFor({ state: "hidden" });
  expect(await button.boundingBox()).toEqual(before);
});

for (const locale of ["en-US", "zh-CN"]) {
  test(`a phone shows everything without scrolling sideways (${locale})`, async (context) => {
    const { page } = await stage.open(context, status(situations()), { locale, viewport: { width: 390, height: 844 } });
    await page.locator('[data-dataset="prices"] button.danger').first().click();
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`every text stands out from its ground by 4.5 to 1 (${colorScheme})`, async (context) => {
    const { page } = await stage.open(context, status(situations()), { colorScheme });
    await page.locator('[data-dataset="prices"] button.danger').first().click();
    const { count, weak } = await page.evaluate(contrasts);
    expect(count).toBeGreaterThan(200);
    expect(weak).toEqual([]);
  });
}

/** Runs in the page: the contrast of every text with what is painted behind it, by WCAG's formula. */
function contrasts(): { count: number; weak: string[] } {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (color: string): number[] => {
    if (canvas === null) return [];
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (node: Element | null): string => {
    if (node === null) return "white";
    const ground = getComputedStyle(node).backgroundColor;
    return (channels(ground)[3] ?? 0) === 0 ? groundOf(node.parentElement) : ground;
  };
  const weak: string[] = [];
  let count = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent?.trim() ?? "";
    if (node === null || text === "" || !node.checkVisibility()) continue;
    const pair = [luminance(getComputedStyle(node).color), luminance(groundOf(node))].sort((a, b) => b - a);
    const ratio = ((pair[0] ?? 0) + 0.05) / ((pair[1] ?? 0) + 0.05);
    count += 1;
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${text}`);
  }
  return { count, weak };
}
