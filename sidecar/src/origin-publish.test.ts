import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems } from "./origin.testing.ts";

const items = pricedItems(50);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

test("a publish with a release of what is held already starts it, instead of saying that nothing changed", async () => {
  const origin = await createTestOrigin({ items });
  await origin.publish("prices", changed);
  const answer = await answerOf(origin.publish("prices", changed, "?release=true&thousandths=5000"));
  expect(answer).toMatchObject({ status: 200, outcome: "started", number: 2, difference: { changed: 1 } });
  expect((await origin.status()).datasets[0]).toMatchObject({
    candidate: { publish: 2 },
    release: { id: answer["release"], thousandths: 5_000 },
  });
  expect(await answerOf(origin.publish("prices", changed, "?release=true"))).toMatchObject({
    outcome: "unchanged",
    release: answer["release"],
  });
});

test("an upload that comes again with its idempotency key is one version, though a patch came between; other bytes are refused", async () => {
  const origin = await createTestOrigin({ items });
  const upload = (body: unknown): Promise<Record<string, unknown>> =>
    answerOf(
      origin.request("/v1/datasets/prices/versions", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "night-1" },
        body: JSON.stringify(body),
      }),
    );
  const [first, meanwhile] = await Promise.all([upload(changed), upload(changed)]);
  expect(first).toMatchObject({ outcome: "held", number: 2 });
  expect(meanwhile).toEqual(first);
  await origin.post("/v1/datasets/prices/patches", { items: [{ key: "sku-2", merge: { price: 9 } }] });
  expect(await upload(changed)).toEqual(first);
  expect((await origin.status()).datasets[0]?.candidate?.publish).toBe(2);
  expect(await upload(items)).toMatchObject({ status: 422, code: "IDEMPOTENCY_MISMATCH" });
  const other = origin.request("/v1/datasets/prices/versions?release=true", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": "night-1" },
    body: JSON.stringify(changed),
  });
  expect(await answerOf(other)).toMatchObject({ status: 422, code: "IDEMPOTENCY_MISMATCH" });
});
