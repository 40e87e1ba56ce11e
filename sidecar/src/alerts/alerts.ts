import type { Clock, ReleaseState } from "@sluice/core";
import { assert, isActive, own, takesOver, unreachable } from "@sluice/core";
import type { AlertAnswer, AlertEffect } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Commands } from "../commands.ts";
import { holderText } from "../holder-text.ts";
import type { Alert } from "./alert.ts";
import { causeOf, holderOf } from "./alert.ts";
import type { Comparer, VerdictOf } from "./comparison.ts";
import type { Firing, FiringBook } from "./firing-book.ts";
import type { Hand, Handled } from "./hand.ts";
import { judge } from "./judge.ts";
import type { Recorder } from "./recorder.ts";

/** Takes alerts of all kinds. */
export interface Alerts {
  /**
   * Reverts, holds and lets go what the alerts say, then records what changed. `truncated` is how many their sender left out.
   * Throws DATASET_UNKNOWN, or what kept a command from being carried out: the sender is to send them again, which is then no
   * repetition.
   */
  receive(alerts: readonly Alert[], truncated: number): Promise<readonly AlertAnswer[]>;
  /** What `receive` would do. Changes and records nothing. */
  preview(alerts: readonly Alert[]): Promise<readonly AlertAnswer[]>;
}

/** An alert that was looked at, and what is to be done because of it. */
interface Taken {
  readonly alert: Alert;
  readonly wants: readonly Want[];
  readonly reasons: readonly string[];
  /** Whether something about it is new, so that it is recorded. */
  readonly isNews: boolean;
  /** Whether it was compared with the rules of everything that runs or bakes. */
  readonly isWhole: boolean;
}

/** A command that was given, and the first alert that wanted it. */
interface Given {
  readonly because: Alert;
  readonly handled: Promise<Handled>;
}

interface Want {
  readonly release: ReleaseState;
  readonly action: AlertEffect["action"];
  readonly rule: string | null;
}

/** Makes the alerts of an origin. */
export function createAlerts(dependencies: {
  readonly commands: Pick<Commands, "state">;
  readonly comparer: Comparer;
  readonly book: FiringBook;
  readonly hand: Hand;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly logger: Logger;
}): Alerts {
  const { commands, comparer, book, hand, recorder, clock, logger } = dependencies;

  function take(alert: Alert, verdictOf: VerdictOf): Taken {
    const known = book.get(keyOf(alert));
    if (alert.status === "resolved") return takeResolved(alert, known);
    const { concerns, reasons, isWhole } = judge(commands.state(), alert, (release) => verdictOf(alert, release));
    // Sent again in a smaller message it may concern somebody yet, so that it is not remembered.
    if (!isWhole && concerns.length === 0) return { alert, wants: [], reasons, isNews: false, isWhole };
    if (known === undefined || isAnother(known, alert))
      return { alert, wants: concerns, reasons, isNews: true, isWhole };
    // Its sender says since when it fires: what it did not do when it began, it does not do because it is sent again.
    const wants = alert.startsAt !== null ? [] : concerns.filter((each) => !hasAsked(known, each));
    const since = new Date(known.since).toISOString();
    if (wants.length > 0) return { alert, wants, reasons, isNews: true, isWhole };
    return {
      alert,
      wants,
      reasons: [`known to be firing since ${since}; a repetition changes nothing`],
      isNews: false,
      isWhole,
    };
  }

  function takeResolved(alert: Alert, known: Firing | undefined): Taken {
    if (known !== undefined && isEarlier(alert, known)) {
      const reasons = [`it fires again since ${String(known.startsAt)}; this is the end of an earlier time`];
      return { alert, wants: [], reasons, isNews: false, isWhole: true };
    }
    const { name } = holderOf(alert);
    const held = Object.values(commands.state().releases).filter(
      (release) => isActive(release) && release.hold?.by.kind === "alert" && release.hold.by.name === name,
    );
    const wants = held.map((release) => ({ release, action: "resume", rule: null }) as const);
    const reasons = held.length === 0 ? ["it holds nothing"] : [];
    return { alert, wants, reasons, isNews: known !== undefined || held.length > 0, isWhole: true };
  }

  /** Remembers what fires before anything is carried out: what comes in the meantime is a repetition. */
  function remember({ alert, wants, isNews }: Taken): void {
    const key = keyOf(alert);
    if (!isNews) return;
    if (alert.status === "resolved") {
      book.remove(key);
      return;
    }
    const known = book.get(key);
    const earlier = known === undefined || isAnother(known, alert) ? undefined : known;
    // Of releases that ended nothing more is asked.
    const stillAsked = Object.entries(earlier?.asked ?? {}).filter(([release]) => isRunning(release));
    const asked = wants.map(({ release, action }) => [release.id, action === "revert" ? "revert" : "hold"] as const);
    book.put({
      key,
      holder: holderOf(alert),
      startsAt: alert.startsAt,
      since: earlier?.since ?? clock.wall(),
      reason: causeOf(alert),
      asked: Object.fromEntries([...stillAsked, ...asked]),
      overruledBy: Object.fromEntries(
        Object.entries(earlier?.overruledBy ?? {}).filter(([release]) => isRunning(release)),
      ),
    });
  }

  function isRunning(id: string): boolean {
    const release = own(commands.state().releases, id);
    return release !== undefined && isActive(release);
  }

  /** What is carried out once however many alerts of a message want it, the reverts first and at once. */
  function carryOut(taken: readonly Taken[]): ReadonlyMap<string, Given> {
    const given = new Map<string, Given>();
    for (const action of ["revert", "hold", "resume"] as const) {
      for (const { alert, wants } of taken) {
        for (const want of wants) {
          if (want.action !== action || given.has(placeOf(alert, want))) continue;
          given.set(placeOf(alert, want), { because: alert, handled: give(alert, want) });
        }
      }
    }
    return given;
  }

  function give(alert: Alert, { release, action }: Want): Promise<Handled> {
    switch (action) {
      case "revert":
        return hand.revert(release.id, { kind: "alert", name: alert.name }, causeOf(alert));
      case "hold":
        return hand.hold(release.id, holderOf(alert), causeOf(alert));
      case "resume":
        return hand.letGo(release.id, holderOf(alert), `alert ${alert.name} is resolved`);
      default:
        return unreachable(action);
    }
  }

  /** All of them are sent again, and must not be taken for what is known already. */
  function forget(taken: readonly Taken[]): void {
    for (const { alert, isNews } of taken) if (isNews && alert.status === "firing") book.remove(keyOf(alert));
  }

  async function record(taken: readonly Taken[], answers: readonly AlertAnswer[], truncated: number): Promise<void> {
    const news = taken.flatMap((each, index) => {
      const effects = answers[index]?.effects ?? [];
      return each.isNews ? [recorder.record(each.alert, effects, truncated)] : [];
    });
    for (const recorded of await Promise.allSettled(news)) {
      if (recorded.status === "fulfilled") continue;
      // What the alerts wanted is done; Alertmanager would send them again for the sake of a note.
      logger.error({ err: recorded.reason, alerts: taken.length }, "alerts could not be recorded");
      return;
    }
  }

  return {
    async receive(alerts, truncated) {
      const { taken, given } = await comparer.compare(alerts, (verdictOf) => {
        const looked = outranked(alerts.map((alert) => take(alert, verdictOf)));
        for (const each of looked) remember(each);
        return { taken: looked, given: carryOut(looked) };
      });
      const left = taken.filter(({ isWhole }) => !isWhole).length;
      if (left > 0)
        logger.warn({ alerts: left, of: alerts.length }, "alerts were too much work to be compared with every rule");
      const finished = await Promise.allSettled(taken.map((each) => finish(each, given)));
      const failed = finished.find((each) => each.status === "rejected");
      if (failed !== undefined) {
        forget(taken);
        throw failed.reason;
      }
      const answers = finished.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      await Promise.all([record(taken, answers, truncated), isToBeKept(taken) ? book.keep() : undefined]);
      return answers;
    },
    async preview(alerts) {
      const taken = await comparer.compare(alerts, (verdictOf) => alerts.map((alert) => take(alert, verdictOf)));
      return outranked(taken).map((each) =>
        answerOf(
          each,
          each.wants.map((want) => effectOf(want, { outcome: "would", message: inTheWay(each.alert, want) })),
        ),
      );
    },
  };
}

/** After a crash an alert that reverted one release must not revert the next, and one that has ended must hold nothing: kept before it is answered. */
function isToBeKept(taken: readonly Taken[]): boolean {
  return taken.some(({ alert, wants, isNews }) => isNews && (alert.status === "resolved" || wants.length > 0));
}

async function finish(taken: Taken, given: ReadonlyMap<string, Given>): Promise<AlertAnswer> {
  const { alert, wants } = taken;
  const effects = wants.map(async (want) => {
    const its = given.get(placeOf(alert, want));
    assert(its !== undefined, "what an alert wants is given");
    const handled = await its.handled;
    if (its.because === alert) return effectOf(want, handled);
    return effectOf(want, { outcome: "unchanged", message: `alert ${its.because.name} of the same message did it` });
  });
  return answerOf(taken, await Promise.all(effects));
}

/** A hold of what another alert of the same message reverts is none. */
function outranked(taken: readonly Taken[]): readonly Taken[] {
  const reverts = new Map<string, string>();
  for (const { alert, wants } of taken) {
    for (const { release, action } of wants) {
      if (action === "revert" && !reverts.has(release.id)) reverts.set(release.id, alert.name);
    }
  }
  const isOutranked = ({ action, release }: Want): boolean => action !== "revert" && reverts.has(release.id);
  return taken.map((each) => {
    const reasons = each.wants
      .filter(isOutranked)
      .map(({ release, action }) => `${action} of ${release.id} is outranked: ${reverts.get(release.id)} reverts it`);
    return { ...each, wants: each.wants.filter((want) => !isOutranked(want)), reasons: [...each.reasons, ...reasons] };
  });
}

/** Whose hold would have to end first; null where none is in the way. */
function inTheWay(alert: Alert, { release: { hold }, action }: Want): string | null {
  if (action !== "hold" || hold === null || takesOver(holderOf(alert), hold.by)) return null;
  return `when the hold of ${holderText(hold.by)} has ended`;
}

function effectOf(
  { release, action, rule }: Want,
  { outcome, message }: Pick<AlertEffect, "outcome" | "message">,
): AlertEffect {
  const { id, dataset, candidatePublish: publish } = release;
  return { release: id, dataset, publish, action, rule, outcome, message };
}

function answerOf({ alert, reasons }: Taken, effects: readonly AlertEffect[]): AlertAnswer {
  const { name, fingerprint, status } = alert;
  return { name, fingerprint, status, effects, reasons };
}

/** Commands of one place are one: everybody's revert of a release, everybody's hold, and each alert's own end of its hold. */
function placeOf(alert: Alert, { release, action }: Want): string {
  return action === "resume" ? `${release.id} ${action} ${holderOf(alert).name}` : `${release.id} ${action}`;
}

function keyOf(alert: Alert): string {
  return holderOf(alert).name;
}

function hasAsked(known: Firing, { release, action }: Want): boolean {
  const asked = own(known.asked, release.id);
  return asked === "revert" || (asked !== undefined && action === "hold");
}

/** The same labels again, firing anew. */
function isAnother(known: Firing, { startsAt }: Alert): boolean {
  return startsAt !== known.startsAt;
}

function isEarlier({ startsAt }: Alert, known: Firing): boolean {
  return startsAt !== null && known.startsAt !== null && Date.parse(startsAt) < Date.parse(known.startsAt);
}
