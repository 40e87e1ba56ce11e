import fc from "fast-check";
import { expect, test } from "vitest";
import type { Command } from "./command.ts";
import { decide } from "./decide.ts";
import type { Actor } from "./event.ts";
import { evolve } from "./evolve.ts";
import type { HoldWant } from "./next-hold.ts";
import { withNextHolds } from "./next-hold.ts";
import { after, ben, carryOut, guard, noon, reason, release, running } from "./sample-release.testing.ts";
import type { NamespaceState } from "./state.ts";

const vanished: Actor = { kind: "guard", name: "vanished" };
const payments: Actor = { kind: "alert", name: "PaymentsFail 1" };
const slow: Actor = { kind: "alert", name: "Slow 2" };
const plan: Actor = { kind: "plan", name: release };
const holders = [guard, vanished, payments, slow];
const ranks = { plan: 0, guard: 1, alert: 2, person: 3, source: 0, origin: 0 };

const resume: Command = { type: "resume", release, reason: "seen" };
const promote: Command = { type: "promote", release, epoch: null };
const hold: Command = { type: "hold", release, cause: reason };

const want = (by: Actor, since: number): HoldWant => ({
  by,
  cause: { reason: `${by.name} wants it`, evidence: null },
  since,
});

/** The state that a command leads to, with the holds that follow from it, and who holds the release then. */
function carriedOut(
  state: NamespaceState,
  command: Command,
  by: Actor,
  wants: readonly HoldWant[],
): { readonly state: NamespaceState; readonly types: readonly string[]; readonly holder: Actor | null } {
  const decision = withNextHolds(state, decide(state, { by, command }, noon), noon, () => wants);
  const events = decision.kind === "events" ? decision.events : [];
  const next = events
    .map((each, index) => ({ sequence: state.sequence + 1 + index, at: noon, ...each }))
    .reduce(evolve, state);
  return {
    state: next,
    types: events.map(({ event }) => event.type),
    holder: next.releases[release]?.hold?.by ?? null,
  };
}

test("whose hold ends first, whoever ends it: the next is who outranks the others, of one rank the oldest, and never who held", () => {
  const since = fc.nat({ max: 3 });
  const wants = fc.uniqueArray(fc.record({ by: fc.constantFrom(...holders), since }), {
    selector: ({ by }) => by.name,
  });
  fc.assert(
    fc.property(
      fc.constantFrom(ben, plan, ...holders),
      fc.constantFrom(resume, promote),
      fc.boolean(),
      wants,
      (owner, command, isOwn, given) => {
        const held = carryOut(running(), hold, owner).state;
        // A promotion is a person's.
        const by = isOwn && command === resume ? owner : ben;
        const { holder, types } = carriedOut(
          held,
          command,
          by,
          given.map((each) => want(each.by, each.since)),
        );
        const others = given.filter((each) => each.by !== owner);
        const order = others.toSorted((a, b) => ranks[b.by.kind] - ranks[a.by.kind] || a.since - b.since);
        expect(holder).toEqual(order[0]?.by ?? null);
        expect(types.filter((type) => type === "release-held")).toHaveLength(order.length > 0 ? 1 : 0);
      },
    ),
  );
});

test("the next holds in the same append, with its own reason, and the plan counts its time anew", () => {
  const held = after(running(), hold);
  const { state, types } = carriedOut(held, resume, ben, [want(payments, 1)]);
  expect(types).toEqual(["release-resumed", "release-held"]);
  expect(state.releases[release]).toMatchObject({
    stepSince: noon,
    overruled: [],
    hold: { by: payments, at: noon, cause: { reason: "PaymentsFail 1 wants it" } },
  });
});

test("whose hold has ended is the one of the same kind and name", () => {
  const namesake: Actor = { kind: "alert", name: guard.name };
  const held = carryOut(running(), hold, namesake).state;
  expect(carriedOut(held, resume, ben, [want(guard, 1), want(namesake, 1)]).holder).toEqual(guard);
});

test("what the guard wants while it is off holds nothing, and leaves the hold to who comes after it", () => {
  const off: Command = { type: "guard-off", release, forMs: 60_000, reason: "a known fault" };
  const held = after(running(), hold, off);
  expect(carriedOut(held, resume, ben, [want(guard, 1)]).holder).toBeNull();
  expect(carriedOut(held, resume, ben, [want(guard, 1), want(slow, 2)]).holder).toEqual(slow);
});

test("nothing follows where no hold ends: not from a promotion of what nobody held, a refused resume, a revert or a percentage", () => {
  const wants = [want(payments, 1)];
  expect(carriedOut(running(), promote, ben, wants).types).toEqual(["release-promoted"]);
  expect(carriedOut(running(), resume, ben, wants).types).toEqual([]);
  const held = after(running(), hold);
  expect(carriedOut(held, resume, slow, wants).types).toEqual([]);
  const revert: Command = { type: "revert", target: { release }, cause: reason };
  expect(carriedOut(held, revert, ben, wants).types).toEqual(["release-reverted"]);
  const percentage: Command = { type: "set-percentage", release, thousandths: 2_000, epoch: null };
  expect(carriedOut(held, percentage, ben, wants)).toMatchObject({ types: ["percentage-set"], holder: ben });
});
