import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Command, GivenCommand } from "./command.ts";
import type { Actor, Event } from "./event.ts";
import { defaultPlan } from "./plan.ts";
import type { Asked, Situation } from "./release-table.testing.ts";
import { table } from "./release-table.testing.ts";
import { proof } from "./sample-proof.testing.ts";
import {
  asked,
  ben,
  carryOut,
  contentOf,
  hashOf,
  noon,
  publishOf,
  reason,
  restoreOf,
  startOf,
} from "./sample-release.testing.ts";
import type { NamespaceState } from "./state.ts";
import { emptyState } from "./state.ts";

const alert: Actor = { kind: "alert", name: "Slow" };

function publish(state: NamespaceState, content: number, request: "none" | "release" | "supersede"): Command {
  const stable = state.datasets["prices"]?.stable ?? null;
  return publishOf(content, {
    comparedWith: stable?.publish ?? null,
    parent: stable?.number ?? null,
    request: request === "none" ? null : { ...asked, supersede: request === "supersede" },
  });
}

/** A command of ben's, or of whom it says. */
type History = (state: NamespaceState) => Command | GivenCommand;

/** Plays commands, each of which has to be accepted. */
function play(state: NamespaceState, commands: readonly History[]): NamespaceState {
  let now = state;
  for (const build of commands) {
    const built = build(now);
    const { by, command } = "by" in built ? built : { by: ben, command: built };
    const { decision, state: next } = carryOut(now, command, by);
    if (decision.kind !== "events") throw new Error(`the set-up was not accepted: ${JSON.stringify(decision)}`);
    now = next;
  }
  return now;
}

const created = (): NamespaceState =>
  play(emptyState, [
    () => ({ type: "create-dataset", dataset: "prices", policy: "canary", plan: defaultPlan, checks: [] }),
  ]);
const first = (state: NamespaceState): Command => publish(state, 1, "none");
const second = (state: NamespaceState): Command => publish(state, 2, "release");
const start = (thousandths: number | null): Command => startOf("release-10", { thousandths });
const hold = (): Command => ({ type: "hold", release: "release-2", cause: reason });
const promote = (): Command => ({ type: "promote", release: "release-2", epoch: null });
const revert = (): Command => ({ type: "revert", target: { release: "release-2" }, cause: reason });
const supersede = (state: NamespaceState): Command => publish(state, 3, "supersede");

const histories: Record<Situation, readonly History[]> = {
  "no version": [],
  stable: [first],
  held: [first, (state) => publish(state, 2, "none")],
  running: [first, second],
  "running, held": [first, second, hold],
  "running, alert holds": [first, second, () => ({ by: alert, command: hold() })],
  baking: [first, second, promote],
  "baking, held": [first, second, promote, hold],
  completed: [first, second, promote, promote],
  reverted: [first, second, revert],
  superseded: [first, second, supersede],
};

const columns: Record<Asked, (state: NamespaceState) => Command> = {
  publish: (state) => publish(state, 9, "none"),
  "publish --release": (state) => publish(state, 9, "release"),
  "publish --supersede": (state) => publish(state, 9, "supersede"),
  patch: (state) => ({
    type: "patch",
    dataset: "prices",
    stable: { contentHash: "a".repeat(64), items: 1 },
    candidate: state.datasets["prices"]?.candidate ? { contentHash: "b".repeat(64), items: 1 } : null,
    delta: { set: [["sku", "1"]], remove: [] },
    candidateDelta: null,
    differingKeys: [],
    bothLines: false,
  }),
  rebase: (state) => ({
    type: "rebase",
    dataset: "prices",
    publish: state.datasets["prices"]?.stable?.publish ?? 1,
    number: state.datasets["prices"]?.stable?.number ?? 1,
    base: contentOf(1).base,
    contentHash: hashOf(1),
    items: 1,
  }),
  start: () => start(null),
  "start below": () => start(500),
  percentage: () => ({ type: "set-percentage", release: "release-2", thousandths: 7_000, epoch: null }),
  hold,
  resume: () => ({ type: "resume", release: "release-2", reason: "looked" }),
  promote,
  revert: () => ({ type: "revert", target: { dataset: "prices" }, cause: reason }),
  time: () => ({ type: "tick" }),
  proof: ({ releases }) => ({
    type: "tick",
    proven: Object.fromEntries(Object.values(releases).map(({ id, epoch }) => [id, { epoch, evidence: proof }])),
  }),
  "guard off": () => ({ type: "guard-off", release: "release-2", forMs: 600_000, reason: "the payment provider" }),
  "guard on": () => ({ type: "guard-on", release: "release-2", reason: "it is back" }),
  restore: (state) =>
    restoreOf({
      stable: state.datasets["prices"]?.stable?.number ?? 1,
      content: contentOf(7),
      origin: { source: null, bytesHash: hashOf(7) },
      takenBack: [],
    }),
};

function cellOf(state: NamespaceState, command: Command): string {
  const { decision } = carryOut(state, command, ben, command.type === "tick" ? noon + 86_400_000 : noon);
  if (decision.kind === "rejected") return decision.code;
  if (decision.kind === "unchanged")
    return decision.release !== null && command.type === "revert" ? "- (the earlier receipt)" : "-";
  return decision.events.map(({ event }) => nameOf(event)).join(", ");
}

function nameOf(event: Event): string {
  return event.type === "version-published" && event.live ? "version-published (live)" : event.type;
}

const rows = Object.entries(table).flatMap(([situation, cells]) =>
  Object.entries(cells).map(([command, cell]) => ({ situation, command, cell })),
) as { situation: Situation; command: Asked; cell: string }[];

test.each(rows)("$situation: $command comes to $cell", ({ situation, command, cell }) => {
  const state = play(created(), histories[situation]);
  expect(cellOf(state, columns[command](state))).toBe(cell);
});

test("docs/RELEASES.md shows this table", () => {
  const text = readFileSync(new URL("../../../../docs/RELEASES.md", import.meta.url), "utf8");
  const commands = Object.keys(columns) as Asked[];
  for (const command of commands) {
    const line = `| \`${command}\` | ${Object.keys(table)
      .map((situation) => table[situation as Situation][command])
      .join(" | ")} |`;
    expect(text).toContain(line);
  }
  expect(text).toContain(`| asked | ${Object.keys(table).join(" | ")} |`);
});
