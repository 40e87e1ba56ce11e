import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { answerOf, createTestOrigin, pricedItems } from "../origin.testing.ts";

const items = pricedItems(20);
const changed = { ...items, "sku-1": { price: 55, currency: "CNY" } };

test.each([
  "?percent=5&release=true",
  "?relase=true",
  "?release=yes",
  "?release=true&thousandths=",
  "?release=true&thousandths=2.5",
  "?thousandths=5000",
  "?supersede=true",
])("a publish that asks with %s is refused, and does not do something else", async (query) => {
  const origin = await createTestOrigin({ items });
  expect(await answerOf(origin.publish("prices", changed, query))).toMatchObject({ status: 400, code: "VALIDATION" });
  expect((await origin.status()).datasets[0]).toMatchObject({ stable: { publish: 1 }, candidate: null });
});

test("an encoded upload is refused as what it is, not as bad UTF-8", async () => {
  const origin = await createTestOrigin({ items });
  const upload = origin.request("/v1/datasets/prices/versions", {
    method: "POST",
    body: gzipSync(JSON.stringify(changed)),
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
  });
  expect(await answerOf(upload)).toMatchObject({
    status: 415,
    code: "UNSUPPORTED_MEDIA_TYPE",
    detail: "expected the bytes as they are, came content-encoding gzip",
  });
});

test("an item of a patch that has no form of one is named by its place, with the forms that there are", async () => {
  const origin = await createTestOrigin({ items });
  const patch = [
    { key: "sku-1", merge: { price: 1 } },
    { key: "sku-2", frobnicate: 1 },
    { key: "sku-3", remove: false },
  ];
  const reason = 'expected {"key": …, "merge": …}, {"key": …, "value": …} or {"key": …, "remove": true}';
  expect(await answerOf(origin.post("/v1/datasets/prices/patches", { items: patch }))).toMatchObject({
    code: "VALIDATION",
    details: {
      problems: [
        { path: "/items/1", reason },
        { path: "/items/2", reason },
      ],
    },
  });
});
