import type { Clock } from "@sluice/core";
import type { HereReverts, Receipt } from "@sluice/core/api";
import type { LiveFollower, Registry } from "./followers/registry.ts";

/** How many receipts are kept. */
const receiptsMax = 200;

/** How many names of followers that have not confirmed a receipt holds. */
const missingMax = 100;

/** How many names of followers that are away a receipt holds. */
const awayMax = 100;

/** How many of the newest receipts outlive the process. */
const storedMax = 20;

/** Whoever followed before a restart of the origin has come back after this time, in milliseconds. */
const returnMsMax = 15_000;

/** A receipt as a document beside the log. */
export interface StoredReceipt {
  readonly action: Receipt["action"];
  readonly release: string;
  readonly sequence: number | null;
  readonly announcedAt: number;
  readonly expected: number;
  readonly missing: readonly (readonly [id: string, name: string])[];
  readonly delaysMs: readonly number[];
  /** Left out by builds that did not name who is away. */
  readonly away?: readonly (readonly [id: string, name: string])[];
  readonly returned?: number;
  readonly originAgeMs?: number;
}

/** What a receipt is opened for. `here` is the word of a host that followers have to have heard. */
export interface ReceiptCommand extends Pick<Receipt, "action" | "release" | "sequence"> {
  readonly here?: HereReverts;
}

/** Keeps account of who has taken up which command, and when. */
export interface Receipts {
  /**
   * Opens the receipt of a command at its announcement. Expected are the followers that have a live lease now; who is away is named
   * beside them, and expected from when it is back and confirms. `sequence` is the
   * control sequence number of the command's last event; null for a revert that runs ahead of the log. A second revert of the
   * same release keeps the first one's receipt; any other action begins a new one in place of the last. `concerns` says of whom it
   * is expected; default everybody.
   */
  open(command: ReceiptCommand, concerns?: (follower: LiveFollower) => boolean): Receipt;
  /** A revert that ran ahead is in the log, at this control sequence number. */
  durable(release: string, sequence: number): void;
  /** What one host has taken back, or lifted, for itself is on its disk. */
  kept(release: string, action: Receipt["action"]): void;
  /** How a command stands; undefined where it is not among the last 200. */
  get(release: string, action: Receipt["action"]): Receipt | undefined;
  /** Ends when everybody expected has confirmed, or after `timeoutMs` with how it stands then; at once, with undefined, without a receipt. */
  settled(release: string, action: Receipt["action"], timeoutMs: number): Promise<Receipt | undefined>;
  /** The newest receipts, oldest first, for the process after this one. */
  store(): readonly StoredReceipt[];
  /** Takes up what `store` made. Who confirms from then on is timed by the wall clock, since no other one outlives a process. */
  restore(stored: readonly StoredReceipt[]): void;
  close(): void;
}

interface Account {
  readonly action: Receipt["action"];
  readonly release: string;
  sequence: number | null;
  readonly here?: HereReverts;
  isKept: boolean;
  readonly announcedAt: number;
  readonly announcedAtMs: number;
  expected: number;
  /** Name by id of those who have not confirmed. */
  readonly missing: Map<string, string>;
  /** In the order of arrival, and so in ascending order. */
  readonly delaysMs: number[];
  /** Name by id of those who were away at the command and have not confirmed since. */
  readonly away: Map<string, string>;
  /** How many have confirmed whose time says nothing of the command: they were away, or took the place of one that ended. */
  returned: number;
  readonly originAgeMs?: number;
  readonly waiting: Set<() => void>;
}

/** Makes the accounts over what the registry learns. */
export function createReceipts(dependencies: {
  clock: Clock;
  registry: Registry;
  /** By the monotonic clock, when this process began to follow on from another one; left out where it did not. */
  restartedAtMs?: number;
  /** Called after a receipt was opened, confirmed or made durable. */
  onChange?: () => void;
}): Receipts {
  const { clock, registry, restartedAtMs = -Infinity, onChange = () => {} } = dependencies;
  const accounts = new Map<string, Account>();

  function confirm(account: Account, follower: string): void {
    if (account.missing.delete(follower)) account.delaysMs.push(clock.now() - account.announcedAtMs);
    else if (account.away.delete(follower)) {
      account.expected += 1;
      account.returned += 1;
    } else return;
    changed(account);
  }

  function changed(account: Account): void {
    onChange();
    if (account.missing.size === 0) release(account);
  }

  /** What was asked of a process is asked of the one that took its place. */
  function replace(account: Account, lost: string, by: LiveFollower): void {
    const isExpected = account.missing.delete(lost);
    if (!isExpected && !account.away.delete(lost)) return;
    if (!isConfirmedBy(account, by.applied, isSaid(account, by), by.here)) {
      (isExpected ? account.missing : account.away).set(by.id, by.name);
      onChange();
      return;
    }
    account.returned += 1;
    if (!isExpected) account.expected += 1;
    changed(account);
  }

  /** Whoever waits for the account is answered with how it stands. */
  function release(account: Account): void {
    for (const answer of account.waiting) answer();
    account.waiting.clear();
  }

  function keep(key: string, account: Account): void {
    const replaced = accounts.get(key);
    if (replaced !== undefined) release(replaced);
    accounts.delete(key);
    accounts.set(key, account);
    const [oldest] = accounts;
    if (accounts.size <= receiptsMax || oldest === undefined) return;
    accounts.delete(oldest[0]);
    release(oldest[1]);
  }

  const unsubscribe = registry.subscribe({
    confirmation({ applied, reverted, prepared, here = [], follower }) {
      const said = { reverted: new Set(reverted), prepared: new Set(prepared) };
      for (const account of accounts.values()) {
        if (isConfirmedBy(account, applied, isSaid(account, said), here)) confirm(account, follower);
      }
    },
    left({ id }) {
      for (const account of accounts.values()) {
        // What has ended shows nothing to anybody, and will not confirm.
        if (account.missing.delete(id)) account.expected -= 1;
        else if (!account.away.delete(id)) continue;
        changed(account);
      }
    },
    replaced(lost, by) {
      for (const account of accounts.values()) replace(account, lost.id, by);
    },
  });

  return {
    open(command, concerns = () => true) {
      const key = keyOf(command.release, command.action);
      const earlier = accounts.get(key);
      if (command.action === "revert" && earlier !== undefined) return receiptOf(earlier);
      const followers = registry.live().filter(concerns);
      const originAgeMs = clock.now() - restartedAtMs;
      const account: Account = {
        ...command,
        isKept: false,
        announcedAt: clock.wall(),
        announcedAtMs: clock.now(),
        expected: followers.length,
        missing: new Map(followers.map(({ id, name }) => [id, name])),
        delaysMs: [],
        // Of a host's own word, who is away is told like everybody who comes.
        away: new Map(command.here === undefined ? registry.away().map(({ id, name }) => [id, name]) : []),
        returned: 0,
        ...(originAgeMs < returnMsMax ? { originAgeMs } : {}),
        waiting: new Set(),
      };
      for (const { id, applied, reverted, prepared, here } of followers) {
        // One that held the mark before this instance did has nothing left to confirm.
        if (isConfirmedBy(account, applied, isSaid(account, { reverted, prepared }), here)) confirm(account, id);
      }
      keep(key, account);
      onChange();
      return receiptOf(account);
    },
    durable(id, sequence) {
      const account = accounts.get(keyOf(id, "revert"));
      if (account === undefined) return;
      account.sequence = sequence;
      onChange();
    },
    kept(id, action) {
      const account = accounts.get(keyOf(id, action));
      if (account !== undefined) account.isKept = true;
    },
    get(id, action) {
      const account = accounts.get(keyOf(id, action));
      return account === undefined ? undefined : receiptOf(account);
    },
    async settled(id, action, timeoutMs) {
      const account = accounts.get(keyOf(id, action));
      if (account === undefined) return undefined;
      if (account.missing.size > 0) {
        await new Promise<void>((resolve) => {
          const timer = clock.setTimer(timeoutMs, () => {
            account.waiting.delete(answer);
            resolve();
          });
          const answer = (): void => {
            timer.cancel();
            resolve();
          };
          account.waiting.add(answer);
        });
      }
      return receiptOf(account);
    },
    store: () =>
      [...accounts.values()]
        .filter(({ here }) => here === undefined)
        .slice(-storedMax)
        .map((account) => ({
          action: account.action,
          release: account.release,
          sequence: account.sequence,
          announcedAt: account.announcedAt,
          expected: account.expected,
          missing: [...account.missing],
          delaysMs: account.delaysMs,
          away: [...account.away],
          returned: account.returned,
          ...ageOf(account),
        })),
    restore(stored) {
      for (const { missing, delaysMs, away = [], returned = 0, ...its } of stored) {
        const ageMs = Math.max(delaysMs.at(-1) ?? 0, clock.wall() - its.announcedAt);
        accounts.set(keyOf(its.release, its.action), {
          ...its,
          isKept: false,
          announcedAtMs: clock.now() - ageMs,
          missing: new Map(missing),
          delaysMs: [...delaysMs],
          away: new Map(away),
          returned,
          waiting: new Set(),
        });
      }
    },
    close() {
      unsubscribe();
      for (const account of accounts.values()) release(account);
    },
  };
}

function keyOf(release: string, action: Receipt["action"]): string {
  return `${action} ${release}`;
}

/** Whether a follower has named it: a revert that it does not show, or an older version that it has all files of. */
function isSaid(
  { action, release }: Account,
  { reverted, prepared }: { readonly reverted: ReadonlySet<string>; readonly prepared: ReadonlySet<string> },
): boolean {
  return (action === "restore" ? prepared : reverted).has(release);
}

/** By the log, for a revert by its mark too, for what a host does for itself by its word, for an older version by its files alone. */
function isConfirmedBy(
  { action, sequence, here }: Account,
  applied: number,
  said: boolean,
  heard: readonly HereReverts[],
): boolean {
  if (here !== undefined) return heard.some(({ host, version }) => host === here.host && version >= here.version);
  if (action === "restore") return said;
  if (sequence !== null && applied >= sequence) return true;
  return action === "revert" && said;
}

function receiptOf(account: Account): Receipt {
  const { action, release, sequence, isKept, announcedAt, expected, missing, delaysMs, away, returned } = account;
  return {
    action,
    release,
    sequence,
    durable: sequence !== null || isKept,
    announcedAt,
    expected,
    confirmed: delaysMs.length + returned,
    p50Ms: percentile(delaysMs, 0.5),
    p99Ms: percentile(delaysMs, 0.99),
    lastMs: delaysMs.at(-1) ?? null,
    missing: [...missing.values()].slice(0, missingMax),
    away: [...away.values()].slice(0, awayMax),
    awayTotal: away.size,
    ...ageOf(account),
  };
}

function ageOf({ originAgeMs }: Account): Pick<Receipt, "originAgeMs"> {
  return originAgeMs === undefined ? {} : { originAgeMs };
}

/** The smallest delay that at least this share of the delays does not exceed (nearest rank). */
function percentile(ascending: readonly number[], share: number): number | null {
  return ascending[Math.ceil(share * ascending.length) - 1] ?? null;
}
