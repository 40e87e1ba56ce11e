import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readOptions, refuseTakenPort, UsageError } from "./options.ts";

test("what is not said has the demo's own value", () => {
  expect(readOptions([], ["once", "no-guard", "data"])).toEqual({
    port: 7070,
    shopPort: 3000,
    seed: 1111,
    once: false,
    guard: true,
    data: null,
    json: false,
    scenario: null,
  });
  expect(readOptions(["--once", "--no-guard", "--shop-port", "3100"], ["once", "no-guard"])).toMatchObject({
    shopPort: 3100,
    once: true,
    guard: false,
  });
});

test.each([
  ["--port", "x"],
  ["--port", "0"],
  ["--port", "70000"],
  ["--port", "3000"],
  ["--seed", "-1"],
  ["--once"],
  ["left over"],
])("an option that makes no sense is refused: %s %s", (...args) => {
  expect(() => readOptions(args, ["data"])).toThrow(UsageError);
});

test("a data directory with something in it is refused, an empty one is not", () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-options-"));
  try {
    expect(readOptions(["--data", directory], ["data"]).data).toBe(directory);
    writeFileSync(join(directory, "log"), "");
    expect(() => readOptions(["--data", directory], ["data"])).toThrow("is not empty");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a port that is taken is said in one line, with the option that takes another", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await expect(refuseTakenPort(port, "--shop-port")).rejects.toThrow(
    `port ${port} is in use: stop what listens there, or take another with --shop-port PORT`,
  );
  await new Promise((resolve) => server.close(resolve));
  await expect(refuseTakenPort(port, "--shop-port")).resolves.toBeUndefined();
});
