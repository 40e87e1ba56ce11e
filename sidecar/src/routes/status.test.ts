import { paths } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import { SSEStreamingApi } from "hono/streaming";
import { expect, test, vi } from "vitest";
import { createTestOrigin, pricedItems } from "../origin.testing.ts";

test("a status stream that is open for long holds no more than one that has just begun, and nothing once it is gone", async () => {
  const listening = vi.spyOn(SSEStreamingApi.prototype, "onAbort");
  const origin = await createTestOrigin({ items: pricedItems(3) });
  const reader = (await origin.request(paths.statusStream)).body?.getReader();
  await reader?.read();
  for (let quarter = 0; quarter < 400; quarter++) {
    origin.clock.advance(250);
    await settle();
  }
  expect(listening).toHaveBeenCalledTimes(1);
  await origin.publish("prices", pricedItems(4));
  origin.clock.advance(250);
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain("event: status");
  await reader?.cancel();
  await settle();
  await origin.origin.close();
  expect(origin.clock.nextInMs()).toBeUndefined();
});
