import { createVirtualClock, SluiceError } from "@sluice/core";
import { expect, test } from "vitest";
import { createAdmin } from "./admin.ts";
import type { UploadProgress } from "./upload.ts";

const answer = {
  outcome: "held",
  message: "held",
  dataset: "prices",
  number: 5,
  items: 3,
  contentHash: "0".repeat(64),
  difference: null,
  warnings: [],
  quarantinedChanges: null,
  release: null,
};
const line = new TextEncoder().encode('{"key":"a","value":1}\n');

async function* lines(count: number, onMade: () => void = () => undefined): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index += 1) {
    onMade();
    yield line;
  }
}

/** A client of one handler that takes the request as it streams. */
function adminOver(handler: (request: Request) => Promise<Response>): ReturnType<typeof createAdmin> {
  const fetch: typeof globalThis.fetch = (input, init) => handler(new Request(input, init));
  return createAdmin({ url: "http://127.0.0.1:7070", fetch, clock: createVirtualClock() });
}

test("an upload streams: the instance reads the first bytes before the last are made", async () => {
  let made = 0;
  let madeAtFirstRead = 0;
  const stream = lines(1_000, () => {
    made += 1;
  });
  const admin = adminOver(async (request) => {
    const body = request.body ?? new ReadableStream<Uint8Array>();
    let bytes = 0;
    for await (const chunk of body) {
      if (bytes === 0) madeAtFirstRead = made;
      bytes += chunk.byteLength;
    }
    return Response.json({ ...answer, items: bytes / line.byteLength });
  });
  const published = await admin.publish("prices", { stream, format: "ndjson" });
  expect(published.items).toBe(1_000);
  expect(madeAtFirstRead).toBeLessThan(10);
});

test("progress counts bytes up and ends with done", async () => {
  const admin = adminOver(async (request) => {
    await request.text();
    return Response.json(answer);
  });
  const progress: UploadProgress[] = [];
  await admin.publish(
    "prices",
    { stream: lines(2), format: "ndjson" },
    { onProgress: (step) => void progress.push(step) },
  );
  const { byteLength } = line;
  expect(progress).toEqual([
    { bytesSent: byteLength, done: false },
    { bytesSent: 2 * byteLength, done: false },
    { bytesSent: 2 * byteLength, done: true },
  ]);
});

test("what is asked for travels in the query, the format in the content type", async () => {
  const seen: (string | null)[][] = [];
  const admin = adminOver(async (request) => {
    const { pathname, search } = new URL(request.url);
    seen.push([pathname + search, request.headers.get("content-type")]);
    await request.text();
    return Response.json(answer);
  });
  await admin.publish("prices", { stream: lines(0), format: "json" });
  await admin.publish(
    "prices",
    { stream: lines(0), format: "ndjson" },
    { release: true, thousandths: 5_000, supersede: true, acceptQuarantined: false },
  );
  expect(seen).toEqual([
    ["/v1/datasets/prices/versions", "application/json"],
    ["/v1/datasets/prices/versions?release=true&supersede=true&thousandths=5000", "application/x-ndjson"],
  ]);
});

test("a refused upload comes with what is wrong in it", async () => {
  const details = { items: [{ key: "a", path: "/price", reason: "below 0" }], total: 812 };
  const admin = adminOver(async (request) => {
    await request.text();
    const problem = {
      type: "urn:sluice:check",
      title: "check",
      status: 422,
      code: "CHECK_REFUSED",
      detail: "812",
      details,
    };
    return new Response(JSON.stringify(problem), {
      status: 422,
      headers: { "content-type": "application/problem+json" },
    });
  });
  await expect(admin.publish("prices", { stream: lines(1), format: "ndjson" })).rejects.toMatchObject({
    code: "CHECK_REFUSED",
    details,
  });
});

test("a file that cannot be read any more is named, not the instance", async () => {
  const admin = adminOver(async (request) => {
    await request.text();
    return Response.json(answer);
  });
  const failure = new Error("EIO: the disk is gone");
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield line;
    throw failure;
  }
  await expect(admin.publish("prices", { stream: broken(), format: "ndjson" })).rejects.toBe(failure);
});

test("an upload whose connection is lost is not sent again", async () => {
  let calls = 0;
  const admin = adminOver(async () => {
    calls += 1;
    throw new TypeError("fetch failed", { cause: new Error("write EPIPE") });
  });
  const refused = admin.publish("prices", { stream: lines(1), format: "ndjson" });
  await expect(refused).rejects.toBeInstanceOf(SluiceError);
  await expect(refused).rejects.toMatchObject({ code: "UNREACHABLE" });
  expect(calls).toBe(1);
});
