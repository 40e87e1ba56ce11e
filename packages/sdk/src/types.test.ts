import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import type { Client } from "./client.ts";
import { createTestClient, type TestClient } from "./testing.ts";
import type { ItemsOf } from "./schema.ts";
import type { View } from "./view.ts";

const schemas = {
  prices: z.object({ amount: z.number(), tags: z.array(z.string()) }),
  stock: z.string().transform((text) => Number(text)),
  flags: null,
};
type Items = ItemsOf<typeof schemas>;

interface Price {
  readonly amount: number;
  readonly tags: readonly string[];
}

const bySchemas: TestClient<Items> = createTestClient({
  schemas,
  datasets: { prices: { a: { amount: 1, tags: [] } }, stock: { a: "7" }, flags: { a: true } },
  candidate: { stock: { a: "8" } },
});
const view: View<Items> = bySchemas.view();

test("an item has the type of its schema's output, read-only all the way down, or is undefined", () => {
  expectTypeOf(view.get("prices", "a")).toEqualTypeOf<Price | undefined>();
  expectTypeOf(view.get("stock", "a")).toEqualTypeOf<number | undefined>();
  expectTypeOf(view.get("flags", "a")).toEqualTypeOf<unknown>();
  expectTypeOf(view.getMany("prices", ["a"])).toEqualTypeOf<ReadonlyMap<string, Price>>();
  expectTypeOf(view.entries("stock")).toEqualTypeOf<IterableIterator<readonly [key: string, item: number]>>();
  expect(view.get("stock", "a")).toBe(7);
});

test("a dataset that was not declared does not compile, and is unknown", () => {
  // @ts-expect-error -- there is no such dataset
  expect(() => view.get("price", "a")).toThrow(expect.objectContaining({ code: "DATASET_UNKNOWN" }));
  // @ts-expect-error -- there is no such dataset
  expect(() => view.version("price")).toThrow(expect.objectContaining({ code: "DATASET_UNKNOWN" }));
});

test("what holds more than plain data keeps its type", () => {
  type Output = ItemsOf<{ sales: z.ZodType<{ from: Date; by: Map<string, number>; bytes: Uint8Array }> }>["sales"];
  expectTypeOf<Output["from"]>().toEqualTypeOf<Date>();
  expectTypeOf<Output["by"]>().toEqualTypeOf<Map<string, number>>();
  expectTypeOf<Output["bytes"]>().toEqualTypeOf<Uint8Array>();
  expectTypeOf<ItemsOf<{ sku: z.ZodType<string & { readonly brand: "sku" }> }>["sku"]>().toEqualTypeOf<
    string & { readonly brand: "sku" }
  >();
});

test("run gives what its work gives", () => {
  expectTypeOf(view.run(() => 1)).toEqualTypeOf<number>();
  expectTypeOf(view.run(async () => "a")).toEqualTypeOf<Promise<string>>();
  expectTypeOf(view.commit(() => true)).toEqualTypeOf<boolean>();
});

test("code that reads one dataset takes a view and a client of more", () => {
  expectTypeOf<View<Items>>().toExtend<View<{ readonly prices: Price }>>();
  expectTypeOf<Client<Items>["view"]>().returns.toExtend<View<{ readonly stock: number }>>();
  expectTypeOf<View<{ readonly prices: Price }>>().not.toExtend<View<Items>>();
});

test("a test client takes the place of the real one, by its schemas or by its items", () => {
  expectTypeOf(bySchemas).toExtend<Client<Items>>();
  const byItems = createTestClient({ datasets: { prices: { a: { amount: 1, tags: ["x"] } }, stock: { a: 7 } } });
  expectTypeOf(byItems).toExtend<Client<{ readonly prices: Price; readonly stock: number }>>();
});

test("events are typed by their name", () => {
  const client = createTestClient({ datasets: { prices: { a: 1 } } });
  client.on("reverted", (event) => {
    expectTypeOf(event.release).toEqualTypeOf<string>();
    expectTypeOf(event.reason).toEqualTypeOf<string | null>();
  });
  // @ts-expect-error -- there is no such event
  expect(() => client.on("reverting", () => undefined)).toThrow(TypeError);
  expectTypeOf(client.status().datasets.prices.stable).toEqualTypeOf<number | null>();
});
