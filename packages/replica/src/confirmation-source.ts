import { type Clock, limits, type Timer } from "@sluice/core";
import type { Confirmation, ConfirmationBatch, Mark } from "@sluice/core/api";
import type { MailSource } from "./mailer.ts";

/** Confirmations that nobody waits for are sent after up to so long, in milliseconds, so that a fleet does not speak at once. */
export const confirmationJitterMs = 50;

/** Confirmations in one batch, so that whoever takes it does little else meanwhile for a moment only. */
const confirmationsPerBatch = 2_000;

/** Bytes of JSON of the confirmations in one batch, so that it stays under the limit of a body, the list of children included. */
const confirmationBytesMax = 524_288;

/** Marks with their evidence in one batch. */
const marksPerBatch = 20;

/** Releases in one confirmation, the newest. */
const releasesMax = 1_000;

type Children = NonNullable<ConfirmationBatch["children"]>;

/** Gives all that a follower of this one has confirmed so far; undefined where that is nothing. */
export type ConfirmationOf = (follower: string) => Confirmation | undefined;

/** Confirmations that wait to be sent, one of each follower. */
export interface ConfirmationSource extends MailSource {
  confirm(confirmation: Confirmation): void;
  /** Of those who are new on the list all that they have confirmed is said behind it: what came before it was nobody's. */
  children(children: Children, confirmationOf: ConfirmationOf): void;
  /** Followers have said goodbye; said upward before any list that lacks them, so that nobody takes them for lost. */
  left(followers: readonly string[]): void;
  /** Marks that say who took a release back and why. */
  marks(marks: readonly Mark[]): void;
  /**
   * The instance may be a new one, or have given up those who follow through this one: it is told who they are and what they have
   * confirmed. Where what is held is of another log than the instance's, that waits until `caughtUp`, and what was to be said is forgotten.
   */
  connected(isOtherLog: boolean): void;
  /** What is held is of the instance's log. */
  caughtUp(): void;
  /** Waits for no jitter. */
  sendNow(): void;
  close(): void;
}

/** Holds nothing at first. `wake` is called when there is something to send. */
export function createConfirmationSource(dependencies: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly wake: () => void;
}): ConfirmationSource {
  const { clock, random, wake } = dependencies;
  const waiting = new Map<string, Confirmation>();
  const leaving = new Set<string>();
  const presented = new Map<string, Mark>();
  /** Children of which all is to be said. It is looked up when it is sent, so that a thousand of them cost nothing before. */
  const retold = new Set<string>();
  let children: Children | null = null;
  let childrenAreNew = false;
  let confirmationOf: ConfirmationOf = nothingOf;
  /** What is held, and was confirmed, is of another log. */
  let isOther = false;
  let sent: ConfirmationBatch = { confirmations: [], children: null };
  let due = false;
  let closed = false;
  let timer: Timer | null = null;

  const merge = (confirmation: Confirmation): void => {
    const known = waiting.get(confirmation.follower);
    waiting.set(confirmation.follower, known === undefined ? confirmation : merged(known, confirmation));
  };

  const isWaiting = (): boolean =>
    waiting.size > 0 || retold.size > 0 || childrenAreNew || leaving.size > 0 || presented.size > 0;

  const sendNow = (): void => {
    timer?.cancel();
    timer = null;
    due = isWaiting();
    wake();
  };

  const sendSoon = (): void => {
    if (!due && !closed) timer ??= clock.setTimer(random() * confirmationJitterMs, sendNow);
  };

  /** The next confirmations; what is new stands before what is said again. */
  const takeConfirmations = (): readonly Confirmation[] => {
    const taken: Confirmation[] = [];
    let bytesLeft = confirmationBytesMax;
    for (const follower of new Set([...waiting.keys(), ...retold])) {
      const isNew = waiting.get(follower);
      const all = retold.has(follower) ? confirmationOf(follower) : undefined;
      const next = all !== undefined && isNew !== undefined ? merged(all, isNew) : (isNew ?? all);
      bytesLeft -= next === undefined ? 0 : Buffer.byteLength(JSON.stringify(next));
      // One that is larger than all of it goes alone.
      if (taken.length === confirmationsPerBatch || (bytesLeft < 0 && taken.length > 0)) break;
      if (next !== undefined) taken.push(next);
      waiting.delete(follower);
      retold.delete(follower);
    }
    return taken;
  };

  const retellAll = (): void => {
    for (const { id } of children?.followers ?? []) retold.add(id);
    if (isWaiting()) sendSoon();
  };

  return {
    confirm(confirmation) {
      if (isOther) return;
      merge(confirmation);
      // A person looks at the receipt of a revert while it counts up.
      if (confirmation.reverted.length > 0 || confirmation.here !== undefined) sendNow();
      else sendSoon();
    },
    children(next, its) {
      const before = new Set(children?.followers.map(({ id }) => id));
      children = next;
      confirmationOf = its;
      childrenAreNew = true;
      for (const { id } of next.followers) if (!isOther && !before.has(id)) retold.add(id);
      sendSoon();
    },
    left(followers) {
      for (const follower of followers) if (leaving.size < limits.childrenMax) leaving.add(follower);
      sendSoon();
    },
    marks(marks) {
      for (const mark of marks) presented.set(mark.release, mark);
      if (marks.length > 0) sendNow();
    },
    connected(isOtherLog) {
      isOther = isOtherLog;
      childrenAreNew = children !== null;
      if (isOther) {
        waiting.clear();
        retold.clear();
        sent = { ...sent, confirmations: [] };
        if (isWaiting()) sendSoon();
      } else retellAll();
    },
    caughtUp() {
      if (!isOther) return;
      isOther = false;
      retellAll();
    },
    sendNow,
    next() {
      if (!due || !isWaiting()) return null;
      sent = {
        confirmations: takeConfirmations(),
        children: childrenAreNew ? children : null,
        ...(leaving.size === 0 ? {} : { left: [...leaving] }),
        ...(presented.size === 0 ? {} : { marks: [...presented.values()].slice(-marksPerBatch) }),
      };
      childrenAreNew = false;
      leaving.clear();
      for (const { release } of sent.marks ?? []) presented.delete(release);
      due = waiting.size > 0 || retold.size > 0 || presented.size > 0;
      return JSON.stringify(sent);
    },
    answered: () => {},
    lost() {
      // To say it again, to whomever, does no harm: the highest and the union count.
      for (const before of sent.confirmations) {
        const since = waiting.get(before.follower);
        waiting.set(before.follower, since === undefined ? before : merged(before, since));
      }
      childrenAreNew ||= sent.children !== null;
      for (const follower of sent.left ?? []) leaving.add(follower);
      for (const mark of sent.marks ?? []) presented.set(mark.release, mark);
      due = true;
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

function nothingOf(): undefined {
  return undefined;
}

/** What came first, and what came since. */
function merged(a: Confirmation, b: Confirmation): Confirmation {
  const here = b.here ?? a.here;
  const refused = new Map([...(a.refused ?? []), ...(b.refused ?? [])].map((each) => [each.release, each]));
  return {
    follower: a.follower,
    applied: Math.max(a.applied, b.applied),
    reverted: union(a.reverted, b.reverted),
    prepared: union(a.prepared, b.prepared),
    ...(refused.size === 0 ? {} : { refused: [...refused.values()].slice(-releasesMax) }),
    ...(here === undefined ? {} : { here }),
  };
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])].slice(-releasesMax);
}
