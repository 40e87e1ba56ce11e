import { canonicalJson, createContentHash, itemHash, type JsonValue } from "@sluice/core";
import type { Random } from "../simulation/random.ts";

/** A step that makes the next version of a dataset. */
export interface Step {
  readonly kind: "patch" | "publish";
  readonly idempotencyKey: string;
  readonly set: ReadonlyMap<string, JsonValue>;
  readonly remove: readonly string[];
}

/** What a dataset is by what was acknowledged, and what it may be by what was not. */
export interface Model {
  readonly dataset: string;
  /** Number of the newest acknowledged version. */
  acknowledged(): number;
  /** Content hash of a version that was acknowledged or is pending; undefined for any other number. */
  hashOf(number: number): string | undefined;
  /** Number of the newest version that there may be. */
  newest(): number;
  items(): number;
  /** Draws the next step and holds it as pending. */
  begin(random: Random, kind: Step["kind"]): Step;
  /** All items as they are with the pending step, for a publish. */
  ndjson(): string;
  /** The pending step was acknowledged. */
  settle(): void;
}

/** An empty dataset of which the first publish has `size` items. Values are never the same again, so a content says which version it is. */
export function createModel(dataset: string, size: number): Model {
  const texts = new Map<string, string>();
  const hashes = new Map<number, string>();
  const sum = createContentHash();
  let acknowledged = 0;
  let newest = 0;
  let steps = 0;

  const put = (key: string, canonical: string | undefined): void => {
    const before = texts.get(key);
    if (before !== undefined) sum.subtract(itemHash(key, before));
    if (canonical === undefined) texts.delete(key);
    else {
      texts.set(key, canonical);
      sum.add(itemHash(key, canonical));
    }
  };

  const draw = (random: Random, kind: Step["kind"]): Pick<Step, "set" | "remove"> => {
    const value = (): JsonValue => ({
      stamp: steps,
      price: random.int(100_000) / 100,
      text: "x".repeat(random.int(160)),
    });
    if (kind === "publish" && texts.size === 0) {
      return { set: new Map(Array.from({ length: size }, (_, index) => [`sku-${index}`, value()])), remove: [] };
    }
    const count = 1 + random.int(kind === "publish" ? size / 4 : random.chance(0.2) ? 200 : 20);
    const keys = new Set(Array.from({ length: count }, () => `sku-${random.int(size + 50)}`));
    const remove = [...keys].slice(1).filter((key) => texts.has(key) && random.chance(0.1));
    for (const key of remove) keys.delete(key);
    return { set: new Map([...keys].map((key) => [key, value()])), remove };
  };

  return {
    dataset,
    acknowledged: () => acknowledged,
    newest: () => newest,
    hashOf: (number) => hashes.get(number),
    items: () => texts.size,
    begin(random, kind) {
      steps++;
      const step = { kind, idempotencyKey: `${dataset}-${steps}`, ...draw(random, kind) };
      for (const [key, json] of step.set) put(key, canonicalJson(json));
      for (const key of step.remove) put(key, undefined);
      newest = acknowledged + 1;
      hashes.set(newest, sum.hex());
      return step;
    },
    ndjson: () => [...texts].map(([key, text]) => `{"key":${JSON.stringify(key)},"value":${text}}\n`).join(""),
    settle() {
      acknowledged = newest;
    },
  };
}
