import type { LoggedEvent } from "@sluice/core";
import { SluiceError } from "@sluice/core";
import type { AlertAnswer, AlertsAnswer, StatusAnswer } from "@sluice/core/api";
import type { Command } from "commander";
import { readAlertsToken } from "../alerts-token.ts";
import { argument, parseWhole } from "../arguments.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit-code.ts";
import { parseJsonText, readTextFile } from "../json-file.ts";
import { eventLine } from "../render/event.ts";
import { counted } from "../text.ts";
import { examples } from "./examples.ts";

/** How many of the newest events are looked through for alerts. */
const eventsMax = 10_000;

/** How many things that an alert does not do are shown. */
const reasonsMax = 10;

/** `sluice alerts test|list` */
export function addAlerts(program: Command, context: Context): void {
  const alerts = program
    .command("alerts")
    .description("See what alerts did, and try what one would do.")
    .addHelpText("after", examples("sluice alerts test payload.json", "sluice alerts list"));
  addTest(alerts, context);
  addList(alerts, context);
}

function addTest(alerts: Command, context: Context): void {
  alerts
    .command("test")
    .description("Say what alerts would do to what runs or bakes now, without doing it.")
    .argument(
      "<file>",
      "what Alertmanager would send, or one alert as POST /v1/alerts takes it; - reads standard input",
    )
    .option("--token-file <file>", "the token that the instance takes alerts with (else SLUICE_ALERTS_TOKEN)")
    .addHelpText(
      "after",
      examples("sluice alerts test payload.json", `echo '{"name": "Errors", "labels": {}}' | sluice alerts test -`),
    )
    .action(async (file: string, { tokenFile }: { tokenFile?: string }) => {
      const payload = parseJsonText(await readTextFile(file, context.io.stdin), file);
      const token = await readAlertsToken(context, tokenFile);
      const options = { dryRun: true, ...(token === undefined ? {} : { token }) };
      const admin = await context.admin();
      if (typeof payload !== "object" || payload === null) {
        throw new SluiceError("VALIDATION", `${file} is no object, neither Alertmanager's payload nor one alert`);
      }
      const answer = await ("alerts" in payload
        ? admin.alertmanager(payload, options)
        : // What it has and what not, the instance says.
          admin.alert(payload as { readonly name: string }, options));
      context.print(answer, answerLines);
      if (answer.refused.length > 0) context.endWith(exitCodes.failed);
    });
}

function addList(alerts: Command, context: Context): void {
  alerts
    .command("list")
    .description(
      "List what alerts came in and what they did, oldest first, and what fires now. A repetition is not recorded.",
    )
    .option("-n, --limit <count>", "the newest COUNT", argument(parseWhole(1, 1_000)), 20)
    .addHelpText("after", examples("sluice alerts list", "sluice alerts list --limit 100 --json"))
    .action(async ({ limit }: { limit: number }) => {
      const admin = await context.admin();
      const events = (await admin.log({ limit: eventsMax })).filter(({ event }) => event.type === "alert-received");
      const now = firingNow(await admin.status());
      context.print({ events: events.slice(-limit), now }, (answer) => [
        ...answer.events.flatMap((event) => alertLines(event, context.timeZone)),
        ...nowLines(answer.now),
      ]);
      if (events.length === 0) context.note("no alert came in yet");
    });
}

/** What fires, holds or would hold now, as the status of its dataset says it. */
interface FiringNow {
  readonly dataset: string;
  readonly reason: string;
}

/** How the reasons of a status begin that alerts and queries give. */
const ofAlerts = /^(alert|query|held by alert|the bake is not watched by query|and \d+ more alerts) /;

function firingNow({ datasets }: StatusAnswer): readonly FiringNow[] {
  return datasets.flatMap(({ name, health }) =>
    health.reasons.filter((reason) => ofAlerts.test(reason)).map((reason) => ({ dataset: name, reason })),
  );
}

function nowLines(now: readonly FiringNow[]): string[] {
  return now.length === 0 ? [] : ["now", ...now.map(({ dataset, reason }) => `    ${dataset}: ${reason}`)];
}

function answerLines({ alerts, refused, truncated }: AlertsAnswer): string[] {
  return [
    ...alerts.flatMap((alert) => [`${alert.name} ${alert.status} (${alert.fingerprint})`, ...doesLines(alert)]),
    ...refused.map(({ index, reason }) => `alert ${index + 1} cannot be read: ${reason}`),
    ...(truncated === 0 ? [] : [`${counted(truncated, "alert")} were left out by the sender`]),
    ...(alerts.length + refused.length === 0 ? ["no alert in it, so nothing would happen"] : []),
  ];
}

function doesLines({ effects, reasons }: AlertAnswer): string[] {
  const does = effects.map(({ action, dataset, publish, release, rule, message }) => {
    const when = message === null ? "" : `, ${message}`;
    const because = rule === null ? "" : `, by ${rule}`;
    const verb = { revert: "revert", hold: "hold", resume: "let go on" }[action];
    return `  would ${verb} v${publish} of ${dataset} (${release})${because}${when}`;
  });
  const shown = reasons
    .slice(0, reasonsMax)
    .map((reason) => `  ${effects.length === 0 ? "nothing: " : "not "}${reason}`);
  const more = reasons.length > reasonsMax ? [`  and ${reasons.length - reasonsMax} more reasons`] : [];
  return [...does, ...shown, ...more];
}

function alertLines(logged: LoggedEvent, timeZone: string | undefined): string[] {
  const { event } = logged;
  if (event.type !== "alert-received") return [];
  const labels = Object.entries(event.labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return [eventLine(logged, timeZone), `    ${labels.join(", ")}`];
}
