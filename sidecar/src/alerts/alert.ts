import { createHash } from "node:crypto";
import type { Actor } from "@sluice/core";
import { canonicalJson } from "@sluice/core";
import type { PlainAlert, WebhookAlert } from "@sluice/core/api";
import { alertNameLengthMax } from "@sluice/core/api";

/** An alert, whatever it came from. */
export interface Alert {
  readonly name: string;
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
  /** Tells alerts of one name apart: 16 characters or so, the same for the same labels. */
  readonly fingerprint: string;
  /** Since when it fires, as its sender says it; null where the sender does not. */
  readonly startsAt: string | null;
  /** What its sender says about it; null where that is nothing. */
  readonly reason: string | null;
  /** Whom it concerns, where its sender says so and leaves nothing to the plans' rules. */
  readonly direct: { readonly dataset: string; readonly action: "revert" | "hold" } | null;
}

const fingerprintLength = 16;

/** An alert of Alertmanager. */
export function alertOfWebhook({ status, labels, startsAt, fingerprint }: WebhookAlert): Alert {
  return {
    name: nameIn(labels) ?? "unnamed",
    status,
    labels,
    fingerprint:
      fingerprint !== undefined && /^[0-9a-f]{1,64}$/i.test(fingerprint) ? fingerprint : hashOf(labels, null),
    startsAt: startsAt === undefined || Number.isNaN(Date.parse(startsAt)) ? null : startsAt,
    reason: null,
    direct: null,
  };
}

/** An alert of anybody else. */
export function alertOfPlain({ name, status, labels: given, dataset, action, reason }: PlainAlert): Alert {
  const labels = nameIn(given) === undefined ? { ...given, alertname: name } : given;
  const direct = dataset === null || action === null ? null : { dataset, action };
  return { name, status, labels, fingerprint: hashOf(labels, dataset), startsAt: null, reason, direct };
}

/**
 * Who holds a release because of an alert: its name and its fingerprint, so that the end of one alert does not let go what another
 * one of the same name holds.
 */
export function holderOf({ name, fingerprint }: Pick<Alert, "name" | "fingerprint">): Actor {
  const own = fingerprint.slice(0, 64);
  return { kind: "alert", name: `${name.slice(0, alertNameLengthMax - own.length - 1)} ${own}` };
}

/** Why an alert reverts or holds, in a sentence. */
export function causeOf({ name, labels, reason }: Alert): string {
  const others = Object.entries(labels)
    .filter(([label]) => label !== "alertname")
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(", ");
  const which = `alert ${name} is firing${others === "" ? "" : ` (${others.slice(0, 500)})`}`;
  return reason === null ? which : `${which}: ${reason}`;
}

function nameIn(labels: Readonly<Record<string, string>>): string | undefined {
  const name = Object.hasOwn(labels, "alertname") ? labels["alertname"]?.slice(0, alertNameLengthMax) : undefined;
  return name === "" ? undefined : name;
}

function hashOf(labels: Readonly<Record<string, string>>, dataset: string | null): string {
  const text = canonicalJson([Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)), dataset]);
  return createHash("sha256").update(text).digest("hex").slice(0, fingerprintLength);
}
