import type { Random } from "./random.ts";
import { type Change, canonical, type Items, type Json } from "./content.ts";

/** The datasets of this world. `prices` walks its plan by itself, `promotions` by hand, `stock` is seen at once. */
export const datasetNames = ["prices", "promotions", "stock"] as const;

export type DatasetName = (typeof datasetNames)[number];

/** So quick to judge that a world of a minute sees it. */
const guard = {
  absolute: [{ errorRateLimit: 0.02, windowMs: 30_000, requestsMin: 12, mode: "confirmed", alpha: 0.002 }],
} as const;

/** What is told of each dataset when it is created. Holds are short, so that a release sees its end within a minute. */
export const datasetBodies: readonly ({ readonly name: DatasetName } & { readonly [field: string]: Json })[] = [
  {
    name: "prices",
    plan: {
      automatic: true,
      guard,
      bakeMs: 6_000,
      steps: [
        { thousandths: 10_000, holdMs: 3_000 },
        { thousandths: 40_000, holdMs: 4_000 },
        { thousandths: 70_000, holdMs: 3_000 },
      ],
    },
  },
  {
    name: "promotions",
    plan: {
      automatic: false,
      guard,
      bakeMs: 9_000,
      steps: [{ thousandths: 25_000, holdMs: 0 }],
      alerts: [
        { matchers: ['service="checkout"', 'severity="page"'], action: "revert" },
        { matchers: ['service="checkout"'], action: "hold" },
      ],
    },
  },
  { name: "stock", policy: "immediate" },
];

/** Keys of each dataset; some are never there. */
export const keys: readonly string[] = Array.from({ length: 14 }, (_, index) => `k${index}`);

export const users: readonly string[] = Array.from({ length: 60 }, (_, index) => `user-${index}`);

/** A dataset's first content. */
export function firstItems(random: Random): Items {
  return new Map(keys.slice(0, 12).map((key) => [key, canonical({ price: 100 + random.int(900), currency: "CNY" })]));
}

/**
 * Another content, made of one before: a few prices, an item less, an item more. A bad one breaks whoever reads it. Each is
 * one of its kind, so that a content says which publish it was.
 */
export function nextItems(
  random: Random,
  before: Items,
  options: { readonly bad: boolean; readonly serial: number },
): Items {
  const { bad, serial } = options;
  const next = new Map(before);
  const rewritten = random.chance(0.2) ? keys : keys.filter(() => random.chance(0.3));
  for (const key of rewritten) {
    if (random.chance(0.15)) next.delete(key);
    else
      next.set(
        key,
        canonical({ price: random.int(1_000), currency: "CNY", ...(bad && random.chance(0.8) ? { bad } : {}) }),
      );
  }
  // Long texts make overlays and parts that do not fit into an event.
  const note = random.chance(0.1) ? "x".repeat(70_000) : "";
  next.set(
    random.pick(keys.slice(0, 4)),
    canonical({ price: random.int(1_000), serial, note, ...(bad ? { bad } : {}) }),
  );
  return next;
}

/** What a patch asks for. */
export function drawChanges(random: Random): readonly Change[] {
  const chosen = keys.filter(() => random.chance(0.12));
  return (chosen.length === 0 ? [random.pick(keys)] : chosen).map((key) => {
    const kind = random.weighted({ merge: 6, value: 2, remove: 1 });
    if (kind === "remove") return { key, remove: true };
    const price = random.int(1_000);
    if (kind === "value") return { key, value: { price, currency: "CNY" } };
    return { key, merge: random.chance(0.2) ? { price, was: random.chance(0.5) ? random.int(9) : null } : { price } };
  });
}

/** An upload as text. The order of the keys and the format are the operator's; the content is the same. */
export function uploadOf(random: Random, items: Items): { readonly type: "json" | "ndjson"; readonly body: string } {
  const entries = [...items]
    .map((entry) => ({ entry, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ entry }) => entry);
  if (random.chance(0.5)) {
    const lines = entries.map(([key, text]) => `{"key":${JSON.stringify(key)},"value":${text}}\n`);
    return { type: "ndjson", body: lines.join("") };
  }
  return { type: "json", body: `{${entries.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}` };
}
