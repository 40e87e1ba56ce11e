import type { PatchMinute } from "@sluice/core/api";
import { type Event, type LoggedEvent, percentText, unreachable } from "@sluice/core";
import { durationText } from "../duration.ts";
import { counted, countText, padTo, shareText } from "../text.ts";
import { differenceText } from "./difference.ts";
import { actorText, dateTimeText } from "./time.ts";
import { droppedText } from "./restored.ts";

const whoWidth = 18;
const datasetWidth = 12;

/** One event as a line of the timeline: when, who, on what, what and why. */
export function eventLine({ at, by, event }: LoggedEvent, timeZone?: string): string {
  const { dataset, text } = describe(event);
  const who = padTo(actorText(by), whoWidth);
  return `${dateTimeText(at, timeZone)}  ${who}  ${padTo(dataset, datasetWidth)}  ${text}`;
}

/** What happened to a release, without when and on what. */
export function releaseEventText(event: Event): string {
  // Its evidence is drawn beside it.
  if (event.type === "release-reverted") return `REVERTED: ${event.cause.reason}`;
  return describe(event).text.replace(/^v\d+ /, "");
}

/** What patches did in a minute, as a line of the same timeline. */
export function patchMinuteLine(minute: PatchMinute, timeZone?: string): string {
  const { dataset, patches, keysSet, keysRemoved, firstNumber, lastNumber, firstAt } = minute;
  const versions = firstNumber === lastNumber ? `v${firstNumber}` : `v${firstNumber} to v${lastNumber}`;
  const removed = keysRemoved === 0 ? "" : `, ${countText(keysRemoved)} removed`;
  const text = `${versions}: ${countText(patches)} ${patches === 1 ? "patch" : "patches"}, ${counted(keysSet, "key")} set${removed}`;
  return `${dateTimeText(firstAt, timeZone)}  ${padTo("", whoWidth)}  ${padTo(dataset, datasetWidth)}  ${text}`;
}

function describe(event: Event): { dataset: string; text: string } {
  if ("release" in event && event.type !== "alert-received") {
    const { dataset, version } = nameOfRelease(event.release);
    return { dataset, text: `${version} ${releaseText(event)}` };
  }
  switch (event.type) {
    case "dataset-created":
      return {
        dataset: event.dataset,
        text: `created, policy ${event.policy}, ${counted(event.checks.length, "check")}`,
      };
    case "source-added": {
      const { id, url, intervalMs, onNew } = event.source;
      const found = onNew === "hold" ? "holds" : "releases";
      return {
        dataset: event.dataset,
        text: `source ${id} added: ${url} every ${durationText(intervalMs)}, ${found} what is new`,
      };
    }
    case "source-removed":
      return { dataset: event.dataset, text: `source ${event.source} removed` };
    case "version-published": {
      const what = event.parent === null ? counted(event.content.items, "item") : differenceText(event.difference);
      return {
        dataset: event.dataset,
        text: `v${event.number} published${event.live ? ", live" : ""}: ${what}`,
      };
    }
    case "publish-refused": {
      const what = event.number === null ? "upload" : `v${event.number}`;
      return { dataset: event.dataset, text: `${what} refused, ${event.code}: ${event.message}` };
    }
    case "quarantine-lifted": {
      const keys = event.keys === null ? "" : ` for ${counted(event.keys.length, "key")}`;
      return { dataset: event.dataset, text: `v${event.publish} lifted out of quarantine${keys}: ${event.reason}` };
    }
    case "version-restored": {
      const { restored, number, mode, dropped, cause } = event;
      const how = mode === "exact" ? "as it was" : "with the patches since";
      const left = droppedText(dropped);
      return { dataset: event.dataset, text: `RESTORED v${restored} ${how}, now v${number}, ${left}: ${cause.reason}` };
    }
    case "patched":
      return { dataset: event.dataset, text: `v${event.stable.number} patched` };
    case "rebased": {
      const { parts, layers } = event.base;
      const files = `${counted(parts.length, "part")} and ${counted(layers.length, "layer")}`;
      return { dataset: event.dataset, text: `v${event.number} stands on ${files}` };
    }
    case "alert-received": {
      const release = event.release === null ? null : nameOfRelease(event.release);
      const on =
        release === null
          ? "concerns no release"
          : `${event.action === "none" ? "changed nothing of" : event.action} ${release.version}`;
      const more = event.truncated === undefined ? "" : `; its sender left out ${countText(event.truncated)} more`;
      return { dataset: release?.dataset ?? "", text: `alert ${event.name} ${event.status}: ${on}${more}` };
    }
    default:
      return unreachable(event);
  }
}

type ReleaseEvent = Exclude<Extract<Event, { release: string }>, { type: "alert-received" }>;

function releaseText(event: ReleaseEvent): string {
  switch (event.type) {
    case "release-started":
      return `started at ${percentText(event.thousandths)}${event.acceptQuarantined ? ", quarantined changes accepted" : ""}`;
    case "percentage-set":
      return `to ${percentText(event.thousandths)}: ${event.reason}`;
    case "release-held":
      return `held: ${event.cause.reason}`;
    case "release-resumed":
      return `resumed: ${event.reason}`;
    case "release-promoted":
      return `to everybody: ${event.reason}`;
    case "release-completed":
      return "is stable: the bake is over";
    case "guard-off":
      return `GUARD OFF for ${durationText(event.forMs)}: ${event.reason}`;
    case "guard-on":
      return `guard on: ${event.reason}`;
    case "release-superseded":
      return `ended: ${event.reason}`;
    case "release-reverted":
      return `REVERTED: ${event.cause.reason}${evidenceText(event.cause.evidence)}`;
    default:
      return unreachable(event);
  }
}

function evidenceText(evidence: Extract<Event, { type: "release-reverted" }>["cause"]["evidence"]): string {
  if (evidence === null) return "";
  const { candidateFailures, candidateRequests, controlFailures, controlRequests } = evidence;
  return ` (failed: candidate ${ofText(candidateFailures, candidateRequests)}, control ${ofText(controlFailures, controlRequests)})`;
}

function ofText(failures: number, requests: number): string {
  const share = requests === 0 ? "" : `, ${shareText(failures / requests)}`;
  return `${countText(failures)} of ${countText(requests)}${share}`;
}

/** A release's id says what it is of (`prices-v4-x7k2mq`); an id of another form stands for itself. */
export function nameOfRelease(id: string): { dataset: string; version: string } {
  const [, dataset, version] = /^(.+)-(v\d+)-[^-]+$/.exec(id) ?? [];
  return dataset === undefined || version === undefined
    ? { dataset: "", version: `release ${id}` }
    : { dataset, version };
}
