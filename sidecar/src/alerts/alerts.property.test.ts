import { unreachable } from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createMemoryDisk } from "../store/memory-store.ts";
import { createTestOrigin, type TestOrigin } from "../origin.testing.ts";
import { logOf, prices, running, send } from "./alerts.testing.ts";

type Step =
  | { readonly kind: "fire" | "resolve"; readonly service: string; readonly start: number }
  | { readonly kind: "resume" | "hold" | "percent" | "restart" | "kill" };

/** Who holds a release, worked out from what happened and from nothing of the origin's. */
interface Model {
  holder: string | null;
  /** What fires and since when, the one that was heard of first in front; `wants` until a person lets go. */
  firing: { readonly service: string; readonly start: number; wants: boolean }[];
}

const services = ["cart", "checkout", "search"];
const rule = { matchers: [`service=~"${services.join("|")}"`], action: "hold" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: alertStep("fire") },
  { weight: 4, arbitrary: alertStep("resolve") },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ kind: "resume" }, { kind: "hold" }, { kind: "percent" }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: "restart" }, { kind: "kill" }) },
);

function alertStep(kind: "fire" | "resolve"): fc.Arbitrary<Step> {
  return fc.record({ kind: fc.constant(kind), service: fc.constantFrom(...services), start: fc.nat({ max: 1 }) });
}

function expectNext(model: Model, taken: Step): void {
  switch (taken.kind) {
    case "fire": {
      const { service, start } = taken;
      if (model.firing.some((each) => each.service === service && each.start === start)) return;
      model.firing = [...model.firing.filter((each) => each.service !== service), { service, start, wants: true }];
      model.holder ??= service;
      return;
    }
    case "resolve": {
      const { service, start } = taken;
      if (model.firing.some((each) => each.service === service && each.start > start)) return;
      model.firing = model.firing.filter((each) => each.service !== service);
      if (model.holder === service) model.holder = nextOf(model);
      return;
    }
    case "hold":
    case "percent":
      model.holder = "person";
      return;
    case "resume":
      // A person ends the hold in force, and has not said a word on who waits behind it.
      for (const each of model.firing) if (each.service === model.holder) each.wants = false;
      model.holder = nextOf(model);
      return;
    case "restart":
    case "kill":
      return;
    default:
      unreachable(taken);
  }
}

function nextOf({ firing }: Model): string | null {
  return firing.find(({ wants }) => wants)?.service ?? null;
}

async function take(origin: TestOrigin, taken: Step, reopen: () => Promise<TestOrigin>): Promise<TestOrigin> {
  const { id = "", thousandths = 0 } = (await prices(origin)).release ?? {};
  if (taken.kind === "fire" || taken.kind === "resolve") {
    const status = taken.kind === "fire" ? "firing" : "resolved";
    const startsAt = new Date(Date.UTC(2026, 10, 11, 0, taken.start)).toISOString();
    await send(origin, [{ alertname: "Slow", service: taken.service, status, startsAt }]);
  } else if (taken.kind === "restart" || taken.kind === "kill") {
    if (taken.kind === "restart") await origin.origin.close();
    return reopen();
  } else if (taken.kind === "percent") {
    await origin.post(`/v1/releases/${id}/percentage`, { thousandths: 6_000 - thousandths + 1_000 });
  } else await origin.post(`/v1/releases/${id}/${taken.kind}`, {});
  return origin;
}

test("whatever fires, ends, is repeated or overruled in whatever order, a release is held by whom it should be", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const disk = createMemoryDisk();
      let origin = await running({ plan: { alerts: [rule] }, store: { id: "log-1", disk } });
      const { clock } = origin;
      const model: Model = { holder: null, firing: [] };
      for (const each of steps) {
        origin = await take(origin, each, () => createTestOrigin({ store: { id: "log-1", disk }, clock }));
        expectNext(model, each);
        const hold = (await prices(origin)).release?.hold ?? null;
        const holder = hold?.by.kind === "person" ? "person" : serviceIn(hold?.cause.reason);
        expect([each, holder]).toEqual([each, model.holder]);
      }
      // A repetition leaves nothing in the log: no hold without an end between two, however often an alert was sent.
      const course = [...(await logOf(origin, "release-held")), ...(await logOf(origin, "release-resumed"))];
      const changes = course.sort((a, b) => a.sequence - b.sequence);
      // A person takes over what an alert holds, once, and nobody from a person.
      const isTakenOver = (index: number): boolean =>
        changes[index]?.by.kind === "person" && changes[index - 1]?.by.kind === "alert";
      const types = changes
        .map(({ event }) => event.type)
        .filter(
          (type, index) =>
            type !== "release-held" || !isTakenOver(index) || changes[index - 1]?.event.type !== "release-held",
        );
      expect(types).toEqual(types.map((_type, index) => (index % 2 === 0 ? "release-held" : "release-resumed")));
      await origin.origin.close();
    }),
    { numRuns: 60 },
  );
}, 60_000);

function serviceIn(reason: string | undefined): string | null {
  return /service="([\w-]+)"/.exec(reason ?? "")?.[1] ?? null;
}
