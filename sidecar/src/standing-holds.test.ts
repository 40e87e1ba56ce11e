import type { Confirmation } from "@sluice/core/api";
import { pass } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "./origin.testing.ts";

const items = pricedItems(50);

/** What somebody does to a release, each a second after the one before. */
type Deed = "hold" | "resume" | "alert" | "refusal";

/** Carries out deeds on a release whose every step is due at once, and gives who held it after each and whether it stepped. */
async function holdersAfter(...deeds: readonly Deed[]): Promise<readonly (string | null)[]> {
  const steps = [5_000, 25_000].map((thousandths) => ({ thousandths, holdMs: 0 }));
  const origin = await createTestOrigin({ items, plan: { steps, promotion: null } });
  const upload = { ...items, "sku-1": { price: "55", currency: "CNY" } };
  const release = String((await answerOf(origin.publish("prices", upload, "?release=true"))).release);
  const holders: (string | null)[] = [];
  for (const deed of deeds) {
    await carryOut(origin, release, deed);
    await pass(origin.clock, 1_000);
    const now = (await origin.status()).datasets[0]?.release;
    expect(now?.thousandths).toBe(5_000);
    holders.push(now?.hold?.by.name.split(" ")[0] ?? null);
  }
  return holders;
}

async function carryOut(origin: TestOrigin, release: string, deed: Deed): Promise<void> {
  if (deed === "alert") await origin.post("/v1/alerts", { name: "p3", dataset: "prices", action: "hold" });
  else if (deed === "refusal") {
    const refused = [{ release, reason: "checkout does not take it" }];
    const confirmation: Confirmation = { follower: "shop-1", applied: 0, reverted: [], prepared: [], refused };
    await origin.post("/v1/confirmations", { confirmations: [confirmation], children: null });
  } else await origin.post(`/v1/releases/${release}/${deed}`, {}, { "sluice-actor": "anna" });
}

test("a refusal and an alert that wait behind a person hold one after the other, the older first, before any step", async () => {
  expect(await holdersAfter("hold", "alert", "refusal", "resume", "resume")).toEqual([
    "anna",
    "anna",
    "anna",
    "p3",
    "refused",
  ]);
  expect(await holdersAfter("hold", "refusal", "alert", "resume", "resume")).toEqual([
    "anna",
    "anna",
    "anna",
    "refused",
    "p3",
  ]);
});

test("a refusal that a person has overruled is not next when the hold after it ends", async () => {
  expect(await holdersAfter("refusal", "alert", "resume", "hold")).toEqual(["refused", "refused", "p3", "anna"]);
  const [, , , , last] = await holdersAfter("refusal", "alert", "resume", "hold", "resume");
  expect(last).toBe("p3");
});
