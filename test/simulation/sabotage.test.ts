import type { Event } from "@sluice/core";
import type { Frame } from "@sluice/core/api";
import { expect, test, vi } from "vitest";
import type { Forge, Party } from "./network.ts";
import { playSeed } from "./seed.ts";
import { Violation } from "./trace.ts";
import { bringsRevert, type Sabotage } from "./world.ts";

vi.mock("node:fs", async (original) => (await import("./virtual-fs.ts")).virtualFs(await original()));
vi.mock("node:fs/promises", async (original) => (await import("./virtual-fs.ts")).virtualPromises(await original()));
vi.mock("node:crypto", async (original) => (await import("./virtual-crypto.ts")).virtualCrypto(await original()));
vi.mock("node:sqlite", async (original) => (await import("./virtual-sqlite.ts")).virtualSqlite(await original()));

/** A seed more is a world in which the sabotage may do more harm. */
const seedsMax = 12;

/** Plays worlds that are broken on purpose until one is caught, and gives what caught it. */
async function caughtBy(sabotage: Sabotage): Promise<string> {
  for (let seed = 1; seed <= seedsMax; seed++) {
    const caught = await playSeed(seed, sabotage).catch((error: unknown) => error);
    if (caught instanceof Violation) return caught.message.split("\n")[0] ?? "";
    if (caught instanceof Error) throw caught;
  }
  return "nobody";
}

const isSdk = ({ host }: Party): boolean => host.startsWith("sdk");
const isSidecar = ({ host }: Party): boolean => host.startsWith("sidecar");

/** Changes the events of a frame one by one, in their places. */
function withEvents(frame: Frame, change: (event: Event) => Event): Frame {
  if (frame.type !== "events") return frame;
  return { ...frame, events: frame.events.map((logged) => ({ ...logged, event: change(logged.event) })) };
}

test("an application that hears of nothing from a revert on, although its heartbeats come, is caught", async () => {
  const deaf = new Set<Party>();
  const forge: Forge = (frame, _from, to) => {
    if (!isSdk(to)) return [frame];
    if (bringsRevert(frame)) deaf.add(to);
    return deaf.has(to) && frame.type !== "heartbeat" && frame.type !== "hello" ? [] : [frame];
  };
  expect(await caughtBy({ forge })).toMatch(/^invariant 2: .* the owner vouched for sdk-\d .* was reverted/);
});

test("a sidecar that calls its contact fresh is caught", async () => {
  const forge: Forge = (frame, from, to) =>
    isSidecar(from) && isSdk(to) && frame.type === "heartbeat" ? [{ ...frame, ageMs: 0 }] : [frame];
  expect(await caughtBy({ forge })).toMatch(/^invariant 2: .* sidecar-\d says that its contact is 0 ms old/);
});

test("a percentage that one application sees as another one is caught", async () => {
  const halved = (event: Event): Event =>
    event.type === "percentage-set" || event.type === "release-started"
      ? { ...event, thousandths: Math.floor(event.thousandths / 2) }
      : event;
  const forge: Forge = (frame, _from, to) => [to.host === "sdk-0" ? withEvents(frame, halved) : frame];
  expect(await caughtBy({ forge })).toMatch(
    /^invariant 3: .* sdk-0 shows user-\d+ .* although nothing keeps it from the candidate/,
  );
});

test("a store that confirms what it does not keep is caught", async () => {
  const prepare: Sabotage["prepare"] = ({ clock, origin }) => {
    clock.setTimer(8_000, () => origin.setStore("lies", 0));
  };
  // Who notices first is whoever hears of it first: the operator, or a follower that is at an event which nobody has.
  expect(await caughtBy({ prepare })).toMatch(
    /^(invariant 8: .* op-\d+ .* was confirmed as event \d+, which is of undefined|the log: .* the log has \d+ events and none of number \d+)/,
  );
});

test("an origin that gives a number twice is caught", async () => {
  const prepare: Sabotage["prepare"] = ({ origin }) => {
    const { events } = origin.disk;
    const push = events.push.bind(events);
    events.push = (...stored) =>
      push(...stored.map((event) => ({ ...event, json: event.json.replace(/"number":7,/, '"number":6,') })));
  };
  expect(await caughtBy({ prepare })).toMatch(/^invariant 5: .* \w+ gives the number 6 after 6/);
});

test("a quarantine that forgets is caught", async () => {
  const prepare: Sabotage["prepare"] = ({ origin }) => {
    // The very bytes never come again here, so that the content is all there is to know it by.
    origin.disk.contents.get = () => undefined;
  };
  expect(await caughtBy({ prepare })).toMatch(/^invariant 7: .* v\d+ of \w+ is v\d+, which was reverted/);
});
