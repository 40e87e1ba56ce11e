import { type Clock, limits, type Timer } from "@sluice/core";
import type { Confirmation, ConfirmationBatch, Mark } from "@sluice/core/api";
import type { MailSource } from "./mailer.ts";

/** Confirmations that nobody waits for are sent after up to so long, in milliseconds, so that a fleet does not speak at once. */
export const confirmationJitterMs = 50;

/** Confirmations in one batch, so that it stays under the limit of a body. */
const confirmationsPerBatch = 2_000;

/** Marks with their evidence in one batch. */
const marksPerBatch = 20;

/** Releases in one confirmation, the newest. */
const releasesMax = 1_000;

type Children = NonNullable<ConfirmationBatch["children"]>;

/** Confirmations that wait to be sent, one of each follower. */
export interface ConfirmationSource extends MailSource {
  confirm(confirmation: Confirmation): void;
  children(children: Children): void;
  /** Followers have said goodbye; said upward before any list that lacks them, so that nobody takes them for lost. */
  left(followers: readonly string[]): void;
  /** Marks that say who took a release back and why. */
  marks(marks: readonly Mark[]): void;
  /** The instance is a new one: it does not know who follows through this one. */
  repeatChildren(): void;
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
  let children: Children | null = null;
  let childrenAreNew = false;
  let sent: ConfirmationBatch = { confirmations: [], children: null };
  let due = false;
  let closed = false;
  let timer: Timer | null = null;

  const merge = (confirmation: Confirmation): void => {
    const known = waiting.get(confirmation.follower);
    waiting.set(confirmation.follower, known === undefined ? confirmation : merged(known, confirmation));
  };

  const isWaiting = (): boolean => waiting.size > 0 || childrenAreNew || leaving.size > 0 || presented.size > 0;

  const sendNow = (): void => {
    timer?.cancel();
    timer = null;
    due = isWaiting();
    wake();
  };

  const sendSoon = (): void => {
    if (!due && !closed) timer ??= clock.setTimer(random() * confirmationJitterMs, sendNow);
  };

  return {
    confirm(confirmation) {
      merge(confirmation);
      // A person looks at the receipt of a revert while it counts up.
      if (confirmation.reverted.length > 0 || confirmation.here !== undefined) sendNow();
      else sendSoon();
    },
    children(next) {
      children = next;
      childrenAreNew = true;
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
    repeatChildren() {
      childrenAreNew = children !== null;
      if (childrenAreNew) sendSoon();
    },
    sendNow,
    next() {
      if (!due || !isWaiting()) return null;
      const confirmations = [...waiting.values()].slice(0, confirmationsPerBatch);
      for (const { follower } of confirmations) waiting.delete(follower);
      sent = {
        confirmations,
        children: childrenAreNew ? children : null,
        ...(leaving.size === 0 ? {} : { left: [...leaving] }),
        ...(presented.size === 0 ? {} : { marks: [...presented.values()].slice(-marksPerBatch) }),
      };
      childrenAreNew = false;
      leaving.clear();
      for (const { release } of sent.marks ?? []) presented.delete(release);
      due = waiting.size > 0 || presented.size > 0;
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
