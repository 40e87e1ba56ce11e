import type { LoggedEvent } from "@sluice/core";
import { createVirtualClock } from "@sluice/core";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems, type TestOrigin } from "../origin.testing.ts";

const first = pricedItems(2_000);
const tenfold = Object.fromEntries(
  Object.entries(first).map(([key, item]) => [key, { ...item, price: 10 * item.price, tax: 9 }]),
);

/** Patches without a pause, each as soon as the one before is answered, until told to stop. */
function patching(origin: TestOrigin, lanes: number): { stop(): Promise<Map<string, number>>; sent(): number } {
  const newest = new Map<string, number>();
  const stopping = new AbortController();
  let sent = 0;
  const lane = async (its: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      const count = ++sent;
      const key = `sku-${its + lanes * (count % 50)}`;
      newest.set(key, count);
      const answer = await origin.post("/v1/datasets/prices/patches", { items: [{ key, merge: { stock: count } }] });
      expect(answer.status).toBe(200);
    }
  };
  const running = Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
  return {
    sent: () => sent,
    async stop() {
      stopping.abort();
      await running;
      return newest;
    },
  };
}

const lastEvents = async (origin: TestOrigin): Promise<LoggedEvent[]> =>
  (await (await origin.request("/v1/log?limit=10")).text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LoggedEvent);

const start = async (): Promise<TestOrigin> => {
  const origin = await createTestOrigin({ clock: createVirtualClock(), items: first });
  const { release } = await answerOf(origin.publish("prices", tenfold, "?release=true&thousandths=100000"));
  await origin.post(`/v1/releases/${String(release)}/promote`, {});
  return origin;
};

test.each(["reapply", "exact"] as const)(
  "patches go on while an older version is worked out (%s), and none of them is lost or keeps it from coming back",
  async (mode) => {
    const origin = await start();
    const load = patching(origin, 4);
    const before = load.sent();
    const answer = await answerOf(origin.post("/v1/datasets/prices/restore", { to: { version: 1 }, mode }));
    const during = load.sent() - before;
    expect(answer).toMatchObject({ status: 200, restored: { version: 1, mode } });
    const newest = await load.stop();
    expect(during).toBeGreaterThan(5);
    const restored = (await lastEvents(origin)).at(-1)?.event;
    if (restored?.type !== "version-restored") throw new Error("the last control event is no restored version");
    const { contentHash } = restored.content;
    // What the event says of itself is what a replica finds: it would have been refused as damaged.
    const lines = (await origin.status()).datasets[0];
    expect(lines?.health).toEqual({ ok: true, reasons: [] });
    const { items, version } = (await (
      await origin.post("/v1/datasets/prices/items", { keys: Object.keys(first).slice(0, 300) })
    ).json()) as { items: Record<string, { price: number; stock?: number; tax?: number }>; version: number };
    expect(version).toBe(lines?.stable?.number);
    for (const [key, item] of Object.entries(items)) {
      expect({ key, price: item.price, tax: item.tax }).toEqual({ key, price: first[key]?.price, tax: undefined });
      if (mode === "reapply") expect({ key, stock: item.stock }).toEqual({ key, stock: newest.get(key) });
    }
    const { added, changed, removed } = restored.difference;
    expect({ added, removed, keys: added + changed + removed }).toEqual({ added: 0, removed: 0, keys: 2_000 });
    expect(restored.dropped.keys).toBe(2_000);
    const alone = await createTestOrigin({ clock: createVirtualClock(), items: first });
    if (mode === "exact") expect(contentHash).toBe((await alone.status()).datasets[0]?.stable?.contentHash);
  },
);

test("a bake that ends meanwhile changes what is taken back, and not what comes back", async () => {
  for (const waits of [0, 20, 80]) {
    const origin = await createTestOrigin({ clock: createVirtualClock(), items: pricedItems(200) });
    await origin.post("/v1/datasets/prices/patches", { items: [{ key: "sku-1", merge: { stock: 1 } }] });
    const { release } = await answerOf(
      origin.publish("prices", pricedItems(200, 7_000), "?release=true&thousandths=100000"),
    );
    const restoring = answerOf(origin.post("/v1/datasets/prices/restore", { to: { version: 1 }, mode: "exact" }));
    for (let turn = 0; turn < waits; turn++) await Promise.resolve();
    const ended = await answerOf(origin.post(`/v1/releases/${String(release)}/promote`, {}));
    expect(await restoring).toMatchObject({ status: 200, restored: { version: 1 } });
    const types = (await lastEvents(origin)).slice(-2).map(({ event }) => event.type);
    // Whoever came first: the release ended well and its line is taken back, or it is reverted, but never both.
    expect(types).toEqual([ended.status === 200 ? "release-completed" : "release-reverted", "version-restored"]);
    const status = (await origin.status()).datasets[0];
    expect(status).toMatchObject({
      release: null,
      candidate: null,
      restored: { version: 1 },
      quarantine: [{ publish: 3 }],
    });
    await origin.origin.close();
  }
});
