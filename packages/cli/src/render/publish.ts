import { percentText, unreachable } from "@sluice/core";
import type { PublishAnswer } from "@sluice/core/api";
import { counted, countText } from "../text.ts";
import { differenceText, exampleLines } from "./difference.ts";
import { layOut, type Row, type View } from "./layout.ts";

/** What a publish was asked for, as far as its answer does not say it. */
export interface PublishAsked {
  readonly release: boolean;
  /** Null: the plan's first step. */
  readonly thousandths: number | null;
  /** As it was named; null: the dataset's. */
  readonly plan: string | null;
}

/** What came of a publish, what differs, what a check warns of, and the next command. */
export function renderPublish(answer: PublishAnswer, asked: PublishAsked, view: View): string[] {
  const { difference, warnings, items } = answer;
  // Of a first version everything is new, which says nothing.
  const differs = difference !== null && difference.added < items && answer.outcome !== "unchanged";
  return [
    headText(answer, asked),
    ...(differs
      ? [
          `  ${differenceText(difference)}, ${countText(difference.unchanged)} unchanged`,
          ...exampleLines(difference, view.columns),
        ]
      : []),
    ...warnings.map(({ message }) => view.style.yellow(`  warning: ${message}`)),
    ...quarantineLines(answer),
    ...layOut(nextRows(answer, asked), view),
  ];
}

function headText(answer: PublishAnswer, { release, thousandths }: PublishAsked): string {
  const { outcome, dataset, number, items, message } = answer;
  const what = `v${number} of ${dataset} (${counted(items, "item")})`;
  switch (outcome) {
    case "live":
      return `${what} is live: everybody sees it`;
    case "held":
      return release ? `${what} is held, NOT started` : `${what} is held: nobody sees it yet`;
    case "started":
      return `${what} is out to ${thousandths === null ? "the first step of its plan" : percentText(thousandths)}`;
    case "unchanged":
      return `nothing to publish: ${message}`;
    default:
      return unreachable(outcome);
  }
}

function quarantineLines({ quarantinedChanges }: PublishAnswer): string[] {
  if (quarantinedChanges === null) return [];
  const { count, of, publish } = quarantinedChanges;
  return [
    `  ${countText(count)} of ${countText(of)} changes were in reverted v${publish}: a person has to accept them`,
  ];
}

function nextRows(answer: PublishAnswer, asked: PublishAsked): Row[] {
  const { outcome, dataset, quarantinedChanges } = answer;
  const watch: Row = { label: "watch", text: `sluice status ${dataset} --watch`, kind: "command" };
  if (outcome === "started") return [watch, { label: "revert", text: `sluice revert ${dataset}`, kind: "command" }];
  if (outcome !== "held") return [];
  const text = startCommand(dataset, asked, quarantinedChanges !== null);
  return [{ label: "next", text, kind: "command" }, watch];
}

/** The command that starts what is held as it was asked for; where nothing was, with a few users. */
export function startCommand(dataset: string, { thousandths, plan }: PublishAsked, acceptQuarantined: boolean): string {
  const share = thousandths ?? (plan === null ? 5_000 : null);
  const percent = share === null ? "" : ` --percent ${share / 1_000}`;
  const named =
    plan === null ? "" : ` --plan ${/^[\w./:@%+-]+$/.test(plan) ? plan : `'${plan.replaceAll("'", `'\\''`)}'`}`;
  return `sluice release start ${dataset}${percent}${named}${acceptQuarantined ? " --accept-quarantined" : ""}`;
}
