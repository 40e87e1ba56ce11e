import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentItems, type RecentLimits } from "./recent-items.ts";

/** The same by the book: a Map from the item used longest ago to the one used last. */
function createModel({ itemsMax, bytesMax }: RecentLimits): {
  items: Map<string, { value: number; bytes: number }>;
  get(key: string): number | undefined;
  set(key: string, value: number, bytes: number): void;
  bytes(): number;
} {
  const items = new Map<string, { value: number; bytes: number }>();
  const bytes = (): number => items.values().reduce((sum, item) => sum + item.bytes, 0);
  const evict = (): void => void items.delete([...items.keys()][0] ?? "");
  return {
    items,
    bytes,
    get(key) {
      const item = items.get(key);
      if (item === undefined) return undefined;
      items.delete(key);
      items.set(key, item);
      return item.value;
    },
    set(key, value, size) {
      const isNew = !items.delete(key);
      if (bytesMax !== null && size > bytesMax) return;
      if (isNew && items.size === itemsMax) evict();
      items.set(key, { value, bytes: size });
      while (bytes() > (bytesMax ?? Number.POSITIVE_INFINITY)) evict();
    },
  };
}

const keyArbitrary = fc.integer({ min: 0, max: 30 }).map((number) => `k${number}`);
const stepArbitrary = fc.oneof(
  fc.record({ type: fc.constant("get" as const), key: keyArbitrary }),
  fc.record({ type: fc.constant("peek" as const), key: keyArbitrary }),
  fc.record({ type: fc.constant("delete" as const), key: keyArbitrary }),
  fc.record({ type: fc.constant("set" as const), key: keyArbitrary, bytes: fc.integer({ min: 1, max: 12 }) }),
);
const limitsArbitrary = fc.record({
  itemsMax: fc.integer({ min: 1, max: 20 }),
  bytesMax: fc.option(fc.integer({ min: 1, max: 60 })),
});
/** Few hashes, those at the end of the table among them: keys collide, and searches go round the end. */
const hashArbitrary = fc.constantFrom(
  undefined,
  (key: string) => Number(key.slice(1)) % 3,
  (key: string) => 2047 - (Number(key.slice(1)) % 2),
);

test("it keeps what was used last, within both limits, whichever keys collide", () => {
  fc.assert(
    fc.property(
      limitsArbitrary,
      hashArbitrary,
      fc.array(stepArbitrary, { maxLength: 200 }),
      (limits, hashOf, steps) => {
        const recent = new RecentItems<number>(limits, hashOf);
        const model = createModel(limits);
        for (const [index, step] of steps.entries()) {
          const { key } = step;
          if (step.type === "get") expect(recent.get(key)).toBe(model.get(key));
          else if (step.type === "peek") expect(recent.peek(key)).toBe(model.items.get(key)?.value);
          else if (step.type === "delete") {
            recent.delete(key);
            model.items.delete(key);
          } else {
            recent.set(key, index, step.bytes);
            model.set(key, index, step.bytes);
          }
          expect(recent.items).toBe(model.items.size);
          expect(recent.bytes).toBe(model.bytes());
        }
        for (const [key, { value }] of model.items) expect(recent.peek(key)).toBe(value);
      },
    ),
  );
});

test("it grows to its limit and keeps what is in it", () => {
  const recent = new RecentItems<number>({ itemsMax: 10_000, bytesMax: null });
  for (let index = 0; index < 12_000; index++) recent.set(`sku-${index}`, index, 1);
  expect(recent.items).toBe(10_000);
  expect(recent.peek("sku-1999")).toBeUndefined();
  for (let index = 2_000; index < 12_000; index++) expect(recent.get(`sku-${index}`)).toBe(index);
});

test("keys that were made to collide are found in bounded steps or not kept, and harm no others", () => {
  const recent = new RecentItems<number>({ itemsMax: 5_000, bytesMax: null }, (key) =>
    key.startsWith("bad") ? 7 : Number(key) * 7_919,
  );
  for (let index = 0; index < 3_000; index++) {
    recent.set(`bad-${index}`, index, 1);
    recent.set(String(100 + index), index, 1);
  }
  const kept = Array.from({ length: 3_000 }, (_, index) => recent.peek(`bad-${index}`)).filter(
    (value) => value !== undefined,
  );
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(64);
  const others = Array.from({ length: 3_000 }, (_, index) => recent.peek(String(100 + index)));
  expect(others.filter((value, index) => value === index).length).toBeGreaterThan(2_900);
  expect(recent.bytes).toBe(recent.items);
});
