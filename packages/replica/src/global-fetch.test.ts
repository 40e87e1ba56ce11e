import { fillPath, paths, protocolVersion } from "@sluice/core";
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { encodeFrame } from "./origin.testing.ts";
import { pass, settle, until } from "./turns.testing.ts";
import { createWorld, holds, itemsOf, shownBy } from "./world.testing.ts";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

test("over the global fetch, an origin that refuses, breaks off and tampers is followed in the end", async () => {
  const { log, another, clock, origin } = await createWorld();
  const bodies: unknown[] = [];
  let attempts = 0;
  let blobs = 0;
  server.use(
    http.get(`http://origin.test${paths.follow}`, async ({ request }) => {
      attempts++;
      if (attempts === 1) return new HttpResponse("busy", { status: 503, headers: { "retry-after": "1" } });
      if (attempts === 2) return HttpResponse.error();
      expect(new URL(request.url).searchParams.get("name")).toBe("checkout");
      const hello = encodeFrame({ type: "hello", protocol: protocolVersion, log: log.id, instance: "origin-1" });
      const state = encodeFrame(await origin.whole());
      const text = attempts === 3 ? hello + state.slice(0, 100) : hello + state;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.from(text));
          if (attempts === 3) controller.close();
        },
      });
      return new HttpResponse(body, { headers: { "content-type": "text/event-stream" } });
    }),
    http.get(`http://origin.test${fillPath(paths.blob, { name: "x" }).replace("/x", "/:name")}`, async ({ params }) => {
      const bytes = Buffer.from(await log.blobs.read(String(params["name"])));
      return HttpResponse.arrayBuffer(new Uint8Array(++blobs === 1 ? bytes.fill(0) : bytes).buffer);
    }),
    http.post(`http://origin.test${paths.confirmations}`, async ({ request }) => {
      bodies.push(await request.json());
      return new HttpResponse(null, { status: 202 });
    }),
  );
  const replica = another({ urls: ["http://origin.test"], fetch: globalThis.fetch });
  await replica.start();
  for (let steps = 0; steps < 400 && !holds(replica, "stable"); steps++) {
    await settle();
    await pass(clock, 10);
  }
  expect(shownBy(replica)).toEqual({ stable: itemsOf({ a: 1 }), candidate: null });
  expect(attempts).toBe(4);
  expect(replica.counts().wrongBlobs).toBe(1);
  await pass(clock, 50);
  await until(() => bodies.length > 0, "the confirmation");
  expect(bodies[0]).toEqual({
    confirmations: [{ follower: "app-1", applied: 2, reverted: [], prepared: [] }],
    children: null,
  });
  await replica.close();
});
