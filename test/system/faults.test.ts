import { once } from "node:events";
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createBench, eventually, freePort, ndjson, post, type RunningInstance } from "../support/instances.ts";

// What a release manager meets on a bad night: each of these has to be said where people look, with what to do about it.

const bench = createBench();
const uploads: ClientRequest[] = [];

afterEach(async () => {
  for (const upload of uploads.splice(0)) upload.destroy();
  await bench.clear();
});

async function createShop(): Promise<{ data: string; port: number; origin: RunningInstance }> {
  const data = bench.directory();
  const port = await freePort();
  const origin = await bench.serve({ data, port });
  await post(`${origin.url}/v1/datasets`, { name: "prices" });
  const published = await bench.cli(
    origin.url,
    ["publish", "prices", "-", "--format", "ndjson"],
    ndjson(300, (index) => ({ price: index })),
  );
  expect(published).toMatchObject({ code: 0 });
  return { data, port, origin };
}

/** The only part file of a shop. */
function partOf(data: string): { path: string; name: string } {
  const [path, ...more] = globSync(join(data, "blobs/??/*"));
  if (path === undefined || more.length > 0) throw new Error("a shop has one part");
  return { path, name: path.slice(-64) };
}

/** Begins an upload that goes on for ever, and ends when the instance does not take any more of it for now. */
async function uploadWithoutEnd(url: string): Promise<void> {
  const upload = request(`${url}/v1/datasets/prices/versions`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
  });
  uploads.push(upload);
  upload.on("error", () => undefined);
  // Ten megabytes at once: they wait in buffers on both sides when the instance closes.
  upload.write(ndjson(300_000, (index) => ({ price: index })));
  await once(upload, "socket");
}

test("SIGTERM in the middle of an upload that never ends is a clean end, with exit code 0", async () => {
  const { origin } = await createShop();
  await uploadWithoutEnd(origin.url);
  await eventually("an upload that has arrived", async () => {
    const spooled = globSync(join(globSync(join(dataOf(origin), "spool/*"))[0] ?? "none", "*"));
    return spooled.length > 0 ? true : undefined;
  });
  expect({ code: await origin.end("SIGTERM"), log: origin.stderr() }).toMatchObject({
    code: 0,
    log: expect.stringContaining('"msg":"closed"') as string,
  });
});

/** The directory of an instance, from its command line. */
function dataOf(origin: RunningInstance): string {
  const { spawnargs } = origin.process;
  return spawnargs[spawnargs.indexOf("--data") + 1] ?? "";
}

test("a flipped byte is never served; the part is named to who reads, in the status and in the log", async () => {
  const { data, origin, port } = await createShop();
  await origin.end();
  const { path, name } = partOf(data);
  const bytes = readFileSync(path);
  const at = bytes.indexOf('{"price":123}') + '{"price":'.length;
  bytes[at] = (bytes[at] ?? 0) + 1;
  writeFileSync(path, bytes);

  const again = await bench.serve({ data, port });
  const read = await bench.cli(again.url, ["read", "prices", "sku-123"]);
  expect(read).toMatchObject({ code: 1, stdout: "" });
  expect(read.stderr).toMatch(new RegExp(`^error CORRUPT: part ${name}`));
  expect(await bench.cli(again.url, ["read", "prices", "sku-7"])).toMatchObject({ code: 0 });
  const { stdout } = await bench.cli(again.url, ["status"]);
  expect(stdout).toContain("NOT HEALTHY");
  expect(stdout).toContain(name);
  expect(stdout.replaceAll(/\s+/g, " ")).toContain("put it back into blobs/ from a backup");
  expect(again.stderr()).toContain("a part file is damaged and this is the only copy");
});

test("a part file that is gone is named at the start, in the status and to who publishes, and all is well when it is back", async () => {
  const { data, origin, port } = await createShop();
  await origin.end();
  const { path, name } = partOf(data);
  const bytes = readFileSync(path);
  rmSync(path);

  const again = await bench.serve({ data, port });
  expect(again.stderr()).toContain(`the only copy of part ${name} is missing or damaged`);
  expect((await bench.cli(again.url, ["status"])).stdout).toContain(name);
  expect(await bench.cli(again.url, ["read", "prices", "sku-7"])).toMatchObject({ code: 5 });
  const text = ndjson(300, (index) => ({ price: index + 1 }));
  const refused = await bench.cli(again.url, ["publish", "prices", "-", "--format", "ndjson"], text);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("sluice status names what is missing");
  await again.end();

  writeFileSync(path, bytes);
  const whole = await bench.serve({ data, port });
  expect((await bench.cli(whole.url, ["status"])).stdout).not.toContain("NOT HEALTHY");
  expect(await bench.cli(whole.url, ["read", "prices", "sku-7"])).toMatchObject({ code: 0 });
});

test("a sidecar that never reached its origin says so to everybody who asks", async () => {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const sidecar = await bench.sidecar({ origin });
  const ready = await eventually("a first attempt", async () => {
    const answer = (await (await fetch(`${sidecar.url}/readyz`)).json()) as { ready: boolean; reasons: string[] };
    return answer.reasons[0]?.includes("ECONNREFUSED") === true ? answer : undefined;
  });
  expect(ready).toMatchObject({ ready: false });
  expect((await bench.cli(sidecar.url, ["status"])).stdout).toContain(`NOT CONNECTED to ${origin}`);
  const read = await bench.cli(sidecar.url, ["read", "prices", "sku-7"]);
  expect(read).toMatchObject({ code: 5 });
  expect(read.stderr).toContain(`no contact yet with ${origin}`);
  await eventually("a line in its log", () =>
    sidecar.stderr().includes("no contact with the origin") ? true : undefined,
  );
});
