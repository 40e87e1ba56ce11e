import { createAdmin } from "@sluice/admin";
import { type ErrorCode, isSluiceError, type LoggedEvent, sleep } from "@sluice/core";
import { contentHashOf, withChanges } from "./content.ts";
import { createDesires } from "./desires.ts";
import type { DatasetPosition, History, Position } from "./history.ts";
import type { Joined } from "./network.ts";
import type { Ground } from "./node.ts";
import type { Answer, Operation } from "./operation.ts";
import { originUrl } from "./origin-node.ts";
import { hold } from "./trace.ts";

/** The people, and the machines that act for them. */
export interface Operators {
  /** Sets the shop up and goes on until `stop`. */
  start(): void;
  stop(): void;
  /** Operations that are still waiting for an answer. */
  readonly open: number;
  /** Judges what an event made of the operation that it came from. */
  judge(logged: LoggedEvent, before: Position): void;
}

/** What says nothing about the command: it may have happened or not, and is asked for again. */
const passing: readonly ErrorCode[] = [
  "UNREACHABLE",
  "TIMEOUT",
  "STORE_UNAVAILABLE",
  "NOT_READY",
  "CLOSED",
  "DISK_FULL",
];

/** What no command of this world may be answered with. */
const faults: readonly ErrorCode[] = [
  "INTERNAL",
  "CORRUPT",
  "PROTOCOL",
  "VALIDATION",
  "DUPLICATE_KEY",
  "INVALID_ITEM",
  "UNSUPPORTED_MEDIA_TYPE",
  "ROUTE_UNKNOWN",
  "IDEMPOTENCY_MISMATCH",
  "BLOB_UNKNOWN",
  "CHECK_REFUSED",
];

const attemptsMax = 4;

/** Somebody wants something this often on average, in milliseconds. */
const desireEveryMs = 450;

/** Makes operators that reach the origin over the network, from desks of their own. */
export function createOperators(
  ground: Ground,
  dependencies: {
    readonly history: History;
    /** Which run of the origin it is. */
    readonly originRun: () => number;
    /** Called when a revert is confirmed that is not durable yet. */
    readonly onPromise: (release: string) => void;
  },
): Operators {
  const { history, originRun, onPromise } = dependencies;
  const { clock, network, trace, count, fatal } = ground;
  const random = ground.random.fork("operators");
  const desks: readonly Joined[] = [0, 1, 2].map((index) => network.join(`desk-${index}`));
  const operations = new Map<string, { readonly operation: Operation; events: number }>();
  const deskOf = (): Joined => random.pick(desks);
  const desires = createDesires({ random, history, fetch: (input, init) => deskOf().fetch(input, init) });
  /** Reverts that were confirmed while nothing was durable yet, by the run of the origin that has to keep its word. */
  const promised = new Map<string, number>();
  let stopped = false;
  let open = 0;

  const judgeAnswer = ({ id, what, publishes }: Operation, answer: Answer): void => {
    history.look();
    const { sequence, number, contentHash, outcome } = answer;
    if (sequence !== null && sequence !== undefined) {
      const last = history.event(sequence);
      // Who ends a hold lets the next one hold in the same append.
      const name = (last?.event.type === "release-held" && last.by.name !== id ? history.event(sequence - 1) : last)?.by
        .name;
      hold("invariant 8", name === id, () => `${id} (${what}) was confirmed as event ${sequence}, which is of ${name}`);
    }
    if (publishes === null || number === undefined) return;
    const version = history.version(what.split(/[ ,]/)[1] ?? "", number);
    hold("invariant 8", version?.contentHash === publishes && contentHash === publishes, () => {
      return `${id} (${what}) was confirmed as ${outcome} in v${number}, which has another content`;
    });
  };

  /** Who is away is nobody that is named as missing, and of those who confirmed there are never more than are expected. */
  const judgeReceipt = ({ id, what }: Operation, { receipt }: Answer): void => {
    if (receipt === null || receipt === undefined) return;
    const { expected, confirmed, away, awayTotal } = receipt;
    if (awayTotal > 0) count("receipt that names who is away");
    const isSound = confirmed <= expected && away.length === Math.min(awayTotal, 100) && !away.some(isDesk);
    hold("receipts", isSound, () => `${id} (${what}) is answered with ${JSON.stringify(receipt)}`);
  };

  const promise = (release: string): void => {
    count("revert that ran ahead");
    // By the time that the answer is here, the log may have it.
    if (history.release(release)?.end !== null) return;
    promised.set(release, originRun());
    onPromise(release);
  };

  /** The release that the operation would take back if it came now. */
  const runningOf = ({ reverts }: Operation): string | null => {
    history.look();
    if (reverts === null) return null;
    const running = history.position(history.sequence)[reverts.dataset]?.release?.id ?? null;
    return reverts.release === null || reverts.release === running ? running : null;
  };

  const perform = async (operation: Operation, attempts: number = attemptsMax): Promise<void> => {
    const { id, what } = operation;
    operations.set(id, { operation, events: 0 });
    trace.note(`${id} ${what.slice(0, 160)}`);
    for (let attempt = 1; attempt <= attempts && !stopped; attempt++) {
      const running = runningOf(operation);
      const { fetch } = deskOf();
      const admin = createAdmin({ url: originUrl, fetch, clock, actor: id, newKey: () => id, timeoutMs: 6_000 });
      try {
        const answer = await operation.run(admin);
        count(`${what.split(" ")[0]} ${answer.outcome}`);
        trace.note(`${id} is answered ${answer.outcome}, event ${answer.sequence ?? "none"}`);
        judgeAnswer(operation, answer);
        if (answer.receipt?.durable === false) promise(answer.receipt.release);
        judgeReceipt(operation, answer);
        return;
      } catch (error) {
        const code = codeOf(error);
        count(`${what.split(" ")[0]} ${code}`);
        trace.note(`${id} fails with ${code}, attempt ${attempt}`);
        hold("the answers", !faults.includes(code), () => `${id} (${what}) is answered ${code}: ${String(error)}`);
        hold("invariant 6", running === null || passing.includes(code) || running !== runningOf(operation), () => {
          return `${id} (${what}) is refused with ${code}, although ${running} runs`;
        });
        if (!passing.includes(code)) return;
      }
      await sleep(clock, random.between(200, 2_500));
    }
  };

  const want = (operation: Operation): void => {
    open += 1;
    perform(operation).then(() => void (open -= 1), fatal);
  };

  const next = (): void => {
    clock.setTimer(-Math.log(1 - random.next()) * desireEveryMs, () => {
      if (stopped) return;
      want(desires.next());
      // Two people at once.
      if (random.chance(0.15)) want(desires.next());
      next();
    });
  };

  const setUp = async (): Promise<void> => {
    for (const operation of desires.first()) await perform(operation, Number.POSITIVE_INFINITY);
    next();
  };

  return {
    start: () => void setUp().catch(fatal),
    stop() {
      stopped = true;
    },
    get open() {
      return open;
    },
    judge(logged, before) {
      const { event } = logged;
      const release = "release" in event && event.release !== null ? event.release : "";
      const isLate = promised.get(release) === originRun() && history.release(release)?.end?.how !== "reverted";
      hold("invariant 6", !isLate, () => `${event.type} comes to ${release}, which somebody was told is reverted`);
      if (event.type === "release-reverted") count(`reverted by ${logged.by.kind}`);
      const known = operations.get(logged.by.name);
      if (known === undefined) return;
      const { operation } = known;
      known.events += 1;
      const { id, what, eventsMax } = operation;
      hold("invariant 8", eventsMax === null || known.events <= eventsMax, () => `${id} (${what}) happened twice`);
      judgeChange(history, operation, logged, before);
    },
  };
}

/** A patch makes of each line what was asked for. */
function judgeChange(
  history: History,
  { id, what, changes }: Operation,
  { event }: LoggedEvent,
  before: Position,
): void {
  if (event.type !== "patched" || changes === null) return;
  const at: DatasetPosition | undefined = before[event.dataset];
  for (const [line, to] of [
    [at?.stable ?? null, event.stable],
    [at?.candidate ?? null, event.candidate],
  ] as const) {
    if (line === null || to === null) continue;
    const items = history.version(event.dataset, line.number)?.items ?? new Map<string, string>();
    const wanted = contentHashOf(withChanges(items, changes));
    hold(
      "invariant 4",
      wanted === to.contentHash,
      () => `${id} (${what}) makes of v${line.number} what nobody asked for`,
    );
  }
}

/** Who gives commands follows nobody. */
function isDesk(name: string): boolean {
  return !/^(sdk|sidecar)-\d+$/.test(name);
}

function codeOf(error: unknown): ErrorCode {
  if (isSluiceError(error)) return error.code;
  // Alerts go without a client that puts names on what a network does.
  if (error instanceof TypeError && error.message === "fetch failed") return "UNREACHABLE";
  throw error;
}
