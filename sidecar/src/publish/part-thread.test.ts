import { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import { createInlinePartBuilder, type PartBuilder } from "./part-builder.ts";
import { createPartThread, startPartWorker } from "./part-thread.ts";
import { recordOf, writeRecord } from "./records.ts";

let builder: PartBuilder | undefined;

afterEach(() => builder?.rest());

function recordsOf(items: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(items).map(([key, canonical]) => {
      const record = recordOf(key, canonical);
      const bytes = Buffer.alloc(record.bytes);
      writeRecord(bytes, 0, record);
      return bytes;
    }),
  );
}

const items = { "sku-1": '{"price":12}', 商品: '"茶"' };

test("a thread builds the bytes that this thread would, one part after another", async () => {
  builder = createPartThread();
  const inline = await createInlinePartBuilder().build(recordsOf(items));
  const [first, second] = await Promise.all([builder.build(recordsOf(items)), builder.build(recordsOf({ a: "1" }))]);
  expect(first.name).toBe(inline.name);
  expect(Buffer.from(first.bytes).equals(Buffer.from(inline.bytes))).toBe(true);
  expect(first).toMatchObject({ itemCount: 2, contentHash: inline.contentHash });
  expect(second.itemCount).toBe(1);
});

test("a thread that rests is started again by the next part", async () => {
  let starts = 0;
  builder = createPartThread(() => {
    starts++;
    return startPartWorker();
  });
  const { name } = await builder.build(recordsOf(items));
  await builder.rest();
  expect((await builder.build(recordsOf(items))).name).toBe(name);
  expect(starts).toBe(2);
});

test("what a part cannot hold is refused with its code, and the thread goes on", async () => {
  builder = createPartThread();
  const twice = Buffer.concat([recordsOf(items), recordsOf(items)]);
  await expect(builder.build(twice)).rejects.toMatchObject({ code: "DUPLICATE_KEY" });
  expect((await builder.build(recordsOf(items))).itemCount).toBe(2);
});

test("a thread that dies fails what it was at, and the next part gets another", async () => {
  const dying = "require('node:worker_threads').parentPort.on('message', () => process.exit(1))";
  let starts = 0;
  builder = createPartThread(() =>
    starts++ === 0 ? new Worker(dying, { eval: true, execArgv: [] }) : startPartWorker(),
  );
  await expect(builder.build(recordsOf(items))).rejects.toMatchObject({ code: "INTERNAL" });
  expect((await builder.build(recordsOf(items))).itemCount).toBe(2);
});
