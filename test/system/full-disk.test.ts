import { globSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, type TestContext } from "vitest";
import { createBench, eventually, ndjson, post, type RunningInstance } from "../support/instances.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";

// A disk that runs full at midnight: what is refused says so in words, what needs no room goes on, and nobody has to start anything
// again when there is room.

const bench = createBench();
let disk: SmallDisk | null = null;

afterEach(async () => {
  await bench.clear();
  disk?.unmount();
  disk = null;
});

function smallDisk(context: TestContext): SmallDisk {
  disk = mountSmallDisk(12);
  return disk ?? context.skip("this machine lets nobody mount a disk");
}

const sku = (index: number): string => `sku-${index}`;
const text = "x".repeat(900);

async function patch(origin: RunningInstance, from: number, stamp: number): ReturnType<typeof post> {
  const items = Array.from({ length: 50 }, (_, index) => ({ key: sku(from + index), value: { stamp, text } }));
  return post(`${origin.url}/v1/datasets/stock/patches`, { items });
}

async function release(origin: RunningInstance): Promise<string> {
  const status = (await (await fetch(`${origin.url}/v1/status`)).json()) as {
    datasets: { name: string; release: { id: string } | null; health: { reasons: string[] } }[];
  };
  return status.datasets.find(({ name }) => name === "prices")?.release?.id ?? "";
}

async function complaints(origin: RunningInstance): Promise<readonly string[]> {
  const status = (await (await fetch(`${origin.url}/v1/status`)).json()) as {
    datasets: { health: { reasons: string[] } }[];
  };
  return status.datasets.flatMap(({ health }) => health.reasons);
}

test("on a full disk publishes and patches are refused in words, reads and a revert go on, and all goes on by itself when there is room", async (context) => {
  const small = smallDisk(context);
  const origin = await bench.serve({ data: join(small.directory, "origin") });
  await post(`${origin.url}/v1/datasets`, { name: "prices" });
  await post(`${origin.url}/v1/datasets`, { name: "stock", policy: "immediate" });
  const publish = (dataset: string, count: number, price: number, ...more: string[]): ReturnType<typeof bench.cli> =>
    bench.cli(
      origin.url,
      ["publish", dataset, "-", "--format", "ndjson", ...more],
      ndjson(count, () => ({ price, text })),
    );
  expect(await publish("prices", 300, 1)).toMatchObject({ code: 0 });
  expect(await publish("stock", 300, 1)).toMatchObject({ code: 0 });
  expect(await publish("prices", 300, 2, "--release")).toMatchObject({ code: 0 });
  const running = await release(origin);
  expect(running).not.toBe("");

  small.fill();
  const refused = await publish("stock", 2_000, 3);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/DISK_FULL.*(the disk is full|no room)/s);
  expect(refused.stderr).not.toContain("    at ");

  let acknowledged = 0;
  const full = await eventually("a patch that there is no room for", async () => {
    small.fill();
    const { status, body } = await patch(origin, acknowledged % 200, acknowledged + 1);
    if (status !== 200) return { status, body };
    acknowledged++;
    return undefined;
  });
  expect(full).toMatchObject({ status: 507, body: { code: "DISK_FULL" } });
  expect(full.body["detail"]).toContain("no room left to write");
  expect(full.body["detail"]).toContain("free some, and give again what was refused");

  // What everybody reads stays, and what hurts is taken back, although nothing can be written down.
  expect(await bench.cli(origin.url, ["read", "stock", sku(250)])).toMatchObject({ code: 0 });
  const reverted = await bench.cli(origin.url, ["revert", "prices"]);
  expect(reverted).toMatchObject({ code: 0 });
  const seen = await fetch(`${origin.url}/v1/datasets/prices/items/${sku(7)}?as=anybody`);
  expect(await seen.json()).toMatchObject({ value: { price: 1 } });

  small.free();
  expect(
    await eventually("a publish that there is room for", async () => {
      const { code } = await publish("stock", 400, 4);
      return code === 0 ? code : undefined;
    }),
  ).toBe(0);
  expect(await patch(origin, 0, 99)).toMatchObject({ status: 200 });
  await eventually("a revert that the log has", async () => {
    const log = await (await fetch(`${origin.url}/v1/log?limit=100`)).text();
    return log.includes('"release-reverted"') ? true : undefined;
  });
  await eventually("a status without complaints", async () =>
    (await complaints(origin)).length === 0 ? true : undefined,
  );
  expect(globSync(join(small.directory, "origin/spool/*"))).toEqual([]);
  expect(globSync(join(small.directory, "origin/blobs/tmp/*"))).toEqual([]);

  await origin.end("SIGKILL");
  const again = await bench.serve({ data: join(small.directory, "origin") });
  expect(await (await fetch(`${again.url}/v1/datasets/stock/items/${sku(3)}`)).json()).toMatchObject({
    value: { stamp: 99 },
  });
  expect(await release(again)).toBe("");
});

test("on a full disk who goes back to an older version has what runs taken back at once, and is told to ask again for the rest", async (context) => {
  const small = smallDisk(context);
  const origin = await bench.serve({ data: join(small.directory, "origin") });
  await post(`${origin.url}/v1/datasets`, { name: "prices" });
  const publish = async (price: number, ...more: string[]): Promise<void> => {
    const input = ndjson(300, () => ({ price, text }));
    const args = ["publish", "prices", "-", "--format", "ndjson", ...more];
    expect(await bench.cli(origin.url, args, input)).toMatchObject({ code: 0 });
  };
  await publish(1);
  await publish(2, "--release");
  for (let twice = 0; twice < 2; twice++) await bench.cli(origin.url, ["release", "promote", "prices"]);
  await publish(3, "--release", "--percent", "50");
  const price = async (): Promise<unknown> =>
    ((await (await fetch(`${origin.url}/v1/datasets/prices/items/${sku(7)}`)).json()) as { value: { price: number } })
      .value.price;

  small.fill();
  const back = ["revert", "prices", "--to", "1", "--exact"];
  const refused = await bench.cli(origin.url, back);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(
    /DISK_FULL: v3 of prices is reverted, everybody .*; give it again for the older one when there is room: /,
  );
  expect(await release(origin)).toBe("");
  expect(await price()).toBe(2);

  small.free();
  await eventually("a version that there is room for", async () =>
    (await bench.cli(origin.url, back)).code === 0 ? true : undefined,
  );
  expect(await price()).toBe(1);
});

test("an instance that is killed on a full disk comes back on it, reads, and takes what is new once there is room", async (context) => {
  const small = smallDisk(context);
  const data = join(small.directory, "origin");
  const origin = await bench.serve({ data });
  await post(`${origin.url}/v1/datasets`, { name: "stock", policy: "immediate" });
  await bench.cli(
    origin.url,
    ["publish", "stock", "-", "--format", "ndjson"],
    ndjson(300, () => ({ text })),
  );
  for (let stamp = 1; stamp <= 10; stamp++) expect(await patch(origin, 0, stamp)).toMatchObject({ status: 200 });
  small.fill();
  await origin.end("SIGKILL");

  const again = await bench.serve({ data });
  expect(await (await fetch(`${again.url}/v1/datasets/stock/items/${sku(3)}`)).json()).toMatchObject({
    value: { stamp: 10 },
  });
  small.free();
  await eventually("a patch that there is room for", async () =>
    (await patch(again, 0, 11)).status === 200 ? true : undefined,
  );
  expect(await (await fetch(`${again.url}/v1/datasets/stock/items/${sku(3)}`)).json()).toMatchObject({
    value: { stamp: 11 },
  });
});
