import { createVirtualClock } from "@sluice/core";
import type { StatusAnswer } from "@sluice/core/api";
import { settle } from "@sluice/replica/testing";
import { expect, test } from "vitest";
import { createFleet } from "./fleet.testing.ts";
import { createOwnerFinder } from "./owner-finder.ts";

const statusOf = (following: string | null, log = "log-1"): StatusAnswer => ({
  instance: "i",
  role: following === null ? "origin" : "follower",
  log,
  sequence: 1,
  at: 1,
  following: following === null ? null : { url: following, contactAgeMs: 0, connected: true },
  datasets: [],
  followers: { total: 0, list: [] },
});

/** A finder among instances by URL; null never answers. */
function finderAmong(
  instances: Readonly<Record<string, StatusAnswer | null>>,
  clock = createVirtualClock(),
): { readonly finder: ReturnType<typeof createOwnerFinder>; readonly asked: string[] } {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { url } = new Request(input);
    asked.push(url);
    const status = instances[url.replace("/v1/status", "")];
    if (status === undefined) throw new TypeError("fetch failed");
    if (status !== null) return Response.json(status);
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener("abort", () => reject(new TypeError("aborted")));
    });
  };
  return { finder: createOwnerFinder({ fetch, clock, log: () => "log-1" }), asked };
}

test("commands that a sidecar's sidecar refuses go to the origin, and not to the sidecar between", async () => {
  const fleet = await createFleet();
  await fleet.sidecar("s2");
  await fleet.sidecar("s3", { follows: "s2" });
  await fleet.until(async () => (await fleet.status("s3")).datasets.length > 0);
  expect(await fleet.post("s3", "/v1/datasets/prices/revert")).toMatchObject({
    code: "NOT_ORIGIN",
    detail:
      "this instance follows http://s2, and neither of them takes commands; give them to the origin, http://origin",
    details: { origin: "http://origin" },
  });
  expect(await fleet.post("s2", "/v1/datasets/prices/revert")).toMatchObject({
    code: "NOT_ORIGIN",
    detail: "this instance follows http://origin and takes no commands; give them there",
    details: { origin: "http://origin" },
  });
});

test("an origin that does not answer is named as the last one that is known", async () => {
  const { finder } = finderAmong({ "http://s2": statusOf("http://origin") });
  expect(await finder.find("http://s2")).toEqual({ url: "http://origin", isSure: false });
});

test("an address that leads to another log from here is not taken for the origin", async () => {
  const { finder } = finderAmong({
    "http://s2": statusOf("http://127.0.0.1:7070"),
    "http://127.0.0.1:7070": statusOf(null, "log-2"),
  });
  expect(await finder.find("http://s2")).toEqual({ url: "http://127.0.0.1:7070", isSure: false });
});

test("instances that follow each other are left", async () => {
  const { finder, asked } = finderAmong({ "http://a": statusOf("http://b"), "http://b": statusOf("http://a") });
  expect(await finder.find("http://a")).toMatchObject({ isSure: false });
  expect(asked).toHaveLength(2);
});

test("an instance that does not answer keeps nobody waiting for longer than a second", async () => {
  const clock = createVirtualClock();
  const { finder } = finderAmong({ "http://s2": null }, clock);
  const found = finder.find("http://s2");
  await settle();
  clock.advance(1_000);
  expect(await found).toEqual({ url: "http://s2", isSure: false });
});

test("what was found out is not asked for again within ten seconds", async () => {
  const clock = createVirtualClock();
  const { finder, asked } = finderAmong({ "http://o": statusOf(null) }, clock);
  expect(await finder.find("http://o")).toEqual({ url: "http://o", isSure: true });
  await finder.find("http://o");
  expect(asked).toEqual(["http://o/v1/status"]);
  clock.advance(10_000);
  await finder.find("http://o");
  expect(asked).toHaveLength(2);
});
