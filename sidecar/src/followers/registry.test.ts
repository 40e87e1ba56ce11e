import type { VirtualClock } from "@sluice/core";
import { createVirtualClock, emptyState, leaseMs } from "@sluice/core";
import type { Confirmation, FollowerInfo } from "@sluice/core/api";
import { pino } from "pino";
import { expect, test } from "vitest";
import { awayMs } from "./away.ts";
import type { Registry } from "./registry.ts";
import { createRegistry } from "./registry.ts";

function create(): { clock: VirtualClock; registry: Registry } {
  const clock = createVirtualClock();
  return { clock, registry: createRegistry({ clock, logger: pino({ level: "silent" }), leaseMs }) };
}

const shop = (id: string): FollowerInfo => ({ id, name: `shop ${id}`, kind: "sdk" });
/** One of several processes under one name. */
const worker = (id: string): FollowerInfo => ({ id, name: "shop", kind: "sdk" });
const sidecar = (id: string): FollowerInfo => ({ id, name: `sidecar ${id}`, kind: "sidecar" });
const ids = (registry: Registry): string[] => registry.live().map(({ id }) => id);

function confirmation(follower: string, more: Partial<Confirmation> = {}): Confirmation {
  return { follower, applied: 1, reverted: [], prepared: [], ...more };
}

test("a follower counts while it is connected and for the lease after", () => {
  const { clock, registry } = create();
  const disconnected = registry.connected(shop("a"));
  clock.advance(60_000);
  disconnected();
  clock.advance(leaseMs);
  expect(ids(registry)).toEqual(["a"]);
  clock.advance(1);
  expect(ids(registry)).toEqual([]);
});

test("a follower that comes back within the lease goes on with what it has confirmed", () => {
  const { clock, registry } = create();
  const disconnected = registry.connected(shop("a"));
  registry.receive({ confirmations: [confirmation("a", { applied: 7 })], children: null });
  disconnected();
  clock.advance(leaseMs - 1);
  registry.connected(shop("a"));
  clock.advance(60_000);
  expect(registry.list()).toEqual([{ ...shop("a"), via: null, applied: 7 }]);
});

test("what followers have confirmed of another log is forgotten, and they are here all the same", () => {
  const { registry } = create();
  registry.connected(shop("a"));
  registry.receive({ confirmations: [confirmation("a", { applied: 7, prepared: ["r1"] })], children: null });
  expect(registry.confirmationOf("a", emptyState)).toEqual(confirmation("a", { applied: 7, prepared: ["r1"] }));
  registry.forgetConfirmed();
  expect(registry.confirmationOf("a", emptyState)).toBe(undefined);
  expect(registry.list()).toEqual([{ ...shop("a"), via: null, applied: 0 }]);
  expect(registry.confirmationOf("b", emptyState)).toBe(undefined);
});

test("a second stream of a follower outlives the end of the first", () => {
  const { clock, registry } = create();
  const first = registry.connected(shop("a"));
  registry.connected(shop("a"));
  first();
  clock.advance(60_000);
  expect(ids(registry)).toEqual(["a"]);
});

test("followers of a sidecar count as long as its list says so", () => {
  const { registry } = create();
  registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a"), shop("b")] } });
  expect(registry.list()).toEqual([
    { ...sidecar("s"), via: null, applied: 0 },
    { ...shop("a"), via: "sidecar s", applied: 0 },
    { ...shop("b"), via: "sidecar s", applied: 0 },
  ]);
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("b")] } });
  expect(ids(registry)).toEqual(["s", "b"]);
  registry.receive({ confirmations: [confirmation("b")], children: null });
  expect(ids(registry)).toEqual(["s", "b"]);
});

test("followers of a sidecar are gone with it, after the lease", () => {
  const { clock, registry } = create();
  const disconnected = registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a")] } });
  disconnected();
  clock.advance(leaseMs);
  expect(ids(registry)).toEqual(["s", "a"]);
  clock.advance(1);
  expect(ids(registry)).toEqual([]);
  // Forgotten, not only left out: who comes back has confirmed nothing.
  registry.connected(shop("a"));
  expect(registry.live()[0]?.connectedAt).toBe(clock.wall());
});

test("a list that comes before the sidecar's stream holds if the stream comes within the lease", () => {
  const { clock, registry } = create();
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a")] } });
  registry.receive({ confirmations: [], children: { of: "never", followers: [shop("b")] } });
  clock.advance(leaseMs);
  registry.connected(sidecar("s"));
  expect(ids(registry)).toEqual(["a", "b", "s"]);
  clock.advance(60_000);
  expect(ids(registry)).toEqual(["a", "s"]);
});

test("a follower that moves between two sidecars is one follower and stays when the first forgets it", () => {
  const { registry } = create();
  registry.connected(sidecar("s"));
  registry.connected(sidecar("t"));
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a")] } });
  registry.receive({ confirmations: [], children: { of: "t", followers: [shop("a")] } });
  registry.receive({ confirmations: [], children: { of: "s", followers: [] } });
  expect(registry.live().map(({ id, via }) => [id, via])).toEqual([
    ["s", null],
    ["t", null],
    ["a", "t"],
  ]);
});

test("a confirmation says what is new, and one that another overtook takes nothing back", () => {
  const { registry } = create();
  registry.connected(shop("a"));
  registry.receive({ confirmations: [confirmation("a", { applied: 9, prepared: ["r"] })], children: null });
  registry.receive({ confirmations: [confirmation("a", { applied: 8, reverted: ["q"] })], children: null });
  expect(registry.live()).toMatchObject([{ applied: 9, reverted: new Set(["q"]), prepared: new Set(["r"]) }]);
});

test("the newest thousand releases of a follower are remembered", () => {
  const { registry } = create();
  registry.connected(shop("a"));
  for (let release = 0; release <= 1_000; release += 1) {
    registry.receive({ confirmations: [confirmation("a", { prepared: [`r${release}`] })], children: null });
  }
  expect([registry.prepared("r0").count, registry.prepared("r1").count]).toEqual([0, 1]);
});

test("prepared counts those with a live lease alone", () => {
  const { clock, registry } = create();
  const disconnected = registry.connected(shop("a"));
  registry.connected(shop("b"));
  registry.connected(shop("c"));
  const confirmations = ["a", "b"].map((id) => confirmation(id, { prepared: ["r"] }));
  registry.receive({ confirmations, children: null });
  expect(registry.prepared("r")).toEqual({ count: 2, of: 3 });
  disconnected();
  clock.advance(leaseMs + 1);
  expect(registry.prepared("r")).toEqual({ count: 1, of: 2 });
});

test("listeners are told of every confirmation, also of a follower that is not known", () => {
  const { registry } = create();
  const heard: string[] = [];
  registry.subscribe({ confirmation: ({ follower }) => heard.push(follower) });
  registry.receive({ confirmations: [confirmation("a"), confirmation("stranger")], children: null });
  expect(heard).toEqual(["a", "stranger"]);
});

test("listeners are told who follows when that changes, once for many changes, and not for what stays", () => {
  const { clock, registry } = create();
  const heard: string[][] = [];
  registry.subscribe({ children: (followers) => heard.push(followers.map(({ id }) => id)) });
  const disconnected = registry.connected(shop("a"));
  registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("b")] } });
  clock.advance(50);
  expect(heard).toEqual([["a", "s", "b"]]);
  registry.connected(shop("a"))();
  registry.receive({ confirmations: [confirmation("b")], children: null });
  clock.advance(1_000);
  expect(heard).toHaveLength(1);
  disconnected();
  clock.advance(leaseMs + 51);
  expect(heard.slice(1)).toEqual([["s", "b"]]);
});

/** What a registry says of those who go. */
function goings(registry: Registry): string[] {
  const heard: string[] = [];
  registry.subscribe({
    left: ({ name }) => void heard.push(`${name} left`),
    lost: ({ name }) => void heard.push(`${name} lost`),
  });
  return heard;
}

const leave = (registry: Registry, ...left: string[]): void =>
  registry.receive({ confirmations: [], children: null, left });

test("who says goodbye is gone at once, before or after its stream has ended, and is never called lost", () => {
  const { clock, registry } = create();
  const heard = goings(registry);
  const ends = ["a", "b", "c"].map((id) => registry.connected(shop(id)));
  leave(registry, "a");
  ends.forEach((end) => end());
  leave(registry, "b", "b");
  expect(ids(registry)).toEqual(["c"]);
  clock.advance(leaseMs + 1);
  expect(heard).toEqual(["shop a left", "shop b left", "shop c lost"]);
});

test("a list that still names who has said goodbye does not bring it back, and one that lacks it loses nobody", () => {
  const { registry } = create();
  const heard = goings(registry);
  registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a"), shop("b")] } });
  registry.receive({ confirmations: [], children: { of: "s", followers: [] }, left: ["a"] });
  expect(heard).toEqual(["shop a left", "shop b lost"]);
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a")] } });
  expect(ids(registry)).toEqual(["s"]);
});

test("those who follow through a sidecar that says goodbye count for the lease: they are on their way elsewhere", () => {
  const { clock, registry } = create();
  const heard = goings(registry);
  const disconnected = registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children: { of: "s", followers: [shop("a"), shop("b")] } });
  leave(registry, "s");
  disconnected();
  expect(ids(registry)).toEqual(["a", "b"]);
  registry.connected(shop("a"));
  clock.advance(leaseMs + 1);
  expect(ids(registry)).toEqual(["a"]);
  expect(heard).toEqual(["sidecar s left", "shop b lost"]);
});

test("who is lost is away for fifteen minutes, until it is back or says goodbye", () => {
  const { clock, registry } = create();
  for (const id of ["a", "b", "c", "d"]) registry.connected(shop(id))();
  clock.advance(leaseMs + 1);
  const names = (): string[] => registry.away().map(({ name }) => name);
  expect(names()).toEqual(["shop a", "shop b", "shop c", "shop d"]);
  registry.connected(shop("a"));
  leave(registry, "b");
  expect(names()).toEqual(["shop c", "shop d"]);
  clock.advance(awayMs - 1);
  expect(names()).toEqual(["shop c", "shop d"]);
  clock.advance(1);
  expect(names()).toEqual([]);
});

test("those behind a sidecar are away with it, and back with its list", () => {
  const { clock, registry } = create();
  const children = { of: "s", followers: [shop("a")] };
  const disconnected = registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children });
  disconnected();
  clock.advance(leaseMs + 1);
  expect(registry.away().map(({ id }) => id)).toEqual(["a", "s"]);
  registry.connected(sidecar("s"));
  registry.receive({ confirmations: [], children });
  expect(registry.away()).toEqual([]);
});

test("a process started anew under the same name takes the place of one that was lost, before or after its lease ends", () => {
  const { clock, registry } = create();
  const heard: string[] = [];
  registry.subscribe({ replaced: (lost, by) => void heard.push(`${by.id} for ${lost.id}`) });
  registry.connected(worker("old"));
  clock.advance(60_000);
  registry.connected(worker("a"))();
  registry.connected(worker("b"))();
  clock.advance(500);
  registry.connected(worker("a2"));
  clock.advance(leaseMs);
  // One came, two went, and the one that was there all along takes nobody's place.
  expect(heard).toEqual(["a2 for a"]);
  expect(registry.away().map(({ id }) => id)).toEqual(["b"]);
  registry.connected(worker("b2"));
  expect(heard).toEqual(["a2 for a", "b2 for b"]);
  expect(registry.away()).toEqual([]);
});

test("of two that are away under one name, the one that is back takes nobody's place but its own", () => {
  const { clock, registry } = create();
  registry.connected(worker("a"))();
  registry.connected(worker("b"))();
  clock.advance(leaseMs + 1);
  registry.connected(worker("b"));
  expect(registry.away().map(({ id }) => id)).toEqual(["a"]);
});
