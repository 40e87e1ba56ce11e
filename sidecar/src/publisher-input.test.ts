import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import { createSampleOrigin, itemsNumbered, mei, ndjsonOf, originWith, uploadOf } from "./publish/sample-origin.ts";

const hundred = itemsNumbered(100, (index) => ({ price: index + 0.5 }));

async function* cutOff(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw new Error("socket hang up");
}

test("an upload with problems is refused whole: the first hundred are listed, all are counted, nothing is kept", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const bad = Array.from({ length: 150 }, (_, index) => `{"key": "sku-${index}"}\n`).join("");
  const refused = origin.publish(ndjsonOf(hundred) + bad);
  await expect(refused).rejects.toMatchObject({ code: "INVALID_ITEM", details: { total: 150 } });
  const problems: unknown = await refused.catch((error: SluiceError) => error.details["problems"]);
  expect(problems).toHaveLength(100);
  expect(problems).toHaveProperty("0", {
    key: "sku-0",
    path: null,
    line: 101,
    reason: 'expected {"key": string, "value": any}, came an object without "value"',
  });
  expect(origin.state().datasets["prices"]).toMatchObject({ lastNumber: 1, candidate: null, lastRefusal: null });
});

test.each([
  ["broken JSON", "ndjson", '{"key":"a","value":1}\n{"key":"b","va', "INVALID_JSON"],
  ["a truncated object", "object", '{"a":1,"b":', "INVALID_JSON"],
  ["a repeated key", "ndjson", '{"key":"a","value":1}\n{"key":"a","value":2}\n', "DUPLICATE_KEY"],
  ["a repeated key of an object", "object", '{"a":1,"a":2}', "DUPLICATE_KEY"],
  [
    "several kinds of fault",
    "ndjson",
    '{"key":"a","value":1}\n{"key":"a","value":2}\n{"key":1,"value":2}\n',
    "INVALID_ITEM",
  ],
  ["a key that is too long", "ndjson", `{"key":"${"k".repeat(513)}","value":1}\n`, "LIMIT_EXCEEDED"],
  ["a value that is too long", "object", `{"a":"${"v".repeat(1_048_576)}"}`, "LIMIT_EXCEEDED"],
  ["nothing", "ndjson", "", "INVALID_ITEM"],
  ["an empty object", "object", "{}", "INVALID_ITEM"],
  ["bytes that are no text", "ndjson", "PK\u0003\u0004\u0000", "INVALID_JSON"],
] as const)("%s is refused with its code, and no version is made", async (_, format, text, code) => {
  const origin = await originWith();
  await expect(origin.publish(text, { format })).rejects.toMatchObject({ code });
  expect(origin.state().datasets["prices"]?.lastNumber).toBe(0);
});

test("of a file that is one long line the message names the key and the path, and of many problems the first", async () => {
  const origin = await originWith();
  const messageOf = (text: string): Promise<string> =>
    origin.publish(text, { format: "object" }).then(
      () => "published",
      (error: SluiceError) => error.message,
    );
  expect(await messageOf('{"a":1,"b":{"x":[{"y":1,"y":2}]}}')).toBe(
    'the upload has a problem on line 1, key b, at /x/0/y: expected each key once, came "y" again; nothing was published',
  );
  expect(await messageOf('{"a":1e400,"b":9007199254740993}')).toBe(
    "the upload has 2 problems, the first on line 1, key a: expected a number that a double holds exactly, came 1e400, which is out of range; nothing was published",
  );
});

test("an upload past a limit is refused as soon as it is past, and its rest is not read", async () => {
  const origin = await originWith({ limits: { uploadBytesMax: 50_000, itemsPerVersionMax: 500 } });
  let pieces = 0;
  async function* endless(line: (index: number) => string): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.from(line(pieces++));
  }
  const tooLong = origin.publish("", {
    body: endless((index) => `{"key":"${index}","value":"${"x".repeat(1_000)}"}\n`),
  });
  await expect(tooLong).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  expect(pieces).toBeLessThan(60);
  const tooMany = origin.publish("", { body: endless((index) => `{"key":"${index}","value":1}\n`) });
  await expect(tooMany).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("a body that breaks off says after how much, and leaves nothing behind", async () => {
  const spoolDirectory = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  const origin = await originWith({ spoolDirectory });
  await expect(origin.publish("", { body: cutOff(ndjsonOf(hundred)) })).rejects.toMatchObject({
    code: "INVALID_JSON",
    message: `the upload broke off after ${ndjsonOf(hundred).length} bytes (socket hang up); nothing was kept, send it again`,
  });
  expect(readdirSync(spoolDirectory)).toEqual([]);
  expect((await origin.publish(hundred)).outcome).toBe("live");
  expect(readdirSync(spoolDirectory)).toEqual([]);
  rmSync(spoolDirectory, { recursive: true });
});

test("a start removes what a process that died left in the spool", async () => {
  const spoolDirectory = mkdtempSync(join(tmpdir(), "sluice-spool-"));
  mkdirSync(join(spoolDirectory, "upload-1"));
  writeFileSync(join(spoolDirectory, "upload-1", "range-0"), "half");
  await createSampleOrigin({ spoolDirectory }).publisher.start();
  expect(readdirSync(spoolDirectory)).toEqual([]);
  rmSync(spoolDirectory, { recursive: true });
});

test("a publish over a version of which a part is gone names the part and what to do, and the version stands", async () => {
  const origin = await originWith();
  await origin.publish(hundred);
  const [part = ""] = await origin.store.blobs.list();
  await origin.store.blobs.delete(part);
  await expect(origin.publish(itemsNumbered(100, (index) => ({ price: index + 1 })))).rejects.toMatchObject({
    code: "CORRUPT",
    message: `nothing can be compared with the stable version, part ${part} of which cannot be read (there is no blob ${part}); publish the file again that it was made of, or stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again`,
    details: { part },
  });
  expect(origin.state().datasets["prices"]).toMatchObject({ lastNumber: 1, candidate: null });
});

test("an upload to a dataset that is not there is refused before a byte is read", async () => {
  const origin = await originWith();
  let read = false;
  async function* body(): AsyncGenerator<Uint8Array> {
    read = true;
    yield Buffer.from("{}");
  }
  await expect(origin.publish("", { dataset: "flags", body: body() })).rejects.toMatchObject({
    code: "DATASET_UNKNOWN",
  });
  expect(read).toBe(false);
});

test("a source's refusal is a value, written into the log once for the same bytes; known bytes are left alone", async () => {
  const origin = await originWith();
  const by = { kind: "source", name: "main" } as const;
  const offer = (text: string, seen = false): ReturnType<typeof origin.publisher.offer> =>
    origin.publisher.offer({ ...uploadOf(text), by, source: "main" }, () => seen);
  const published = await offer(ndjsonOf(hundred));
  expect(published).toMatchObject({ kind: "published", answer: { outcome: "live" } });
  expect(await offer(ndjsonOf(hundred), true)).toEqual({ kind: "seen", bytesHash: published.bytesHash });
  const { sequence } = origin.state();
  for (let times = 0; times < 2; times++) {
    expect(await offer("not JSON")).toMatchObject({ kind: "refused", error: { code: "INVALID_JSON" } });
  }
  expect(origin.state().sequence).toBe(sequence + 1);
  expect(origin.state().datasets["prices"]?.lastRefusal).toMatchObject({ by, code: "INVALID_JSON", number: null });
  expect(await offer(ndjsonOf(hundred))).toMatchObject({ kind: "published", answer: { outcome: "unchanged" } });
});

test("a source whose body breaks off has failed, which is no refusal", async () => {
  const origin = await originWith();
  const upload = { ...uploadOf(""), body: cutOff("{"), source: "main", by: mei };
  await expect(origin.publisher.offer(upload, () => false)).rejects.toMatchObject({
    code: "SOURCE_FAILED",
    // Nobody who reads this can send it again.
    message: "the upload broke off after 1 bytes (socket hang up); nothing was kept",
  });
});
