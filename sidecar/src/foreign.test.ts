import { request } from "node:http";
import { problemMediaType } from "@sluice/core/api";
import { expect, test } from "vitest";
import { listen } from "./listen.ts";
import { answerOf, createTestOrigin, pricedItems } from "./origin.testing.ts";

const items = pricedItems(20);

/** An origin with a running release, listening: what a browser can reach. */
async function listeningOrigin(): Promise<{
  url: string;
  release: string | undefined;
  running(): Promise<string | undefined>;
  ask(method: string, path: string, headers: Record<string, string>): Promise<{ status: number; text: string }>;
  close(): Promise<void>;
}> {
  const origin = await createTestOrigin({ items });
  await origin.publish("prices", { ...items, "sku-1": { price: 7, currency: "CNY" } }, "?release=true");
  const running = async (): Promise<string | undefined> => (await origin.status()).datasets[0]?.release?.id;
  const listening = await listen(origin.origin.app, "127.0.0.1", 0, origin.clock);
  return {
    url: listening.url,
    release: await running(),
    running,
    // Not fetch: it would not let a test choose the header Host.
    ask: (method, path, headers) =>
      new Promise((resolve, reject) => {
        const asked = request(`${listening.url}${path}`, { method, headers, agent: false }, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text }));
        });
        asked.on("error", reject).end();
      }),
    async close() {
      await listening.close(1_000);
      await origin.origin.close();
    },
  };
}

test("a page of somebody else in a browser on this machine reverts nothing and reads nothing", async () => {
  const origin = await listeningOrigin();
  const revert = "/v1/datasets/prices/revert";
  // A form or a `fetch` with `mode: "no-cors"` needs no preflight: no body, or one of text/plain.
  for (const page of ["https://shop.example", "null", "http://127.0.0.1:1", "http://localhost:1"]) {
    expect(await origin.ask("POST", revert, { origin: page })).toMatchObject({ status: 403 });
    expect(await origin.ask("GET", "/v1/status", { origin: page })).toMatchObject({ status: 403 });
    expect(await origin.ask("OPTIONS", revert, { origin: page })).toMatchObject({ status: 403 });
  }
  expect(await origin.running()).toBe(origin.release);
  await origin.close();
});

test("a page whose own name resolves to this machine is refused, whatever it asks", async () => {
  const origin = await listeningOrigin();
  for (const host of [
    "rebound.example",
    "rebound.example:7070",
    "127.0.0.1.rebound.example",
    "10.0.0.1:7070",
    "[::2]",
  ]) {
    for (const [method, path] of [
      ["GET", "/v1/datasets/prices/items/sku-1"],
      ["POST", "/v1/datasets/prices/revert"],
      ["GET", "/"],
    ] as const) {
      const answer = await origin.ask(method, path, { host, origin: `http://${host}` });
      expect(answer).toMatchObject({ status: 403 });
      expect(answer.text).not.toContain("CNY");
    }
  }
  expect(await origin.running()).toBe(origin.release);
  await origin.close();
});

test("the instance's own page, a link to it and programs that are no browsers are served", async () => {
  const origin = await listeningOrigin();
  const { host, port } = new URL(origin.url);
  const revert = "/v1/datasets/prices/revert";
  expect(await origin.ask("GET", "/v1/status", {})).toMatchObject({ status: 200 });
  expect(await origin.ask("GET", "/", { host: `localhost:${port}`, "sec-fetch-site": "cross-site" })).toMatchObject({
    status: 200,
  });
  expect(await origin.ask("GET", "/v1/status", { host: "[::1]:7070" })).toMatchObject({ status: 200 });
  expect(await origin.ask("POST", revert, { host, origin: `http://${host}` })).toMatchObject({ status: 200 });
  expect(await origin.running()).toBeUndefined();
  await origin.close();
});

test("a refusal of a foreign page is a problem that says what is answered to", async () => {
  const origin = await createTestOrigin({ items });
  const asked = origin.request("/v1/status", { headers: { host: "rebound.example" } });
  expect((await asked).headers.get("content-type")).toBe(problemMediaType);
  const answer = await answerOf(origin.request("/v1/status", { headers: { host: "rebound.example" } }));
  expect(answer).toMatchObject({ status: 403, code: "FORBIDDEN", details: { host: "rebound.example" } });
  expect(answer["detail"]).toContain("127.0.0.1");
});
