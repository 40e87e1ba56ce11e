import { createVirtualClock } from "@sluice/core";
import { problemMediaType } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, failures, pricedItems } from "./origin.testing.ts";
import { createMemoryDisk } from "./store/memory-store.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };
const firing = (labels: Record<string, string>, status = "firing"): unknown => ({
  version: "4",
  alerts: [{ status, labels }],
});

async function codeOf(response: Promise<Response>): Promise<unknown> {
  const answered = await response;
  expect(answered.headers.get("content-type")).toBe(problemMediaType);
  expect(answered.status).toBe(404);
  return ((await answered.json()) as { code: string }).code;
}

async function running(percent = 5_000): Promise<Awaited<ReturnType<typeof createTestOrigin>> & { release: string }> {
  const origin = await createTestOrigin({ items });
  const { release } = await answerOf(origin.publish("prices", changed, `?release=true&thousandths=${percent}`));
  return { ...origin, release: String(release) };
}

test("the first version goes live, a later one is held with its difference, a released one is seen by its share", async () => {
  const origin = await createTestOrigin({ items });
  expect(await answerOf(origin.publish("prices", changed))).toMatchObject({
    status: 200,
    outcome: "held",
    number: 2,
    difference: { added: 0, changed: 1, removed: 0, unchanged: 49 },
  });
  expect(await answerOf(origin.request("/v1/datasets/prices/items/sku-1?as=anna"))).toMatchObject({ version: 1 });
  const started = await answerOf(origin.post("/v1/datasets/prices/release", { thousandths: 100_000 }));
  expect(started).toMatchObject({ status: 200, outcome: "done" });
  expect(await answerOf(origin.request("/v1/datasets/prices/items/sku-1?as=anna"))).toMatchObject({
    value: { price: 55 },
    version: 2,
    arm: "candidate",
  });
});

test("an unknown dataset, release, source, key or route is answered 404 with its code", async () => {
  const origin = await createTestOrigin({ items });
  expect(await codeOf(origin.publish("nothing", items))).toBe("DATASET_UNKNOWN");
  expect(await codeOf(origin.post("/v1/datasets/nothing/revert", {}))).toBe("DATASET_UNKNOWN");
  expect(await codeOf(origin.request("/v1/datasets/constructor/items/a"))).toBe("DATASET_UNKNOWN");
  expect(await codeOf(origin.post("/v1/releases/constructor/percentage", { thousandths: 1 }))).toBe("RELEASE_UNKNOWN");
  expect(await codeOf(origin.request("/v1/datasets/prices/sources/main", { method: "DELETE" }))).toBe("SOURCE_UNKNOWN");
  expect(await codeOf(origin.request("/v1/datasets/prices/items/sku-99"))).toBe("KEY_UNKNOWN");
  expect(await codeOf(origin.request("/v1/nothing"))).toBe("ROUTE_UNKNOWN");
});

test("a percentage out of range is refused with its range, and nothing changes", async () => {
  const origin = await running();
  for (const thousandths of [-1, 100_001, 5.5, "20", null]) {
    const answer = await answerOf(origin.post(`/v1/releases/${origin.release}/percentage`, { thousandths }));
    expect(answer).toMatchObject({ status: 400, code: "VALIDATION" });
  }
  expect((await origin.status()).datasets[0]?.release?.thousandths).toBe(5_000);
});

test("a read as nobody is stable until everybody sees the candidate, also where the name is there and empty", async () => {
  const origin = await running(99_999);
  const path = "/v1/datasets/prices/items/sku-1";
  for (const query of ["", "?as="]) {
    expect(await answerOf(origin.request(`${path}${query}`))).toMatchObject({ version: 1, arm: null });
  }
  await origin.post(`/v1/releases/${origin.release}/promote`, {});
  for (const query of ["", "?as="]) {
    expect(await answerOf(origin.request(`${path}${query}`))).toMatchObject({ version: 2, arm: "candidate" });
  }
});

test("two people who set a percentage at once: one gets a conflict that says who changed it to what", async () => {
  const origin = await running();
  const set = (thousandths: number, name: string): Promise<Record<string, unknown>> =>
    answerOf(
      origin.post(`/v1/releases/${origin.release}/percentage`, { thousandths, epoch: 1 }, { "sluice-actor": name }),
    );
  const [anna, bob] = await Promise.all([set(20_000, "anna"), set(50_000, "bob")]);
  expect(anna).toMatchObject({ status: 200, outcome: "done" });
  expect(bob).toMatchObject({ status: 409, code: "CONFLICT", details: { thousandths: 20_000, by: { name: "anna" } } });
  expect(bob["detail"]).toContain("anna set 20 %");
});

test("guard, webhook and two people within 50 ms make one revert, and all of them are answered with it", async () => {
  const origin = await running();
  const answers = await Promise.all([
    origin.post("/v1/outcomes", failures(origin.release, 1, { candidateFailures: 40, ok: 800 })),
    origin.post("/v1/alerts/alertmanager", firing({ alertname: "Errors", sluice_dataset: "prices" })),
    origin.post("/v1/datasets/prices/revert", { reason: "prices look wrong" }, { "sluice-actor": "anna" }),
    origin.post("/v1/datasets/prices/revert", { reason: "same here" }, { "sluice-actor": "bob" }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 200, 200]);
  const log = (await (await origin.request("/v1/log")).text()).trim().split("\n");
  expect(log.filter((line) => line.includes('"release-reverted"'))).toHaveLength(1);
  expect((await origin.status()).datasets[0]).toMatchObject({ release: null, lastRevert: { release: origin.release } });
});

test("a guard reverts by itself on the batch that tips it, and keeps the evidence", async () => {
  const origin = await running();
  await origin.post("/v1/outcomes", failures(origin.release, 1, { candidateFailures: 5, ok: 400 }));
  await settle();
  const { lastRevert } = (await origin.status()).datasets[0] ?? {};
  expect(lastRevert).toMatchObject({
    by: { kind: "guard", name: "comparative" },
    cause: { evidence: { candidateFailures: 5, controlRequests: 400 } },
  });
});

test("failures of both arms alike revert nothing", async () => {
  const origin = await running();
  for (let sequence = 1; sequence <= 20; sequence++) {
    await origin.post(
      "/v1/outcomes",
      failures(origin.release, sequence, { candidateFailures: 1, controlFailures: 19, ok: 1 }),
    );
    origin.clock.advance(250);
  }
  expect((await origin.status()).datasets[0]?.release?.id).toBe(origin.release);
});

test("a batch of outcomes that comes again counts once", async () => {
  const origin = await running();
  const batch = failures(origin.release, 1, { candidateFailures: 1, ok: 10 });
  for (let again = 0; again < 3; again++) await origin.post("/v1/outcomes", batch);
  expect((await origin.status()).datasets[0]?.release).toMatchObject({
    candidateArm: { requests: 1, failures: 1 },
    controlArm: { requests: 10, failures: 0 },
  });
});

test("a command that comes again with its idempotency key happens once, another one with the same key is refused", async () => {
  const origin = await running();
  const key = { "idempotency-key": "night-1" };
  const path = `/v1/releases/${origin.release}/percentage`;
  const first = await answerOf(origin.post(path, { thousandths: 20_000 }, key));
  await origin.post(path, { thousandths: 30_000 });
  const again = await answerOf(origin.post(path, { thousandths: 20_000 }, key));
  expect(again["sequence"]).toBe(first["sequence"]);
  expect((await origin.status()).datasets[0]?.release?.thousandths).toBe(30_000);
  expect(await answerOf(origin.post(path, { thousandths: 40_000 }, key))).toMatchObject({
    status: 422,
    code: "IDEMPOTENCY_MISMATCH",
  });
});

test("the same patch twice at the same time with one idempotency key is one patch", async () => {
  const origin = await createTestOrigin({ items });
  const patch = (): Promise<Response> =>
    origin.post(
      "/v1/datasets/prices/patches",
      { items: [{ key: "sku-1", merge: { price: 9 } }] },
      { "idempotency-key": "once" },
    );
  const [first, second] = await Promise.all([answerOf(patch()), answerOf(patch())]);
  expect(second).toEqual(first);
  expect((await origin.status()).sequence).toBe(3);
});

test("a body of the wrong type, of no JSON, too long, or with an unknown field is refused with what was expected", async () => {
  const origin = await createTestOrigin({ items });
  const post = (body: string, type: string): Promise<Record<string, unknown>> =>
    answerOf(origin.request("/v1/datasets", { method: "POST", body, headers: { "content-type": type } }));
  expect(await post("{}", "text/plain")).toMatchObject({ status: 415, code: "UNSUPPORTED_MEDIA_TYPE" });
  expect(await post('{"name":', "application/json")).toMatchObject({ status: 400, code: "INVALID_JSON" });
  expect(await post(`{"name":"${"x".repeat(4_200_000)}"}`, "application/json")).toMatchObject({
    status: 413,
    code: "LIMIT_EXCEEDED",
  });
  expect(await post('{"name":"stock","polcy":"immediate"}', "application/json")).toMatchObject({
    status: 400,
    code: "VALIDATION",
  });
  expect(await post('{"name":"Stock!"}', "application/json")).toMatchObject({ status: 400, code: "VALIDATION" });
});

test("a patch with a repeated member or a number that would be rounded is refused, not changed", async () => {
  const origin = await createTestOrigin({ items });
  const patch = (merge: string): Promise<Record<string, unknown>> =>
    answerOf(
      origin.request("/v1/datasets/prices/patches", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: `{"items":[{"key":"sku-1","merge":${merge}}]}`,
      }),
    );
  expect(await patch('{"price":1,"price":2}')).toMatchObject({ status: 400, code: "INVALID_JSON" });
  expect(await patch('{"price":12345678901234567890}')).toMatchObject({ status: 400, code: "INVALID_JSON" });
  expect(await patch('{"__proto__":{"price":3}}')).toMatchObject({ status: 200, outcome: "done" });
  const read = await (await origin.request("/v1/datasets/prices/items/sku-1")).text();
  expect(read).toContain('"__proto__":{"price":3}');
  expect(read).toContain('"price":101');
});

test("an upload of the wrong type is refused before it is read", async () => {
  const origin = await createTestOrigin({ items });
  const answer = answerOf(
    origin.request("/v1/datasets/prices/versions", {
      method: "POST",
      body: "a,b",
      headers: { "content-type": "text/csv" },
    }),
  );
  expect(await answer).toMatchObject({ status: 415, code: "UNSUPPORTED_MEDIA_TYPE" });
});

test("the bad file, twenty patches, revert, the same file three times, then the corrected file", async () => {
  const origin = await createTestOrigin({ items });
  const bad = Object.fromEntries(Object.entries(items).map(([key, item]) => [key, { price: item.price }]));
  await origin.publish("prices", bad, "?release=true");
  for (let patch = 0; patch < 20; patch++) {
    const answer = await answerOf(
      origin.post("/v1/datasets/prices/patches", { items: [{ key: `sku-${patch}`, merge: { price: 1_000 + patch } }] }),
    );
    expect(answer).toMatchObject({ status: 200, outcome: "done" });
    expect(answer["candidate"]).toBe(Number(answer["stable"]) + 1);
  }
  await origin.post("/v1/datasets/prices/revert", { reason: "no currency" });
  expect(await answerOf(origin.request("/v1/datasets/prices/items/sku-3"))).toMatchObject({
    value: { price: 1_003, currency: "CNY" },
  });

  for (let again = 0; again < 3; again++) {
    expect(await answerOf(origin.publish("prices", bad, "?release=true"))).toMatchObject({
      status: 409,
      code: "QUARANTINED",
    });
  }
  const corrected = { ...bad, "sku-30": items["sku-30"] };
  const held = await answerOf(origin.publish("prices", corrected, "?release=true"));
  expect(held).toMatchObject({ outcome: "held", quarantinedChanges: { publish: 2 } });
  const counts = held["quarantinedChanges"] as { count: number; of: number };
  expect(counts.count).toBe(49);
  const refused = await answerOf(origin.post("/v1/datasets/prices/release", {}));
  expect(refused).toMatchObject({ status: 409, code: "QUARANTINED_CHANGES" });
  expect(refused["detail"]).toContain("were in reverted v2");
  expect(await answerOf(origin.post("/v1/datasets/prices/release", { acceptQuarantined: true }))).toMatchObject({
    outcome: "done",
  });
});

test("a version that a check refuses has a number, stays unseen, and says which items", async () => {
  const origin = await createTestOrigin({ items, template: "prices" });
  const half = Object.fromEntries(Object.entries(items).slice(0, 20));
  const refused = await answerOf(origin.publish("prices", half, "?release=true"));
  expect(refused).toMatchObject({ status: 422, code: "CHECK_REFUSED" });
  expect(refused["detail"]).toContain("30 of 50");
  expect((await origin.status()).datasets[0]).toMatchObject({
    stable: { number: 1 },
    candidate: null,
    release: null,
    lastRefusal: { number: 2, code: "CHECK_REFUSED" },
  });
  expect(await answerOf(origin.publish("prices", changed))).toMatchObject({ number: 3 });
});

test("an automatic plan takes its steps as time passes, bakes, and completes", async () => {
  const plan = {
    steps: [
      { thousandths: 5_000, holdMs: 2_000 },
      { thousandths: 50_000, holdMs: 2_000 },
    ],
    bakeMs: 3_000,
    promotion: null,
  };
  const origin = await createTestOrigin({ items, plan });
  await origin.publish("prices", changed, "?release=true");
  const seen: (string | undefined)[] = [];
  for (let second = 0; second < 9; second++) {
    const [dataset] = (await origin.status()).datasets;
    const { release } = dataset ?? {};
    seen.push(
      release === null || release === undefined
        ? `v${dataset?.stable?.number}`
        : `${release.phase} ${release.thousandths}`,
    );
    for (let quarter = 0; quarter < 4; quarter++) {
      origin.clock.advance(250);
      await settle();
    }
  }
  expect([...new Set(seen)]).toEqual(["running 5000", "running 50000", "baking 100000", "v2"]);
});

test("names that no header can hold travel percent-encoded", async () => {
  const origin = await running();
  await origin.post(
    "/v1/datasets/prices/revert",
    { reason: "价格错了" },
    { "sluice-actor": encodeURIComponent("王芳") },
  );
  expect((await origin.status()).datasets[0]?.lastRevert).toMatchObject({
    by: { name: "王芳" },
    cause: { reason: "价格错了" },
  });
});

test("a receipt outlives the process, and who confirms after the restart is counted", async () => {
  const clock = createVirtualClock();
  const store = { id: "log-1", clock, disk: createMemoryDisk() };
  const before = await createTestOrigin({ items, store });
  const { release } = await answerOf(before.publish("prices", changed, "?release=true"));
  await before.request("/v1/follow?id=f1&name=shop&kind=sdk");
  const reverted = await answerOf(before.post("/v1/datasets/prices/revert", { reason: "wrong" }));
  expect(reverted).toMatchObject({ receipt: { expected: 1, confirmed: 0, missing: ["shop"] } });
  before.clock.advance(600);
  await settle();

  const after = await createTestOrigin({ store });
  const receipt = (): Promise<Record<string, unknown>> =>
    answerOf(after.request(`/v1/releases/${String(release)}/receipts/revert`));
  expect(await receipt()).toMatchObject({ expected: 1, confirmed: 0, missing: ["shop"], durable: true });
  const confirmation = { follower: "f1", applied: 0, reverted: [release], prepared: [] };
  await after.request("/v1/follow?id=f1&name=shop&kind=sdk");
  await after.post("/v1/confirmations", { confirmations: [confirmation], children: null });
  expect(await receipt()).toMatchObject({ expected: 1, confirmed: 1, missing: [] });
});
