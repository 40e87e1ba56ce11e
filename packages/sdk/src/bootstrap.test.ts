import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "@sluice/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readBootstrap } from "./bootstrap.ts";
import { type ClientOptions, createClient } from "./create-client.ts";
import { createTestOrigin, type TestOrigin } from "./origin.testing.ts";

const datasets = { prices: null, stock: null };

let folder: string;
let clock: VirtualClock;
let origin: TestOrigin;

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const open = (options: Partial<ClientOptions<typeof datasets>>): ReturnType<typeof createClient<typeof datasets>> =>
  createClient({ url: "http://127.0.0.1:7070", app: "a", datasets, fetch: origin.fetch, clock, ...options });
const until = (assertion: () => void): Promise<void> => vi.waitFor(assertion, { interval: 1 });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-bootstrap-"));
  clock = createVirtualClock();
  origin = createTestOrigin({ clock });
  for (const name of Object.keys(datasets)) origin.namespace.createDataset(name);
  origin.namespace.publish("prices", { a: 2 });
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("a bootstrap file", () => {
  test.each([
    ["items.json", '{"a": {"y": 1, "x": 2}, "b": [1]}'],
    ["items.ndjson", '{"key": "a", "value": {"y": 1, "x": 2}}\n{"key": "b", "value": [1]}\n'],
  ])("is read as a version: %s", async (name, text) => {
    const version = await readBootstrap(file(name, text));
    expect([version.number, ...version.entries()]).toEqual([0, ["a", '{"x":2,"y":1}'], ["b", "[1]"]]);
  });

  test("with a fault is refused with its line, never read in part", async () => {
    const path = file("items.ndjson", '{"key": "a", "value": 1}\n{"key": "a", "value": 2}\n');
    await expect(readBootstrap(path)).rejects.toMatchObject({
      code: "DUPLICATE_KEY",
      message: expect.stringMatching(/line 2/),
    });
    await expect(readBootstrap(file("cut.json", '{"a": 1'))).rejects.toMatchObject({ code: "INVALID_JSON" });
  });

  test("that is not there is named", async () => {
    const path = join(folder, "missing.json");
    await expect(readBootstrap(path)).rejects.toMatchObject({
      code: "NOT_READY",
      message: expect.stringMatching(/missing\.json/),
    });
  });
});

test("a client that reached nobody in time reads its files, and what is published as soon as it comes", async () => {
  origin.setDown(true);
  const bootstrap = { prices: file("prices.json", '{"a": 1}'), stock: file("stock.json", '{"a": 7}') };
  const opening = open({ bootstrap, readyTimeoutMs: 3_000 });
  await until(() => expect(clock.nextInMs()).toBeDefined());
  clock.advance(3_000);
  const client = await opening;
  const look = (): unknown[] => [
    client.view().get("prices", "a"),
    client.view().version("prices"),
    client.view().get("stock", "a"),
  ];
  expect(look()).toEqual([1, 0, 7]);
  origin.setDown(false);
  await until(() => {
    clock.advance(1_000);
    // Nothing is published of stock yet: the file stays.
    expect(look()).toEqual([2, 1, 7]);
  });
  await client.close();
});

test("files that do not cover what is missing do not hide that it is missing", async () => {
  const opening = open({ bootstrap: { prices: file("prices.json", '{"a": 1}') }, readyTimeoutMs: 3_000 });
  const refused = opening.catch((error: unknown) => error);
  await until(() => expect(origin.streams()).toBe(1));
  clock.advance(3_000);
  expect(await refused).toMatchObject({ code: "NOT_READY", details: { missing: ["stock"] } });
});

test("a client that does not wait begins with its files", async () => {
  origin.setDown(true);
  const client = await open({ bootstrap: { prices: file("prices.json", '{"a": 1}') }, waitForReady: false });
  expect(client.view().get("prices", "a")).toBe(1);
  expect(() => client.view().get("stock", "a")).toThrow(expect.objectContaining({ code: "NOT_READY" }));
  await client.close();
});
