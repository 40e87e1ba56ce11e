import fc from "fast-check";
import { unreachable } from "../assert.ts";
import { own } from "../own.ts";
import type { Command, GivenCommand } from "./command.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Actor, Content, LoggedEvent } from "./event.ts";
import { evolve } from "./evolve.ts";
import { defaultPlan } from "./plan.ts";
import type { NamespaceState } from "./state.ts";
import { activeRelease, emptyState } from "./state.ts";

/** Who does what a history does. */
export const anna: Actor = { kind: "person", name: "anna" };

/** When every history begins, milliseconds since the Unix epoch. */
export const startMs: number = Date.UTC(2026, 10, 11);

/** One step of a random history is drawn from; numbers pick among what the state offers. */
export type Step =
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
/** Random histories. Each begins with both datasets in place, so that the rest meets something. */
export const historyArbitrary: fc.Arbitrary<Step[]> = fc
  .array(stepArbitrary, { minLength: 1, maxLength: 60, size: "max" })
  .map((steps): Step[] => [
    { do: "create", dataset: 0, policy: "canary" },
    { do: "create", dataset: 1, policy: "immediate" },
    ...steps,
  ]);

/** One moment of a history: what was asked, what came of it, and the states around it. */
export interface Moment {
  readonly given: GivenCommand;
  readonly decision: Decision;
  readonly before: NamespaceState;
  readonly after: NamespaceState;
  readonly logged: readonly LoggedEvent[];
  readonly nowMs: number;
}

const hashOf = (content: number): string => content.toString(16).padStart(64, "0");
const contentOf = (content: number): Content => ({
  base: { parts: [{ name: hashOf(content), bytes: 100, items: 1, contentHash: hashOf(content) }], layers: [] },
  overlay: null,
  contentHash: hashOf(content),
  items: 1,
});

/** Plays a history and calls `see` after each command. Facts that a shell adds are derived here from the log, as a store would. */
export function play(
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
        delta: { set: [["a", String(step.content)]], remove: [] },
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

function given(command: Command, by: Actor = anna): GivenCommand {
  return { by, command };
}
