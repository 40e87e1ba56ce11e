import { cutOffMs } from "../../sidecar/src/local-guard.ts";
import type { LoggedEvent } from "@sluice/core";
import type { ConfirmationBatch } from "@sluice/core/api";
import type { Followed } from "./followers-watch.ts";
import type { Reached } from "./network.ts";
import { originHost } from "./origin-node.ts";
import { hold } from "./trace.ts";

/** Watches who may take back what, and that a revert which the origin has heard of wins. */
export interface RevertsWatch {
  reached(request: Reached): void;
  /** A sidecar says something in its log. */
  said(follower: Followed, message: string): void;
  event(logged: LoggedEvent): void;
}

/** What was under way to the store when a mark came has come there by then, in milliseconds. */
const underWayMs = 6_000;

/** Everything between a follower's own count of a time and the world's, in milliseconds. */
const toleranceMs = 2;

/** Makes it for one world. `isActive` says whether a release runs or bakes by the log. */
export function createRevertsWatch(dependencies: {
  readonly nowMs: () => number;
  readonly originRun: () => number;
  readonly isActive: (release: string) => boolean;
  readonly count: (what: string) => void;
}): RevertsWatch {
  const { nowMs, originRun, isActive, count } = dependencies;
  const presented = new Map<string, { readonly run: number; readonly atMs: number }>();
  /** Until when the guard of a release is off, because a person said so: its revert may run ahead of the event that says that it is on. */
  const offUntilMs = new Map<string, number>();

  return {
    reached({ to, method, path, body }) {
      if (to.host !== originHost) return;
      const releases: string[] = [];
      if (path.startsWith("/v1/follow?")) {
        const query = new URLSearchParams(path.slice(path.indexOf("?")));
        releases.push(...(query.get("marks") ?? "").split(",").filter((release) => release !== ""));
      } else if (method === "POST" && path === "/v1/confirmations") {
        const { marks = [] } = JSON.parse(Buffer.from(body).toString()) as ConfirmationBatch;
        releases.push(...marks.map(({ release }) => release));
      }
      const run = originRun();
      for (const release of releases) {
        if (isActive(release) && presented.get(release)?.run !== run) presented.set(release, { run, atMs: nowMs() });
      }
    },
    said(follower, message) {
      if (!message.startsWith("cut off from the origin")) return;
      count("cut-off sidecar reverted");
      const contactMs = follower.contactMs();
      const ageMs = contactMs === null ? Number.POSITIVE_INFINITY : nowMs() - contactMs;
      hold("the guard", ageMs > cutOffMs - toleranceMs, () => {
        return `${follower.host} reverts by itself, ${ageMs.toFixed(0)} ms after its last contact`;
      });
    },
    event({ by, event }) {
      const release = "release" in event && event.release !== null ? event.release : "";
      const isCutOff = by.kind === "guard" && by.name.includes(" on sidecar-");
      if (event.type === "release-reverted" && isCutOff) {
        count("reverted by a cut-off sidecar");
        hold("the guard", event.cause.evidence !== null, () => `${by.name} reverts ${release} without its evidence`);
      }
      if (event.type === "guard-off") offUntilMs.set(release, nowMs() + event.forMs - toleranceMs);
      if (event.type === "guard-on") offUntilMs.delete(release);
      if (["release-reverted", "release-held", "release-resumed"].includes(event.type)) {
        const isOff =
          event.type === "release-reverted" ? nowMs() < (offUntilMs.get(release) ?? 0) : offUntilMs.has(release);
        const isAllowed = by.kind !== "guard" || !isOff || isCutOff;
        hold(
          "the guard",
          isAllowed,
          () => `${event.type} comes to ${release} by ${by.name}, although its guard is off`,
        );
      }
      const known = presented.get(release);
      const isLate = known?.run === originRun() && nowMs() - known.atMs > underWayMs;
      const goesOn = ["release-completed", "release-promoted", "percentage-set"].includes(event.type);
      hold("invariant 6", !goesOn || !isLate, () => {
        return `${event.type} comes to ${release}, of whose revert the origin heard ${(nowMs() - (known?.atMs ?? 0)).toFixed(0)} ms before`;
      });
    },
  };
}
