import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createVirtualClock } from "@sluice/core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createClient } from "./create-client.ts";
import { createTestOrigin } from "./origin.testing.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sluice-first-read-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a process that was here before reads its first item before anything else is loaded, validated or asked", async () => {
  const clock = createVirtualClock();
  const origin = createTestOrigin({ clock });
  origin.namespace.createDataset("prices");
  origin.namespace.publish("prices", { a: { amount: 1 } });
  const before = await createClient({
    url: "http://127.0.0.1:7070",
    app: "before",
    datasets: { prices: null },
    cacheDirectory: directory,
    fetch: origin.fetch,
    clock,
  });
  await before.close();

  const script = join(import.meta.dirname, "first-read.testing.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=sluice-source",
    script,
    directory,
    "a",
  ]);
  const { item, asked } = JSON.parse(stdout) as { item: unknown; asked: string[] };
  expect(item).toEqual({ amount: 1 });
  expect(asked).toContain("node:fs");
  expect(asked.filter((url) => url.includes("/node_modules/") || url.includes("/core/src/api/index"))).toEqual([]);
});
