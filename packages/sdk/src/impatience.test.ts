import { afterEach, expect, test } from "vitest";
import type { Impatient } from "./impatience.ts";
import { createTestClient, type TestClient } from "./testing.ts";

type Items = { readonly prices: number };
type Setup = { readonly said: readonly Impatient[]; readonly giveUpAfter: (ms: number, key?: string) => void };

let client: TestClient<Items> | undefined;
afterEach(() => client?.close());

/** A client in the middle of a release, and what it says of the requests that are given up after so long. */
function setUp(slowMs: number | null): Setup {
  const its = createTestClient<Items>({
    datasets: { prices: { same: 1, moved: 1 } },
    candidate: { prices: { same: 1, moved: 2 } },
    percentage: 50,
    viewMaxAgeMs: 60_000,
    guard: { slowMs },
  });
  client = its;
  const said: Impatient[] = [];
  its.on("impatient", (impatient) => void said.push(impatient));
  return {
    said,
    giveUpAfter(ms, key = "moved") {
      const view = its.view({ targetingKey: its.targetingKey("prices", "candidate") });
      view.get("prices", key);
      its.advance(ms);
      view.giveUp();
    },
  };
}

test("twenty requests that are given up at about the same time, before they count as slow, are said once with that time", () => {
  const { said, giveUpAfter } = setUp(3_000);
  for (let count = 0; count < 19; count++) giveUpAfter(990 + count);
  expect(said).toEqual([]);
  giveUpAfter(1_000);
  const release = expect.any(String);
  expect(said).toEqual([{ release, dataset: "prices", givenUpAfterMs: 1_008, slowMs: 3_000 }]);
  for (let count = 0; count < 50; count++) giveUpAfter(1_000);
  expect(said).toHaveLength(1);
});

test("a limit shows among people who leave at any time, and they alone are none", async () => {
  const alone = setUp(3_000);
  for (let count = 0; count < 200; count++) alone.giveUpAfter(300 + ((count * 977) % 2_700));
  expect(alone.said).toEqual([]);
  await client?.close();
  const mixed = setUp(3_000);
  for (let count = 0; count < 60; count++) mixed.giveUpAfter(count % 3 === 0 ? 300 + count * 10 : 1_500);
  expect(mixed.said).toHaveLength(1);
});

test("nothing is said of a limit that lets requests count as slow, of those who leave at once, nor without slowMs", async () => {
  const { said, giveUpAfter } = setUp(1_000);
  for (let count = 0; count < 50; count++) giveUpAfter(1_001);
  for (let count = 0; count < 50; count++) giveUpAfter(99);
  expect(said).toEqual([]);
  await client?.close();
  const without = setUp(null);
  for (let count = 0; count < 50; count++) without.giveUpAfter(500);
  expect(without.said).toEqual([]);
});

test("a request that would count nowhere says nothing of a limit", () => {
  const { said, giveUpAfter } = setUp(3_000);
  for (let count = 0; count < 50; count++) giveUpAfter(1_000, "same");
  expect(said).toEqual([]);
});
