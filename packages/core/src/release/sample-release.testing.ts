import type { Command } from "./command.ts";
import { decide } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Actor, Content, LoggedEvent } from "./event.ts";
import { evolve } from "./evolve.ts";
import type { Plan } from "./plan.ts";
import { defaultPlan } from "./plan.ts";
import type { NamespaceState } from "./state.ts";
import { emptyState } from "./state.ts";

/** When everything happens that says nothing else, milliseconds since the Unix epoch. */
export const noon: number = Date.UTC(2026, 10, 11, 12);
export const ben: Actor = { kind: "person", name: "ben" };
export const guard: Actor = { kind: "guard", name: "comparative" };
export const feed: Actor = { kind: "source", name: "feed" };
export const reason = { reason: "it hurts", evidence: null } as const;

type Publish = Extract<Command, { type: "publish" }>;
type Restore = Extract<Command, { type: "restore" }>;
type Start = Extract<Command, { type: "start-release" }>;

const difference = { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] };

/** 64 hex digits that stand for a content, or for bytes. */
export function hashOf(content: number): string {
  return content.toString(16).padStart(64, "0");
}

/** One item in no files. */
export function contentOf(content: number): Content {
  return { base: { parts: [], layers: [] }, overlay: null, contentHash: hashOf(content), items: 1 };
}

/** A publish to `prices` that is compared with v1 and asks for nothing. */
export function publishOf(content: number, given: Partial<Publish> = {}): Publish {
  return {
    type: "publish",
    dataset: "prices",
    content: contentOf(content),
    origin: { source: null, bytesHash: hashOf(content) },
    comparedWith: 1,
    parent: 1,
    difference,
    warnings: [],
    changes: null,
    linesWithContent: [],
    quarantinedChanges: null,
    request: null,
    draw: { release: `release-${content}`, salt: "salt" },
    ...given,
  };
}

/** What a publish says that is to be released at once. */
export const asked = { thousandths: null, supersede: false, acceptQuarantined: false } as const;

/** The start of what `prices` holds, by the dataset's plan, as `release`. */
export function startOf(release: string, given: Partial<Start> = {}): Start {
  return {
    type: "start-release",
    dataset: "prices",
    publish: null,
    plan: null,
    thousandths: null,
    acceptQuarantined: false,
    draw: { release, salt: "salt" },
    ...given,
  };
}

/** A restore of v1 of `prices`, worked out against v2. */
export function restoreOf(given: Partial<Restore> = {}): Restore {
  return {
    type: "restore",
    dataset: "prices",
    restored: 1,
    line: 1,
    mode: "exact",
    stable: 2,
    content: contentOf(1),
    origin: { source: null, bytesHash: hashOf(1) },
    difference,
    changes: null,
    dropped: { changes: 1, keys: 1 },
    takenBack: [{ publish: 2, bytesHash: hashOf(2), changes: null }],
    cause: reason,
    ...given,
  };
}

/** Decides, folds, and gives both, with the types of the events, none where nothing changed. */
export function carryOut(
  state: NamespaceState,
  command: Command,
  by: Actor = ben,
  at: number = noon,
): {
  readonly decision: Decision;
  readonly state: NamespaceState;
  readonly logged: readonly LoggedEvent[];
  readonly types: readonly string[];
} {
  const decision = decide(state, { by, command }, at);
  const list = decision.kind === "events" ? decision.events : [];
  const logged = list.map((each, index) => ({ sequence: state.sequence + 1 + index, at, ...each }));
  const types = logged.map(({ event }) => event.type);
  return { decision, logged, types, state: logged.reduce(evolve, state) };
}

/** The state after commands of ben. Throws where one is not accepted. */
export function after(state: NamespaceState, ...commands: readonly Command[]): NamespaceState {
  return commands.reduce((before, command) => {
    const { decision, state: next } = carryOut(before, command);
    if (decision.kind !== "events") throw new Error(`${command.type} was not accepted: ${JSON.stringify(decision)}`);
    return next;
  }, state);
}

/** The datasets `prices` (canary, v1 stable) and `stock` (immediate, empty), with the default plan, but without evidence, or another. */
export function sample(plan: Plan = { ...defaultPlan, promotion: null }): NamespaceState {
  return after(
    emptyState,
    { type: "create-dataset", dataset: "prices", policy: "canary", plan, checks: [] },
    { type: "create-dataset", dataset: "stock", policy: "immediate", plan, checks: [] },
    publishOf(1, { comparedWith: null, parent: null }),
  );
}

/** The release of v2 of `prices`. */
export const release = "release-2";

/** The sample with a release of v2, from the plan's first step on where no percentage is given. */
export function running(thousandths: number | null = null, plan?: Plan): NamespaceState {
  return after(sample(plan), publishOf(2, { request: { ...asked, thousandths } }));
}

/** The sample with v2 stable and its bake over. */
export function completed(): NamespaceState {
  const promote: Command = { type: "promote", release, epoch: null };
  return after(running(), promote, promote);
}
