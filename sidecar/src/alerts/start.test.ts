import { describe, expect, test } from "vitest";
import { createMemoryDisk } from "../store/memory-store.ts";
import { createTestOrigin } from "../origin.testing.ts";
import { cart, paged, prices, releaseAgain, running, send } from "./alerts.testing.ts";

const isoAgo = (at: number, agoMs: number): string => new Date(at - agoMs).toISOString();

describe("an alert that began before the release", () => {
  test("does not revert or hold it, also where it is heard of for the first time, and says so", async () => {
    const origin = await running();
    const startsAt = isoAgo(origin.clock.wall(), 61_000);
    const { alerts } = await send(origin, [
      { ...paged, startsAt },
      { ...cart, startsAt },
    ]);
    for (const { effects, reasons } of alerts) {
      expect(effects).toEqual([]);
      expect(reasons.join()).toContain(`after this began to fire (${startsAt}): it is not what this is about`);
    }
    expect((await prices(origin)).release).toMatchObject({ hold: null });
  });

  test("is told from one that begins later, which reverts", async () => {
    const origin = await running();
    origin.clock.advance(300_000);
    const startsAt = isoAgo(origin.clock.wall(), 0);
    await send(origin, [{ ...paged, startsAt }]);
    expect((await prices(origin)).release).toBeNull();
  });

  test("by less than two clocks may differ is about it", async () => {
    const origin = await running();
    await send(origin, [{ ...paged, startsAt: isoAgo(origin.clock.wall(), 59_000) }]);
    expect((await prices(origin)).release).toBeNull();
  });

  test("is known to a later release where the origin was killed right after its answer", async () => {
    const disk = createMemoryDisk();
    const first = await running({ store: { id: "log-1", disk } });
    const alert = { ...paged, startsAt: isoAgo(first.clock.wall(), 0) };
    await send(first, [alert]);
    // Not closed: what is kept a second later is lost.
    const second = await createTestOrigin({ store: { id: "log-1", disk }, clock: first.clock });
    const next = await releaseAgain(second);
    const { alerts } = await send(second, [alert]);
    expect(alerts[0]?.reasons.join()).toContain("a repetition changes nothing");
    expect((await prices(second)).release?.id).toBe(next);
  });
});
