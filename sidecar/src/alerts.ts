import type { AlertRule, NamespaceState, ReleaseState } from "@sluice/core";
import { isActive, isSluiceError, matchesAll } from "@sluice/core";
import { limits } from "@sluice/core/api";
import type { Logger } from "pino";
import { z } from "zod";
import type { Commands } from "./commands.ts";

/** One alert of Alertmanager's webhook, as far as it concerns us. */
export interface Alert {
  readonly status: "firing" | "resolved";
  readonly labels: Readonly<Record<string, string>>;
}

/** Alertmanager's webhook payload, version 4; what we do not read may be there. */
export const webhookSchema: z.ZodType<{ alerts: readonly Alert[] }> = z.object({
  version: z.literal("4"),
  alerts: z
    .array(
      z.object({
        status: z.enum(["firing", "resolved"]),
        labels: z.record(z.string().max(200), z.string().max(4_000)),
      }),
    )
    .max(limits.alertsPerWebhookMax),
});

/** What an alert means for one active release. */
export interface AlertEffect {
  readonly alert: Alert;
  readonly release: string;
  readonly action: "revert" | "hold";
}

/** What a webhook came to. */
export interface AlertsAnswer {
  readonly received: number;
  readonly effects: readonly { readonly alert: string; readonly release: string; readonly action: "revert" | "hold" }[];
}

/**
 * What alerts do to the active releases. Only firing ones do anything; where several concern a release, `revert` outranks `hold`.
 */
function effectsOf(state: NamespaceState, alerts: readonly Alert[]): AlertEffect[] {
  const effects = new Map<string, AlertEffect>();
  for (const release of Object.values(state.releases)) {
    if (!isActive(release)) continue;
    for (const alert of alerts) {
      const action = alert.status === "firing" ? actionOf(release, alert) : undefined;
      if (action === undefined || effects.get(release.id)?.action === "revert") continue;
      if (action === "revert" || !effects.has(release.id))
        effects.set(release.id, { alert, release: release.id, action });
    }
  }
  return [...effects.values()];
}

/** The rules of a release; a plan without any is concerned by the label `sluice_dataset` that names its dataset. */
function actionOf({ plan, dataset }: ReleaseState, { labels }: Alert): AlertRule["action"] | undefined {
  const rules: readonly AlertRule[] =
    plan.alerts.length > 0 ? plan.alerts : [{ matchers: [`sluice_dataset="${dataset}"`], action: "revert" }];
  const matching = rules.filter(({ matchers }) => matchesAll(matchers, labels));
  return matching.some(({ action }) => action === "revert") ? "revert" : matching[0]?.action;
}

/** Takes alerts: reverts and holds first, then records what came. */
export function createAlerts(dependencies: { commands: Commands; logger: Logger }): {
  receive(alerts: readonly Alert[]): Promise<AlertsAnswer>;
} {
  const { commands, logger } = dependencies;

  async function act({ alert, release, action }: AlertEffect): Promise<void> {
    const name = nameOf(alert);
    const by = { kind: "alert", name } as const;
    const cause = { reason: `alert ${name} is firing`, evidence: null };
    try {
      await commands.execute(
        action === "revert"
          ? { by, command: { type: "revert", target: { release }, cause } }
          : { by, command: { type: "hold", release, cause } },
      );
    } catch (error) {
      // Somebody else ended the release between the look and the command; that is what the alert wanted.
      if (!isSluiceError(error, "RELEASE_ENDED", "NOTHING_TO_REVERT")) throw error;
    }
  }

  async function record(alerts: readonly Alert[], effects: readonly AlertEffect[]): Promise<void> {
    for (const alert of alerts) {
      const effect = effects.find((candidate) => candidate.alert === alert);
      const name = nameOf(alert);
      await commands.execute({
        by: { kind: "alert", name },
        command: {
          type: "record-alert",
          name,
          status: alert.status,
          labels: alert.labels,
          action: effect?.action ?? "none",
          release: effect?.release ?? null,
        },
      });
    }
  }

  return {
    async receive(alerts) {
      const effects = effectsOf(commands.state(), alerts);
      await Promise.all(effects.map(act));
      try {
        await record(alerts, effects);
      } catch (error) {
        // What the alerts wanted is done; Alertmanager would send them again for the sake of a note.
        logger.error({ err: error, alerts: alerts.length }, "alerts could not be recorded");
      }
      return {
        received: alerts.length,
        effects: effects.map(({ alert, release, action }) => ({ alert: nameOf(alert), release, action })),
      };
    },
  };
}

function nameOf({ labels }: Alert): string {
  return (Object.hasOwn(labels, "alertname") ? labels["alertname"] : undefined)?.slice(0, 200) ?? "unnamed";
}
