import { expect, test } from "vitest";
import { createMetrics, type ServedRequest } from "./metrics.ts";

const served: ServedRequest = {
  route: "/product/:sku",
  status: 200,
  failure: null,
  arm: null,
  release: null,
  seconds: 0.25,
};

test("requests are counted by status, arm and release, failures by kind", () => {
  const metrics = createMetrics();
  const candidate = { ...served, arm: "candidate", release: "prices-v4-x" } as const;
  metrics.count(served);
  metrics.count({ ...candidate, status: 500 });
  metrics.count({ ...candidate, status: 500 });
  metrics.count({ ...candidate, route: "/checkout", status: 422, failure: "below-cost" });
  expect(metrics.text().split("\n")).toEqual(
    expect.arrayContaining([
      "# TYPE shop_requests_total counter",
      'shop_requests_total{route="/product/:sku",status="200",arm="",release=""} 1',
      'shop_requests_total{route="/product/:sku",status="500",arm="candidate",release="prices-v4-x"} 2',
      'shop_failures_total{kind="error",arm="candidate",release="prices-v4-x"} 2',
      'shop_failures_total{kind="below-cost",arm="candidate",release="prices-v4-x"} 1',
      'shop_request_seconds_sum{arm="candidate",release="prices-v4-x"} 0.75',
      'shop_request_seconds_count{arm="candidate",release="prices-v4-x"} 3',
    ]),
  );
});

test("a label may hold what the format quotes with", () => {
  const metrics = createMetrics();
  metrics.count({ ...served, failure: 'a "b"\\\nc' });
  expect(metrics.text()).toContain(String.raw`kind="a \"b\"\\\nc"`);
});
