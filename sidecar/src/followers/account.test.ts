import { emptyState, type NamespaceState, type ReleasePhase, type ReleaseState } from "@sluice/core";
import { type HereReverts, hereHostsMax } from "@sluice/core/api";
import { expect, test } from "vitest";
import { addConfirmation, confirmationOf, createAccount } from "./account.ts";

/** A state that knows releases in these phases. */
function knowing(phases: Readonly<Record<string, ReleasePhase>>): NamespaceState {
  const releases = Object.entries(phases).map(([id, phase]) => [id, { id, phase } as ReleaseState]);
  return { ...emptyState, releases: Object.fromEntries(releases) as NamespaceState["releases"] };
}

const said = { follower: "a", applied: 0, reverted: [], prepared: [] };
const refusalOf = (release: string, reason = "a price of 0"): { release: string; reason: string } => ({
  release,
  reason,
});
const hereOf = (host: string, version: number, ...releases: readonly string[]): HereReverts => ({
  host,
  version,
  reverts: releases.map((release) => ({ release, at: 0, by: { kind: "person", name: "anna" }, reason: "disk" })),
});

test("of who has confirmed nothing there is nothing to say", () => {
  expect(confirmationOf("a", createAccount(), emptyState)).toBe(undefined);
});

test("whatever order it came in, all of it is said", () => {
  const account = createAccount();
  addConfirmation(account, { ...said, applied: 7, reverted: ["r1"], here: [hereOf("host", 5, "r2")] });
  addConfirmation(account, { ...said, applied: 6, prepared: ["r2"], refused: [refusalOf("r2")] });
  addConfirmation(account, { ...said, applied: 5, here: [hereOf("host", 4), hereOf("other", 1)] });
  expect(confirmationOf("a", account, knowing({ r1: "reverted", r2: "running" }))).toEqual({
    follower: "a",
    applied: 7,
    reverted: ["r1"],
    prepared: ["r2"],
    refused: [refusalOf("r2")],
    here: [hereOf("host", 5, "r2"), hereOf("other", 1)],
  });
});

test("a refusal that is given with another reason is said with that", () => {
  const account = createAccount();
  for (const reason of ["a price of 0", "no price"])
    addConfirmation(account, { ...said, refused: [refusalOf("r1", reason)] });
  expect(confirmationOf("a", account, emptyState)?.refused).toEqual([refusalOf("r1", "no price")]);
});

test("preparations and refusals of what has ended are not said again; reverts are, which a receipt may wait for", () => {
  const account = createAccount();
  const releases = ["ended", "baking", "stock-v3-restored"];
  const refused = releases.map((release) => refusalOf(release));
  addConfirmation(account, { ...said, applied: 1, reverted: releases, prepared: releases, refused });
  expect(confirmationOf("a", account, knowing({ ended: "reverted", baking: "baking" }))).toMatchObject({
    reverted: releases,
    prepared: ["baking", "stock-v3-restored"],
    refused: [refusalOf("baking"), refusalOf("stock-v3-restored")],
  });
});

test("of what the state has forgotten the newest hundred are said, and all that it knows however old", () => {
  const account = createAccount();
  const old = Array.from({ length: 300 }, (_, index) => `r${index}`);
  addConfirmation(account, { ...said, applied: 1, reverted: old });
  expect(confirmationOf("a", account, knowing({ r0: "reverted" }))?.reverted).toEqual(["r0", ...old.slice(-100)]);
});

test("an account has an end: the newest thousand releases, and the hosts that spoke last", () => {
  const account = createAccount();
  const many = Array.from({ length: 1_100 }, (_, index) => `r${index}`);
  const refused = many.map((release) => refusalOf(release));
  addConfirmation(account, { ...said, reverted: many, prepared: many, refused });
  for (const held of [account.reverted, account.prepared, account.refused.keys()])
    expect([...held]).toEqual(many.slice(-1_000));
  const hosts = Array.from({ length: hereHostsMax + 20 }, (_, index) => hereOf(`host-${index}`, index + 1));
  for (const host of hosts) addConfirmation(account, { ...said, here: [host] });
  expect(account.here.map(({ host }) => host)).toEqual(
    hosts
      .slice(-hereHostsMax)
      .map(({ host }) => host)
      .toReversed(),
  );
});
