import { createVirtualClock, type JsonValue, type NamespaceState } from "@sluice/core";
import type { Frame, LineContents } from "@sluice/core/api";
import type { Blobs, PackedLines } from "@sluice/replica";
import { createTestLog } from "../../packages/replica/src/log.testing.ts";
import { createLines } from "../../packages/replica/src/lines.ts";
import { createShelf } from "../../packages/replica/src/shelf.ts";

/** A small log with every kind of thing in it, to make valid inputs of. */
export interface SampleLog {
  /** Every blob that its contents name. */
  readonly blobs: Blobs;
  readonly state: NamespaceState;
  readonly contents: Readonly<Record<string, LineContents>>;
  readonly packed: Readonly<Record<string, PackedLines>>;
  /** The frames of a stream that begins with the whole state, and goes on with all that comes after it. */
  readonly frames: readonly Frame[];
  readonly keys: readonly string[];
}

/** Makes it: two datasets, a release that runs, patches on both lines, a layer, a held version, a revert. */
export async function createSampleLog(): Promise<SampleLog> {
  const log = createTestLog({ clock: createVirtualClock() });
  log.create("prices");
  await log.publish("prices", priced(12, 1), true);
  log.create("stock");
  await log.publish("stock", priced(5, 9), true, 1);
  log.patch("prices", new Map<string, JsonValue>([["sku-1", { price: 3.5 }]]), ["sku-2"]);
  await log.rebase("prices", "stable");
  log.patch("prices", new Map<string, JsonValue>([["商品-0", null]]));
  const whole: Frame = { type: "state", state: log.state(), lines: await log.contents(), marks: [] };
  const from = log.events.length;

  await log.publish("prices", priced(12, 2), false);
  log.release("prices", "prices-4-a");
  log.patch("prices", new Map<string, JsonValue>([["new", "é"]]));
  await log.rebase("prices", "candidate");
  log.append({
    type: "release-reverted",
    release: "prices-4-a",
    cause: { reason: "below cost", evidence: null },
  });
  await log.publish("prices", priced(12, 4), false);
  log.release("prices", "prices-8-b", 50_000);
  log.patch("prices", new Map<string, JsonValue>([["sku-3", [1]]]), ["sku-4"]);

  const lines = createLines({ shelf: createShelf({ blobs: log.blobs, clock: createVirtualClock() }) });
  lines.reset(log.state(), await log.contents());
  const packed = lines.pack();
  if (packed === null) throw new Error("a line of the sample is broken");
  const events = log.events.slice(from);
  const frames: Frame[] = [
    { type: "hello", protocol: 2, log: log.id, instance: "instance-1" },
    whole,
    { type: "heartbeat", sequence: from, ageMs: 0 },
    { type: "mark", mark: { release: "prices-4-a", at: 1 } },
    { type: "events", events: events.slice(0, 3) },
    ...events.slice(3).map((event): Frame => ({ type: "events", events: [event] })),
    { type: "bye", retryMs: 10 },
  ];
  return {
    blobs: log.blobs,
    state: log.state(),
    contents: await log.contents(),
    packed,
    frames,
    keys: [...priced(12, 1).keys(), "new", "gone", "__proto__", ""],
  };
}

function priced(count: number, factor: number): Map<string, JsonValue> {
  return new Map(
    Array.from({ length: count }, (_, index): [string, JsonValue] => [
      index % 4 === 0 ? `商品-${index}` : `sku-${index}`,
      { price: index * factor, name: "n".repeat(index) },
    ]),
  );
}
