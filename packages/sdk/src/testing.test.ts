import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Client } from "./client.ts";
import { createTestClient, type TestClient } from "./testing.ts";

/** What an application would test: it knows the client and nothing of Sluice's tests. */
function total(
  client: Client<{ readonly prices: { readonly amount: number } }>,
  user: string,
  skus: readonly string[],
): number {
  const view = client.view({ targetingKey: user });
  return view.run(() => skus.reduce((sum, sku) => sum + (view.get("prices", sku)?.amount ?? 0), 0));
}

type Items = { readonly prices: { readonly amount: number } };
let client: TestClient<Items>;

beforeEach(() => {
  client = createTestClient({ datasets: { prices: { a: { amount: 1 }, b: { amount: 2 } } } });
});

afterEach(() => client.close());

test("an application's code reads plain objects as it reads the real thing", () => {
  expect(total(client, "user", ["a", "b", "c"])).toBe(3);
});

test("a publish is held until a release shows it to a share of the users", () => {
  client.publish("prices", { a: { amount: 10 }, b: { amount: 20 } });
  expect(total(client, "user", ["a", "b"])).toBe(3);
  client.startRelease(50);
  expect(total(client, client.targetingKey("prices", "candidate"), ["a", "b"])).toBe(30);
  expect(total(client, client.targetingKey("prices", "control"), ["a", "b"])).toBe(3);
  expect(client.outcomes.map(({ arm, failure }) => [arm, failure])).toEqual([
    ["candidate", null],
    ["control", null],
  ]);
});

test("promote shows it to everybody, and a second one ends the bake", () => {
  client.publish("prices", { a: { amount: 10 } });
  client.startRelease(1);
  client.promote();
  expect(client.view().arm("prices")).toBe("candidate");
  client.promote();
  expect([client.view().arm("prices"), client.view().get("prices", "a")]).toEqual([null, { amount: 10 }]);
  expect(() => client.revert()).toThrow(expect.objectContaining({ code: "NOTHING_TO_REVERT" }));
});

test("revert takes it back from new views and tells those that read it", () => {
  client.publish("prices", { a: { amount: 10 } });
  client.startRelease(100);
  const view = client.view({ targetingKey: "user" });
  const reasons: (string | null)[] = [];
  client.on("reverted", ({ reason }) => reasons.push(reason));
  client.revert("too cheap");
  expect([view.reverted, total(client, "user", ["a"]), reasons]).toEqual([true, 1, ["too cheap"]]);
});

test("a patch changes both lines", () => {
  client.publish("prices", { a: { amount: 10 }, b: { amount: 20 } });
  client.startRelease(50);
  client.patch("prices", { b: { amount: 5 } }, ["a"]);
  for (const arm of ["candidate", "control"] as const) {
    expect(total(client, client.targetingKey("prices", arm), ["a", "b"])).toBe(5);
  }
});

test("a percentage has the steps of the real one", () => {
  client.publish("prices", { a: { amount: 10 } });
  client.startRelease(2.007);
  const key = client.targetingKey("prices", "candidate");
  client.setPercentage(0);
  expect(client.view({ targetingKey: key }).arm("prices")).toBe("control");
  expect(() => client.targetingKey("prices", "candidate")).toThrow(expect.objectContaining({ code: "VALIDATION" }));
  expect(() => client.setPercentage(101)).toThrow(expect.objectContaining({ code: "VALIDATION" }));
});

test("without a lease everybody is on stable below 100 %", () => {
  client.publish("prices", { a: { amount: 10 } });
  client.startRelease(50);
  const key = client.targetingKey("prices", "candidate");
  client.setLease(false);
  expect(client.view({ targetingKey: key }).get("prices", "a")).toEqual({ amount: 1 });
});

test("time stands still until it is moved on", () => {
  const view = createTestClient({ datasets: { prices: { a: 1 } }, viewMaxAgeMs: 50 });
  const early = view.view();
  view.advance(49);
  expect(early.get("prices", "a")).toBe(1);
  view.advance(1);
  expect(() => early.get("prices", "a")).toThrow(expect.objectContaining({ code: "VIEW_EXPIRED" }));
});

describe("with schemas", () => {
  const schemas = { prices: z.object({ amount: z.number() }).transform(({ amount }) => ({ cents: amount * 100 })) };

  test("items are given as they are published and read as the schema makes them", () => {
    const made = createTestClient({ schemas, datasets: { prices: { a: { amount: 3 } } } });
    expect(made.view().get("prices", "a")).toEqual({ cents: 300 });
  });

  test("an asynchronous one is refused", () => {
    const later = { prices: z.unknown().refine(async () => true) };
    expect(() => createTestClient({ schemas: later, datasets: { prices: {} } })).toThrow(
      expect.objectContaining({ code: "SCHEMA_ASYNC" }),
    );
  });
});

test("what cannot be published is refused as it would be", () => {
  expect(() => client.publish("prices", { a: Number.NaN })).toThrow(expect.objectContaining({ code: "INVALID_JSON" }));
  expect(() => client.startRelease(5)).toThrow(expect.objectContaining({ code: "NOTHING_HELD" }));
  client.publish("prices", { a: { amount: 2 } });
  client.startRelease(5);
  expect(() => client.publish("prices", { a: { amount: 3 } })).toThrow(
    expect.objectContaining({ code: "RELEASE_RUNNING" }),
  );
});
