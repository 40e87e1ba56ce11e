import fc from "fast-check";
import { expect, test } from "vitest";
import { frameSchema, loggedEventSchema } from "../api/index.ts";
import { unreachable } from "../assert.ts";
import { own } from "../own.ts";
import { armOf, bucketOf } from "./bucketing.ts";
import type { Command, GivenCommand } from "./command.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Actor, Content, EventType, LoggedEvent } from "./event.ts";
import { evolve } from "./evolve.ts";
import { defaultPlan, everybodyThousandths, nextStep } from "./plan.ts";
import type { NamespaceState } from "./state.ts";
import { activeRelease, emptyState, isActive } from "./state.ts";

const seed = Number(process.env["SLUICE_SEED"] ?? Math.floor(Date.UTC(2026, 10, 11) / 1000));
const runs = { numRuns: 3_000, seed };
console.info(`release machine: seed ${seed} (SLUICE_SEED repeats it)`);

const anna: Actor = { kind: "person", name: "anna" };
const startMs = Date.UTC(2026, 10, 11);

/** What a random history is drawn from; numbers pick among what the state offers. */
type Step =
  | { do: "create"; dataset: number; policy: "immediate" | "canary" }
  | {
      do: "publish";
      dataset: number;
      content: number;
      release: boolean;
      supersede: boolean;
      accept: boolean;
      echo: number;
    }
  | { do: "patch"; dataset: number; content: number }
  | { do: "start"; dataset: number; accept: boolean; thousandths: number | null }
  | { do: "percentage"; dataset: number; thousandths: number; stale: boolean }
  | { do: "hold" | "resume" | "promote"; dataset: number }
  | { do: "revert"; dataset: number; by: Actor["kind"] }
  | { do: "lift"; dataset: number }
  | { do: "refuse"; dataset: number }
  | { do: "wait"; ms: number };

const datasetArbitrary = fc.nat(1);
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("create" as const),
    dataset: datasetArbitrary,
    policy: fc.constantFrom("immediate" as const, "canary" as const),
  }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("publish" as const),
      dataset: datasetArbitrary,
      content: fc.nat(11),
      release: fc.boolean(),
      supersede: fc.boolean(),
      accept: fc.boolean(),
      echo: fc.nat(3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("patch" as const), dataset: datasetArbitrary, content: fc.nat(11) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("start" as const),
      dataset: datasetArbitrary,
      accept: fc.boolean(),
      thousandths: fc.option(fc.integer({ min: -1, max: 100_001 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("percentage" as const),
      dataset: datasetArbitrary,
      thousandths: fc.integer({ min: -1, max: 100_001 }),
      stale: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("hold" as const, "resume" as const, "promote" as const),
      dataset: datasetArbitrary,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("revert" as const),
      dataset: datasetArbitrary,
      by: fc.constantFrom("person" as const, "guard" as const, "alert" as const),
    }),
  },
  fc.record({ do: fc.constant("lift" as const), dataset: datasetArbitrary }),
  fc.record({ do: fc.constant("refuse" as const), dataset: datasetArbitrary }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 250, 600_000, 1_800_000, 7_200_000),
    }),
  },
);
// Most begin with both datasets in place, so that the rest of the history meets something.
const historyArbitrary = fc
  .array(stepArbitrary, { minLength: 1, maxLength: 60, size: "max" })
  .map((steps): Step[] => [
    { do: "create", dataset: 0, policy: "canary" },
    { do: "create", dataset: 1, policy: "immediate" },
    ...steps,
  ]);

/** One moment of a history: what was asked, what came of it, and the states around it. */
interface Moment {
  readonly given: GivenCommand;
  readonly decision: Decision;
  readonly before: NamespaceState;
  readonly after: NamespaceState;
  readonly logged: readonly LoggedEvent[];
  readonly nowMs: number;
}

const hashOf = (content: number): string => content.toString(16).padStart(64, "0");
const contentOf = (content: number): Content => ({
  base: { parts: [{ name: hashOf(content), bytes: 100, items: 1, contentHash: hashOf(content) }] },
  overlay: null,
  contentHash: hashOf(content),
  items: 1,
});

/** Plays a history and calls `see` after each command. Facts that a shell adds are derived here from the log, as a store would. */
function play(
  steps: readonly Step[],
  see: (moment: Moment) => void = () => {},
): { state: NamespaceState; log: LoggedEvent[] } {
  let state = emptyState;
  let nowMs = startMs;
  let drawn = 0;
  const log: LoggedEvent[] = [];
  for (const step of steps) {
    if (step.do === "wait") nowMs += step.ms;
    const given = commandOf(step, state, log, () => drawn++);
    if (given === undefined) continue;
    const decision = decide(state, given, nowMs);
    const before = state;
    const logged: LoggedEvent[] = [];
    for (const { by, event } of decision.kind === "events" ? decision.events : []) {
      const next = { sequence: state.sequence + 1, at: nowMs, by, event };
      state = evolve(state, next);
      logged.push(next);
    }
    log.push(...logged);
    see({ given, decision, before, after: state, logged, nowMs });
  }
  return { state, log };
}

function commandOf(
  step: Step,
  state: NamespaceState,
  log: readonly LoggedEvent[],
  draw: () => number,
): GivenCommand | undefined {
  if (step.do === "wait") return { by: { kind: "plan", name: "clock" }, command: { type: "tick" } };
  const dataset = ["prices", "constructor"][step.dataset] ?? "prices";
  const known = own(state.datasets, dataset);
  const active = activeRelease(state, dataset);
  const given = (command: Command, by: Actor = anna): GivenCommand => ({ by, command });
  const drawRelease = (): { release: string; salt: string } => ({
    release: `release-${draw()}`,
    salt: `salt-${draw()}`,
  });
  switch (step.do) {
    case "create":
      return given({ type: "create-dataset", dataset, policy: step.policy, plan: defaultPlan, checks: [] });
    case "publish": {
      const contentHash = hashOf(step.content);
      return given({
        type: "publish",
        dataset,
        content: contentOf(step.content),
        origin: { source: null, bytesHash: contentHash },
        comparedWith: step.echo === 3 ? 999 : (known?.stable?.publish ?? null),
        parent: known?.stable?.number ?? null,
        difference: { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] },
        warnings: [],
        changes: null,
        linesWithContent: linesWithContent(log, dataset, contentHash),
        quarantinedChanges:
          step.echo === 2 && known?.quarantine[0] !== undefined
            ? { count: 3, of: 4, publish: known.quarantine[0].publish }
            : null,
        request: step.release ? { thousandths: null, supersede: step.supersede, acceptQuarantined: step.accept } : null,
        draw: drawRelease(),
      });
    }
    case "patch": {
      const position = { contentHash: hashOf(step.content), items: 1 };
      return given({
        type: "patch",
        dataset,
        stable: position,
        candidate: known?.candidate === null || known?.candidate === undefined ? null : position,
        delta: { set: [["a", step.content]], remove: [] },
        candidateDelta: null,
        differingKeys: [],
        bothLines: false,
      });
    }
    case "start":
      return given({
        type: "start-release",
        dataset,
        publish: null,
        plan: null,
        thousandths: step.thousandths,
        acceptQuarantined: step.accept,
        draw: drawRelease(),
      });
    case "percentage":
      return given({
        type: "set-percentage",
        release: active?.id ?? "release-none",
        thousandths: step.thousandths,
        epoch: step.stale ? 77 : (active?.epoch ?? null),
      });
    case "hold":
      return given({
        type: "hold",
        release: active?.id ?? "release-none",
        cause: { reason: "a look", evidence: null },
      });
    case "resume":
      return given({ type: "resume", release: active?.id ?? "release-none", reason: "looked" });
    case "promote":
      return given({ type: "promote", release: active?.id ?? "release-none", epoch: null });
    case "revert":
      return given(
        { type: "revert", target: { dataset }, cause: { reason: "it hurts", evidence: null } },
        { kind: step.by, name: "x" },
      );
    case "lift":
      return given({
        type: "lift-quarantine",
        dataset,
        publish: known?.quarantine[0]?.publish ?? 1,
        keys: null,
        reason: "mended",
      });
    case "refuse":
      return given({
        type: "refuse-publish",
        dataset,
        code: "CHECK_REFUSED",
        message: "no",
        findings: [],
        origin: null,
      });
    default:
      return unreachable(step);
  }
}

/** The publishes of the lines that ever had a content, from the log alone: what a store answers. */
function linesWithContent(log: readonly LoggedEvent[], dataset: string, contentHash: string): number[] {
  const found = new Set<number>();
  let state = emptyState;
  for (const logged of log) {
    state = evolve(state, logged);
    const { event } = logged;
    if (event.type === "version-published" && event.dataset === dataset && event.content.contentHash === contentHash)
      found.add(event.number);
    if (event.type === "patched" && event.dataset === dataset) {
      const known = own(state.datasets, dataset);
      if (event.stable.contentHash === contentHash) found.add(known?.stable?.publish ?? 0);
      if (event.candidate?.contentHash === contentHash) found.add(known?.candidate?.publish ?? 0);
    }
  }
  return [...found];
}

test("the histories reach every kind of event that the machine can make", () => {
  const kinds = new Set<string>();
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      for (const { event } of play(steps).log) kinds.add(event.type);
    }),
    { ...runs, numRuns: 300 },
  );
  // Sources and alerts have tests of their own: they change nothing of who sees what.
  const left: readonly EventType[] = ["source-added", "source-removed", "alert-received"];
  const all: Record<EventType, true> = {
    "dataset-created": true,
    "source-added": true,
    "source-removed": true,
    "version-published": true,
    "publish-refused": true,
    patched: true,
    "release-started": true,
    "percentage-set": true,
    "release-held": true,
    "release-resumed": true,
    "release-promoted": true,
    "release-completed": true,
    "release-reverted": true,
    "release-superseded": true,
    "quarantine-lifted": true,
    "alert-received": true,
  };
  expect([...kinds, ...left].toSorted()).toEqual(Object.keys(all).toSorted());
});

test("invariant 3: raising the percentage only adds targeting keys to the candidate, lowering removes the last added", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.integer({ min: 0, max: 100_000 }),
      fc.integer({ min: 0, max: 100_000 }),
      (salt, key, a, b) => {
        const bucket = bucketOf(salt, key);
        expect(bucket).toBeGreaterThanOrEqual(0);
        expect(bucket).toBeLessThan(everybodyThousandths);
        const [low, high] = a <= b ? [a, b] : [b, a];
        if (armOf(bucket, low) === "candidate") expect(armOf(bucket, high)).toBe("candidate");
        expect(armOf(bucket, 0)).toBe("control");
        expect(armOf(bucket, everybodyThousandths)).toBe("candidate");
      },
    ),
    runs,
  );
});

test("invariant 3: the share of keys in the candidate is the percentage", () => {
  for (const thousandths of [500, 5_000, 25_000, 50_000]) {
    const inside = Array.from({ length: 40_000 }, (_, user) => bucketOf("salt", `user-${user}`)).filter(
      (bucket) => bucket < thousandths,
    ).length;
    // Five standard deviations of a binomial share.
    const share = thousandths / everybodyThousandths;
    expect(Math.abs(inside - 40_000 * share)).toBeLessThan(5 * Math.sqrt(40_000 * share * (1 - share)));
  }
});

test("invariant 5: a version number never names two contents, and no number is given twice", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      const given = new Map<string, string>();
      for (const { event } of play(steps).log) {
        const name = (dataset: string, number: number, content: string): void => {
          expect(given.has(`${dataset} ${number}`)).toBe(false);
          given.set(`${dataset} ${number}`, content);
        };
        if (event.type === "version-published") name(event.dataset, event.number, event.content.contentHash);
        if (event.type === "publish-refused" && event.number !== null) name(event.dataset, event.number, "refused");
        if (event.type === "patched") {
          name(event.dataset, event.stable.number, event.stable.contentHash);
          if (event.candidate !== null) name(event.dataset, event.candidate.number, event.candidate.contentHash);
        }
      }
    }),
    runs,
  );
});

test("invariant 6: a revert is accepted in every state with an active release, and ends it", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      const { state } = play(steps);
      for (const release of Object.values(state.releases).filter(isActive)) {
        const stable = own(state.datasets, release.dataset)?.stable;
        for (const kind of ["person", "guard", "alert"] as const) {
          const command: Command = {
            type: "revert",
            target: { release: release.id },
            cause: { reason: "it hurts", evidence: null },
          };
          const decision = decide(state, { by: { kind, name: "x" }, command }, startMs * 2);
          expect(decision.kind).toBe("events");
          if (decision.kind !== "events") return;
          expect(decision.events.map(({ event }) => event.type)).toEqual(["release-reverted"]);
          const event = decision.events[0]?.event;
          if (event === undefined) return;
          const after = evolve(state, { sequence: state.sequence + 1, at: startMs, by: anna, event });
          expect(activeRelease(after, release.dataset)).toBeUndefined();
          expect(own(after.datasets, release.dataset)?.stable).toEqual(stable);
          expect(own(after.datasets, release.dataset)?.candidate).toBeNull();
        }
      }
    }),
    runs,
  );
});

test("invariant 6: reverts within five minutes are one, and a revert of nothing changes nothing", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      play(steps, ({ given, decision, before, logged, nowMs }) => {
        if (given.command.type !== "revert" || !("dataset" in given.command.target)) return;
        const { dataset } = given.command.target;
        const active = activeRelease(before, dataset);
        expect(logged.length).toBe(active === undefined ? 0 : 1);
        if (active !== undefined) return;
        const recent = Object.values(before.releases).some(
          ({ phase, ended, dataset: of }) =>
            phase === "reverted" && of === dataset && nowMs - (ended?.at ?? 0) <= 300_000,
        );
        if (decision.kind === "unchanged") expect(recent).toBe(true);
        else expect(decision).toMatchObject({ kind: "rejected" });
      });
    }),
    runs,
  );
});

test("invariant 7: no content of a reverted line is published again while its mark stands", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      play(steps, ({ given, before, logged }) => {
        const { command } = given;
        if (command.type !== "publish") return;
        const marks = own(before.datasets, command.dataset)?.quarantine ?? [];
        const marked = marks.some(
          ({ publish, bytesHash }) =>
            command.linesWithContent.includes(publish) || bytesHash === command.origin.bytesHash,
        );
        if (marked) expect(logged).toEqual([]);
      });
    }),
    runs,
  );
});

test("invariant 7: changes that come back from a reverted version never start by themselves", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      play(steps, ({ logged, after }) => {
        for (const { event } of logged) {
          if (event.type !== "release-started") continue;
          const candidate = own(after.datasets, event.dataset)?.candidate;
          if (candidate !== null && candidate?.quarantinedChanges !== null) expect(event.acceptQuarantined).toBe(true);
        }
      });
    }),
    runs,
  );
});

test("invariant 9: a follower that reads the log from the wire computes the origin's state", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      const { state, log } = play(steps);
      const wire = log.map((logged) => loggedEventSchema.parse(JSON.parse(JSON.stringify(logged))));
      expect(wire.reduce(evolve, emptyState)).toEqual(state);
      const frame = frameSchema.parse(JSON.parse(JSON.stringify({ type: "state", state, lines: {}, marks: [] })));
      expect(frame).toEqual({ type: "state", state, lines: {}, marks: [] });
    }),
    { ...runs, numRuns: 1_000 },
  );
});

test("deciding changes nothing and is repeatable", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      play(steps, ({ given, decision, before, nowMs }) => {
        expect(decide(structuredClone(before), structuredClone(given), nowMs)).toEqual(decision);
      });
    }),
    { ...runs, numRuns: 1_000 },
  );
});

test("an automatic plan never jumps over a step, however long the origin slept", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      play(steps, ({ given, before, logged }) => {
        if (given.command.type !== "tick") return;
        const moved = logged.map(({ event }) => ("release" in event ? event.release : ""));
        expect(new Set(moved).size).toBe(moved.length);
        for (const { event } of logged) {
          if (event.type !== "percentage-set" && event.type !== "release-promoted") continue;
          const release = own(before.releases, event.release);
          expect(release?.hold).toBeNull();
          const next = release === undefined ? undefined : nextStep(release.plan, release.thousandths);
          expect(event.type === "percentage-set" ? event.thousandths : undefined).toBe(next?.thousandths);
        }
      });
    }),
    runs,
  );
});

test("a release stands between two lines for as long as it is active, and a dataset has at most one", () => {
  fc.assert(
    fc.property(historyArbitrary, (steps) => {
      play(steps, ({ after }) => {
        for (const dataset of Object.values(after.datasets)) {
          const active = Object.values(after.releases).filter(
            (release) => release.dataset === dataset.name && isActive(release),
          );
          expect(active.map(({ id }) => id)).toEqual(dataset.release === null ? [] : [dataset.release]);
          if (dataset.release !== null) expect([dataset.stable, dataset.candidate]).not.toContain(null);
          const [release] = active;
          if (release === undefined) continue;
          expect(dataset.candidate?.publish).toBe(release.candidatePublish);
          expect(dataset.stable?.publish).toBe(release.stablePublish);
          expect(release.phase === "baking").toBe(release.thousandths === everybodyThousandths);
        }
      });
    }),
    runs,
  );
});
