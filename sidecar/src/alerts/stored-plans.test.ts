import { defaultPlan, type Plan } from "@sluice/core";
import { expect, test } from "vitest";
import { createTestOrigin, type TestOrigin } from "../origin.testing.ts";
import { createMemoryDisk, createMemoryStore } from "../store/memory-store.ts";
import { changed, items, paged, prices, send } from "./alerts.testing.ts";

/** An origin over a log in which an earlier program has put a plan. */
async function withStored(plan: Partial<Plan>): Promise<TestOrigin> {
  const disk = createMemoryDisk();
  const earlier = createMemoryStore({ id: "log-1", disk });
  const created = {
    type: "dataset-created",
    dataset: "prices",
    policy: "canary",
    plan: { ...defaultPlan, ...plan },
    checks: [],
  } as const;
  const by = { kind: "person", name: "anna" } as const;
  await earlier.log.append({ expected: 0, events: [{ sequence: 1, at: 1, by, event: created }], answers: [] });
  await earlier.close();
  const origin = await createTestOrigin({ store: { id: "log-1", disk } });
  await origin.publish("prices", items);
  await origin.publish("prices", changed, "?release=true");
  return origin;
}

const lookahead = { matchers: ['service=~"(?=cart).*"', 'severity="page"'], action: "revert" } as const;

test("a stored rule that RE2 does not take matches nothing, says so in status, and leaves the others at work", async () => {
  const origin = await withStored({ alerts: [lookahead, { matchers: ["severity=page"], action: "hold" }] });
  const { health } = await prices(origin);
  expect(health.ok).toBe(false);
  expect(health.reasons.join()).toContain(
    'alert rule 1 of prices cannot be used and matches nothing: service=~"(?=cart).*": RE2',
  );
  const answer = await send(origin, [paged]);
  expect(answer.alerts[0]?.effects).toMatchObject([{ action: "hold", rule: "severity=page" }]);
});

test("why such a rule does nothing is in the answer too", async () => {
  const origin = await withStored({ alerts: [lookahead] });
  const answer = await send(origin, [paged]);
  expect(answer.alerts[0]?.effects).toEqual([]);
  expect(answer.alerts[0]?.reasons.join()).toContain("invalid or unsupported Perl syntax: `(?=`");
});

test("an alert that meets an instance that is being stopped is to be sent again", async () => {
  const origin = await withStored({});
  await origin.origin.close();
  const body = { name: "probe", dataset: "prices", action: "hold" };
  const answer = await origin.post("/v1/alerts", body);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
});
