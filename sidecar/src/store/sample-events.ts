import { createHash } from "node:crypto";
import type { Actor, Content, Delta, Event, LinePosition, LoggedEvent } from "@sluice/core";
import { defaultPlan } from "@sluice/core";
import type { EventLog } from "./port.ts";

const mei: Actor = { kind: "person", name: "mei" };
const cause = { reason: "it hurt", evidence: null };
const noDelta: Delta = { set: [], remove: [] };

/** A content hash that a test can call by name. */
export function hashOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

/** Numbers events from `first` on, a second apart. */
export function logged(first: number, ...events: readonly Event[]): LoggedEvent[] {
  return events.map((event, index) => ({ sequence: first + index, at: 1_000 * (first + index), by: mei, event }));
}

export function datasetCreated(dataset: string): Event {
  return { type: "dataset-created", dataset, policy: "canary", plan: defaultPlan, checks: [] };
}

/** A version whose content hash is that of `content`. */
export function published(dataset: string, number: number, content: string, live: boolean): Event {
  return {
    type: "version-published",
    dataset,
    number,
    parent: null,
    content: contentOf(content),
    origin: { source: null, bytesHash: hashOf(`bytes of ${content}`) },
    difference: { added: 1, removed: 0, changed: 0, unchanged: 0, examples: [] },
    warnings: [],
    changes: null,
    quarantinedChanges: null,
    live,
  };
}

/** A patch that gives each line the content named. */
export function patched(
  dataset: string,
  number: number,
  stable: string,
  candidate?: string,
  delta: Delta = noDelta,
): Event {
  return {
    type: "patched",
    dataset,
    stable: position(number, stable),
    candidate: candidate === undefined ? null : position(number + 1, candidate),
    delta,
    candidateDelta: null,
  };
}

/** The version `number` of the line that `publish` began stands on files of its own. */
export function rebased(dataset: string, publish: number, number: number, content: string): Event {
  const { base, contentHash, items } = contentOf(content);
  return { type: "rebased", dataset, publish, number, base, contentHash, items };
}

export function releaseStarted(release: string, dataset: string): Event {
  return {
    type: "release-started",
    release,
    dataset,
    salt: "salt",
    plan: defaultPlan,
    thousandths: 5_000,
    acceptQuarantined: false,
  };
}

export function percentageSet(release: string, thousandths: number): Event {
  return { type: "percentage-set", release, thousandths, reason: "on we go", evidence: null };
}

export function releaseEnded(
  type: "release-reverted" | "release-completed" | "release-superseded",
  release: string,
): Event {
  if (type === "release-completed") return { type, release };
  return type === "release-reverted" ? { type, release, cause } : { type, release, reason: "a newer one" };
}

export function alertReceived(release: string | null): Event {
  return {
    type: "alert-received",
    name: "CheckoutErrors",
    status: "firing",
    labels: { severity: "page" },
    action: release === null ? "none" : "hold",
    release,
  };
}

/** The events that a log has after a sequence number. */
export async function readEvents(log: Pick<EventLog, "read">, after = 0, limit?: number): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for await (const event of log.read(after, limit === undefined ? {} : { limit })) events.push(event);
  return events;
}

function position(number: number, content: string): LinePosition {
  return { number, contentHash: hashOf(content), items: 1 };
}

function contentOf(content: string): Content {
  return {
    base: {
      parts: [{ name: hashOf(`part of ${content}`), bytes: 100, items: 1, contentHash: hashOf(content) }],
      layers: [],
    },
    overlay: null,
    contentHash: hashOf(content),
    items: 1,
  };
}
