import { unreachable } from "../assert.ts";
import { own } from "../own.ts";
import type { Command, GivenCommand, Proven } from "./command.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Actor, Content, LoggedEvent, TakenBack } from "./event.ts";
import { evolve } from "./evolve.ts";
import { defaultPlan } from "./plan.ts";
import type { Shell } from "./random-shell.testing.ts";
import { createFacts, createTimers } from "./random-shell.testing.ts";
import type { Step } from "./random-steps.testing.ts";
import { anna, plans } from "./random-steps.testing.ts";
import { proof } from "./sample-proof.testing.ts";
import type { NamespaceState } from "./state.ts";
import { activeRelease, emptyState } from "./state.ts";

/** When every history begins, milliseconds since the Unix epoch. */
export const startMs: number = Date.UTC(2026, 10, 11);

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
const contentOf = (contentHash: string): Content => ({
  base: { parts: [{ name: contentHash, bytes: 100, items: 1, contentHash }], layers: [] },
  overlay: null,
  contentHash,
  items: 1,
});
const difference = { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] };

/** Plays a history and calls `see` after each command. Facts that a shell adds are derived here from the log, as a store would. */
export function play(
  steps: readonly Step[],
  see: (moment: Moment) => void = () => {},
): { state: NamespaceState; log: LoggedEvent[] } {
  let state = emptyState;
  let nowMs = startMs;
  let drawn = 0;
  const log: LoggedEvent[] = [];
  const timers = createTimers();
  const facts = createFacts();
  for (const step of steps) {
    if (step.do === "wait" || step.do === "jump") nowMs += step.ms;
    if (step.do === "wait") timers.pass(step.ms);
    const given = commandOf(step, { state, facts, timers, draw: () => drawn++ });
    if (given === undefined) continue;
    const decision = decide(state, given, nowMs);
    const before = state;
    const logged: LoggedEvent[] = [];
    for (const { by, event } of decision.kind === "events" ? decision.events : []) {
      const next = { sequence: state.sequence + 1, at: nowMs, by, event };
      state = evolve(state, next);
      facts.take(next, state);
      logged.push(next);
    }
    log.push(...logged);
    timers.see(state);
    see({ given, decision, before, after: state, logged, nowMs });
  }
  return { state, log };
}

/** The command that a step stands for, with the facts that a shell would add; undefined for a step that gives none. */
export function commandOf(step: Step, shell: Shell): GivenCommand | undefined {
  if (step.do === "jump") return undefined;
  if (step.do === "wait") return tickOf(step.proof, shell);
  const { state, facts, draw } = shell;
  const dataset = ["prices", "constructor"][step.dataset] ?? "prices";
  const known = own(state.datasets, dataset);
  const active = activeRelease(state, dataset);
  const release = active?.id ?? "release-none";
  const cause = { reason: "it hurts", evidence: null };
  const drawRelease = (): { release: string; salt: string } => ({
    release: `release-${draw()}`,
    salt: `salt-${draw()}`,
  });
  switch (step.do) {
    case "create":
      return given({
        type: "create-dataset",
        dataset,
        policy: step.policy,
        plan: plans[step.plan] ?? defaultPlan,
        checks: [],
      });
    case "publish": {
      const contentHash = hashOf(step.content);
      // A source never takes the place of what runs, and accepts nothing.
      const isSource = step.by.kind === "source";
      const request = { supersede: step.supersede && !isSource, acceptQuarantined: step.accept && !isSource };
      const publish: Command = {
        type: "publish",
        dataset,
        content: contentOf(contentHash),
        origin: { source: null, bytesHash: contentHash },
        comparedWith: step.echo === 3 ? 999 : (known?.stable?.publish ?? null),
        parent: known?.stable?.number ?? null,
        difference,
        warnings: [],
        // Of some the changes cannot be compared with anything.
        changes: step.content % 4 === 0 ? null : contentHash,
        linesWithContent: facts.linesWithContent(dataset, contentHash),
        quarantinedChanges:
          step.echo === 2 && known?.quarantine[0] !== undefined
            ? { count: 3, of: 4, publish: known.quarantine[0].publish }
            : null,
        request: step.release ? { thousandths: null, ...request } : null,
        draw: drawRelease(),
      };
      return given(publish, step.by);
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
        release,
        thousandths: step.thousandths,
        epoch: step.stale ? 77 : (active?.epoch ?? null),
      });
    case "hold":
      return given({ type: "hold", release, cause }, step.by);
    case "resume":
      return given({ type: "resume", release, reason: "looked" }, step.by);
    case "promote":
      return given({ type: "promote", release, epoch: null });
    case "revert":
      return given({ type: "revert", target: { dataset }, cause, announced: step.announced }, step.by);
    case "restore":
      return restoreOf(dataset, step.version, step.stale, shell);
    case "guard-off":
      return given({ type: "guard-off", release, forMs: step.forMs, reason: "a person knows better" });
    case "guard-on":
      return given({ type: "guard-on", release, reason: "looked" });
    case "lift": {
      const publish = known?.quarantine[0]?.publish ?? 1;
      return given({ type: "lift-quarantine", dataset, publish, keys: null, reason: "mended" });
    }
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

function tickOf(state: "none" | "current" | "stale", shell: Shell): GivenCommand {
  const proven: Record<string, Proven> = {};
  for (const { id, epoch } of Object.values(shell.state.releases)) {
    if (state !== "none") proven[id] = { epoch: state === "current" ? epoch : epoch - 1, evidence: proof };
  }
  return given({ type: "tick", ...shell.timers.elapsed(), proven }, { kind: "plan", name: "clock" });
}

function restoreOf(dataset: string, version: number, stale: boolean, { state, facts }: Shell): GivenCommand {
  const versions = facts.stableVersions(dataset);
  const restored = versions[version % Math.max(1, versions.length)];
  const publish = restored?.publish ?? 1;
  const takenBack = new Map<number, TakenBack>();
  for (const each of versions.slice(restored === undefined ? 0 : versions.indexOf(restored))) {
    if (each.publish !== publish)
      takenBack.set(each.publish, { publish: each.publish, bytesHash: each.bytesHash, changes: null });
  }
  return given({
    type: "restore",
    dataset,
    restored: restored?.number ?? 1,
    line: publish,
    mode: "exact",
    stable: (own(state.datasets, dataset)?.stable?.number ?? 0) - (stale ? 1 : 0),
    content: contentOf(restored?.contentHash ?? hashOf(0)),
    origin: { source: null, bytesHash: restored?.bytesHash ?? hashOf(0) },
    difference,
    changes: null,
    dropped: { changes: takenBack.size, keys: 1 },
    takenBack: [...takenBack.values()],
    cause: { reason: "it was better", evidence: null },
  });
}

function given(command: Command, by: Actor = anna): GivenCommand {
  return { by, command };
}
