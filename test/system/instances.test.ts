import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { StatusAnswer } from "@sluice/core/api";
import { type Client, createClient, type ItemsOf } from "@sluice/sdk";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import { createBench, eventually, freePort, ndjson, post } from "../support/instances.ts";

const Price = z.object({ price: z.number() });
type ShopClient = Client<ItemsOf<{ readonly prices: typeof Price }>>;

const bench = createBench();
const clients: ShopClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  await bench.clear();
});

async function connect(url: string, cacheDirectory: string | null = null): Promise<ShopClient> {
  const client = await createClient({ url, app: "shop", datasets: { prices: Price }, cacheDirectory });
  clients.push(client);
  return client;
}

async function statusOf(url: string): Promise<StatusAnswer["datasets"][number]> {
  const status = (await (await fetch(`${url}/v1/status`)).json()) as StatusAnswer;
  const [dataset] = status.datasets;
  if (dataset === undefined) throw new Error("no dataset");
  return dataset;
}

async function publish(url: string, text: string, query = ""): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/v1/datasets/prices/versions${query}`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: text,
  });
  return { httpStatus: response.status, ...((await response.json()) as Record<string, unknown>) };
}

/** An origin with a first version, and a plan whose steps nobody waits for. */
async function createShop(): Promise<{
  data: string;
  url: string;
  port: number;
  origin: Awaited<ReturnType<typeof bench.serve>>;
}> {
  const data = bench.directory();
  const port = await freePort();
  const origin = await bench.serve({ data, port });
  await post(`${origin.url}/v1/datasets`, { name: "prices", plan: { automatic: false, bakeMs: 600_000 } });
  expect(
    await publish(
      origin.url,
      ndjson(300, (index) => ({ price: index })),
    ),
  ).toMatchObject({ outcome: "live", number: 1 });
  return { data, url: origin.url, port, origin };
}

/** Users who are in the candidate at 50 %. */
function candidateUser(client: ShopClient): string {
  for (let user = 0; user < 1_000; user++) {
    if (client.view({ targetingKey: `user-${user}` }).arm("prices") === "candidate") return `user-${user}`;
  }
  throw new Error("nobody is in the candidate");
}

test("killed with -9 in the middle of a publish, an origin comes back with the last good version and takes the publish again", async () => {
  const shop = await createShop();
  const whole = ndjson(60_000, (index) => ({ price: index + 1 }));
  const half = Buffer.from(whole.slice(0, whole.length / 2));
  let sent = false;
  const stuck = fetch(`${shop.url}/v1/datasets/prices/versions`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    duplex: "half",
    body: new ReadableStream({
      pull(controller) {
        // The rest never comes.
        if (sent) return new Promise(() => {});
        controller.enqueue(half);
        sent = true;
        return undefined;
      },
    }),
  }).catch((error: unknown) => error);
  await eventually("the upload has begun", () => (sent ? true : undefined));
  await shop.origin.end("SIGKILL");
  expect(await stuck).toBeInstanceOf(Error);

  const again = await bench.serve({ data: shop.data, port: shop.port });
  expect(await statusOf(again.url)).toMatchObject({ stable: { number: 1, items: 300 }, candidate: null });
  expect(await publish(again.url, whole)).toMatchObject({ outcome: "held", number: 2, items: 60_000 });
});

test("killed with -9 while patches pour into a release, an origin loses nothing that it acknowledged, and an SDK serves all the way", async () => {
  const shop = await createShop();
  const client = await connect(shop.url);
  await publish(
    shop.url,
    ndjson(300, (index) => ({ price: index + 1 })),
    "?release=true&thousandths=50000",
  );
  await eventually("the candidate is served", () => (candidateUser(client) === "" ? undefined : true));
  const user = candidateUser(client);

  const acknowledged: number[] = [];
  let reads = 0;
  const reading = new AbortController();
  const readers = (async () => {
    while (!reading.signal.aborted) {
      expect(client.view({ targetingKey: user }).get("prices", "sku-7")).toBeDefined();
      reads += 1;
      await new Promise((resolve) => void setImmediate(resolve));
    }
  })();
  const patch = async (index: number, url: string): Promise<void> => {
    const items = [{ key: `sku-${index % 300}`, merge: { price: 10_000 + index } }];
    const { status } = await post(
      `${url}/v1/datasets/prices/patches`,
      { items },
      { "idempotency-key": `patch-${index}` },
    );
    if (status === 200) acknowledged.push(index);
  };
  const pouring = (async () => {
    for (let index = 0; index < 250; index++) await patch(index, shop.url);
  })().catch((error: unknown) => error);
  await eventually("a hundred patches are acknowledged", () => (acknowledged.length >= 100 ? true : undefined));
  await shop.origin.end("SIGKILL");
  await pouring;

  const again = await bench.serve({ data: shop.data, port: shop.port });
  const status = await statusOf(again.url);
  expect(status.release).toMatchObject({ phase: "running", thousandths: 50_000 });
  for (const as of [user, null]) {
    const body = { keys: acknowledged.map((index) => `sku-${index}`), as };
    const { items } = (await post(`${again.url}/v1/datasets/prices/items`, body)).body as {
      items: Record<string, { price: number }>;
    };
    expect(acknowledged.filter((index) => items[`sku-${index}`]?.price !== 10_000 + index)).toEqual([]);
  }
  // A retry of what was acknowledged happens once.
  const before = (await statusOf(again.url)).stable?.number;
  await patch(0, again.url);
  expect((await statusOf(again.url)).stable?.number).toBe(before);

  await eventually("the SDK has the version of the log", () =>
    client.view({}).version("prices") === before ? true : undefined,
  );
  reading.abort();
  await readers;
  expect(reads).toBeGreaterThan(100);
  await eventually("the SDK serves the candidate again", () =>
    client.view({ targetingKey: user }).arm("prices") === "candidate" ? true : undefined,
  );
});

test("a revert reaches an SDK behind a sidecar, and the receipt counts both", async () => {
  const shop = await createShop();
  const sidecar = await bench.sidecar({ origin: shop.url, data: bench.directory() });
  const client = await connect(sidecar.url);
  await publish(
    shop.url,
    ndjson(300, (index) => ({ price: index + 1 })),
    "?release=true&thousandths=50000",
  );
  const user = await eventually("the candidate is served behind the sidecar", () => candidateUser(client));
  await eventually("the origin knows both followers", async () => {
    const status = (await (await fetch(`${shop.url}/v1/status`)).json()) as StatusAnswer;
    return status.followers.total === 2 ? true : undefined;
  });

  const view = client.view({ targetingKey: user });
  expect(view.get("prices", "sku-7")).toEqual({ price: 8 });
  const { body } = await post(`${shop.url}/v1/datasets/prices/revert?wait=5000`, { reason: "wrong" });
  expect(body).toMatchObject({ outcome: "done", receipt: { expected: 2, confirmed: 2, missing: [], durable: true } });
  expect(view.reverted).toBe(true);
  expect(view.get("prices", "sku-7")).toEqual({ price: 8 });
  expect(() => view.commit(() => "sold")).toThrow(expect.objectContaining({ code: "VIEW_REVERTED" }));
  expect(client.view({ targetingKey: user }).get("prices", "sku-7")).toEqual({ price: 7 });
});

test("an SDK serves while its sidecar is dead and goes on with the next one, and outcomes behind a sidecar tip the guard", async () => {
  const shop = await createShop();
  const port = await freePort();
  const data = bench.directory();
  const sidecar = await bench.sidecar({ origin: shop.url, data, port });
  const client = await connect(sidecar.url);
  await sidecar.end("SIGKILL");
  expect(client.view({}).get("prices", "sku-7")).toEqual({ price: 7 });
  await publish(
    shop.url,
    ndjson(300, (index) => ({ price: index + 1 })),
    "?release=true&thousandths=50000",
  );
  await bench.sidecar({ origin: shop.url, data, port });
  await eventually("the candidate is served after the sidecar is back", () => candidateUser(client));

  let number = 0;
  const reverted = await eventually("the guard reverts", async () => {
    for (let user = 0; user < 20; user++) {
      const view = client.view({ targetingKey: `user-${number++}` });
      await view
        .run(async () => {
          if (view.get("prices", "sku-7")?.price === 8) throw new Error("the candidate breaks");
        })
        .catch(() => undefined);
    }
    return (await statusOf(shop.url)).lastRevert ?? undefined;
  });
  expect(reverted).toMatchObject({ by: { kind: "guard", name: "comparative" } });
  await eventually("the SDK is on stable", () =>
    client.view({ targetingKey: "user-1" }).version("prices") === 1 ? true : undefined,
  );
});

test("an SDK that is cut off in the candidate arm serves stable once its lease is over, and the candidate again afterwards", async () => {
  const shop = await createShop();
  const client = await connect(shop.url);
  await publish(
    shop.url,
    ndjson(300, (index) => ({ price: index + 1 })),
    "?release=true&thousandths=50000",
  );
  const user = await eventually("the candidate is served", () => candidateUser(client));
  shop.origin.process.kill("SIGSTOP");
  await eventually("the lease is over", () =>
    client.view({ targetingKey: user }).arm("prices") === "candidate" ? undefined : true,
  );
  expect(client.view({ targetingKey: user }).get("prices", "sku-7")).toEqual({ price: 7 });
  shop.origin.process.kill("SIGCONT");
  await eventually("the lease is back", () =>
    client.view({ targetingKey: user }).arm("prices") === "candidate" ? true : undefined,
  );
});

test("an SDK that was here before serves its last known good from disk with nobody to ask", async () => {
  const shop = await createShop();
  const cache = bench.directory();
  const first = await connect(shop.url, cache);
  expect(first.view({}).get("prices", "sku-7")).toEqual({ price: 7 });
  await first.close();
  await shop.origin.end("SIGKILL");
  const second = await connect(shop.url, cache);
  expect(second.view({}).get("prices", "sku-7")).toEqual({ price: 7 });
});

test("an SDK may start before its instance", async () => {
  const data = bench.directory();
  const port = await freePort();
  const early = connect(`http://127.0.0.1:${port}`);
  const origin = await bench.serve({ data, port });
  await post(`${origin.url}/v1/datasets`, { name: "prices" });
  await publish(
    origin.url,
    ndjson(10, (index) => ({ price: index })),
  );
  expect((await early).view({}).get("prices", "sku-7")).toEqual({ price: 7 });
});

test("a directory belongs to one instance at a time, a port too, and both say so in one line", async () => {
  const shop = await createShop();
  const second = await bench.cli(shop.url, ["serve", "--data", shop.data, "--port", String(await freePort())]);
  expect(second.code).not.toBe(0);
  expect(second.stderr).toContain("STORE_UNAVAILABLE");
  const third = await bench.cli(shop.url, ["serve", "--data", bench.directory(), "--port", String(shop.port)]);
  expect(third.code).not.toBe(0);
  expect(third.stderr).toContain(`port ${shop.port} is taken`);
});

test("SIGTERM ends an instance with exit code 0 after what is in flight, and followers are told to come back", async () => {
  const shop = await createShop();
  await connect(shop.url);
  const patches = Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      post(`${shop.url}/v1/datasets/prices/patches`, { items: [{ key: "sku-1", merge: { price: index } }] }),
    ),
  );
  const answers = await patches;
  expect(await shop.origin.end("SIGTERM")).toBe(0);
  const again = await bench.serve({ data: shop.data, port: shop.port });
  expect((await statusOf(again.url)).stable?.number).toBe(
    1 + answers.filter(({ body }) => body["outcome"] === "done").length,
  );
});

test("the fixed forms of the command line work on a real instance, with exit codes for scripts", async () => {
  const origin = await bench.serve({ data: bench.directory() });
  const { url } = origin;
  const file = join(bench.directory(), "prices.ndjson");
  writeFileSync(
    file,
    ndjson(50, (index) => ({ price: index })),
  );
  expect(await bench.cli(url, ["dataset", "create", "prices"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["publish", "prices", file])).toMatchObject({ code: 0 });
  const held = await bench.cli(
    url,
    ["publish", "prices", "-"],
    ndjson(50, (index) => ({ price: index * 2 })),
  );
  expect(held).toMatchObject({ code: 0 });
  expect(held.stdout).toContain("sluice release start prices --percent 5");
  expect(await bench.cli(url, ["release", "start", "prices", "--percent", "5"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["release", "percent", "prices", "20"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["release", "percent", "prices", "101"])).toMatchObject({ code: 2 });
  const read = await bench.cli(url, ["read", "prices", "sku-4", "--json"]);
  expect(JSON.parse(read.stdout)).toMatchObject({ key: "sku-4", value: { price: 4 }, version: 1 });
  const status = await bench.cli(url, ["status"]);
  expect(status.stdout).toContain("sluice revert prices");
  expect(await bench.cli(url, ["revert", "prices"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["revert", "prices"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["read", "nothing", "sku-4"])).toMatchObject({ code: 1 });
  const object = JSON.stringify({ "sku-0": { price: 70 }, "sku-1": { price: 71 } });
  expect(await bench.cli(url, ["publish", "prices", "-", "--release", "--percent", "5"], object)).toMatchObject({
    code: 0,
  });
  expect(await bench.cli(url, ["release", "promote", "prices"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["release", "promote", "prices"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["dataset", "create", "stock"])).toMatchObject({ code: 0 });
  expect(await bench.cli(url, ["revert", "stock"])).toMatchObject({ code: 3 });
  await origin.end("SIGKILL");
  expect(await bench.cli(url, ["status"])).toMatchObject({ code: 5 });
});

test("a source is pulled by its ETag, its bad file is refused and its good one held, by a real instance from a real server", async () => {
  const shop = await createShop();
  let body = ndjson(300, (index) => ({ price: index }));
  let etag = '"1"';
  const asked: (string | undefined)[] = [];
  const upstream = createServer((request, response) => {
    asked.push(request.headers["if-none-match"]);
    if (request.headers["if-none-match"] === etag) response.writeHead(304).end();
    else response.writeHead(200, { "content-type": "application/x-ndjson", etag }).end(body);
  }).listen(0, "127.0.0.1");
  await once(upstream, "listening");
  try {
    const address = upstream.address();
    const upstreamUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/prices`;
    const added = await bench.cli(shop.url, ["source", "add", "prices", upstreamUrl, "--every", "1s"]);
    expect(added).toMatchObject({ code: 0 });
    await eventually("an unchanged file is asked for by its ETag", () => (asked.includes('"1"') ? true : undefined));
    expect((await statusOf(shop.url)).candidate).toBeNull();
    body = '{"key": "sku-0", "value": ';
    etag = '"2"';
    await eventually("the truncated file is refused", async () =>
      (await statusOf(shop.url)).sources[0]?.state === "refused" ? true : undefined,
    );
    expect((await statusOf(shop.url)).stable?.number).toBe(1);
    body = ndjson(300, (index) => ({ price: index + 3 }));
    etag = '"3"';
    await eventually("the good file is held", async () =>
      (await statusOf(shop.url)).candidate?.difference.changed === 300 ? true : undefined,
    );
  } finally {
    upstream.close();
    upstream.closeAllConnections();
  }
});
