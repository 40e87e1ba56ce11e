import type { Frame } from "@sluice/core/api";
import { bytesOf, createFrameWatch } from "./frame-watch.ts";
import type { Party, Wires } from "./network.ts";
import { delayMsMax } from "./weather.ts";

/** A connection on which nothing gets through is given up by the kernels after this long, in milliseconds. */
const halfOpenMs = 30_000;

/** The two ends of a stream. */
export interface Ends {
  readonly from: Party;
  readonly to: Party;
  /** Tells the sender that the receiver is gone. */
  readonly gone: AbortController;
  readonly signal: AbortSignal | null;
  /** The head of the answer has arrived. */
  readonly began: (stream: ReadableStream<Uint8Array>) => void;
  /** The stream broke before its head arrived. */
  readonly failed: () => void;
  readonly ended: () => void;
}

/** Something under way. */
interface UnderWay {
  readonly sentMs: number;
  readonly dueMs: number;
  readonly arrive: () => void;
}

/** Carries a stream chunk by chunk, in order, until one of the ends or the network ends it. */
export function pipe(wires: Wires, body: ReadableStream<Uint8Array>, ends: Ends): void {
  const { clock, random } = wires;
  const { from, to, gone, signal } = ends;
  const reader = body.getReader();
  const slowMs = random.chance(wires.weather().slow) ? random.between(200, delayMsMax) : 0;
  const queue: UnderWay[] = [];
  const hand = createHand(wires, from, to);
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let begun = false;
  let closed = false;
  let waiting = false;
  let lost = false;

  const stream = new ReadableStream<Uint8Array>({
    start(started) {
      controller = started;
    },
    cancel: () => left(),
  });

  /** Ends it for the receiver. False where it has ended. */
  const close = (): boolean => {
    if (closed) return false;
    closed = true;
    signal?.removeEventListener("abort", left);
    forgetFrom();
    forgetTo();
    ends.ended();
    return true;
  };
  const broken = (): void => {
    if (!close()) return;
    controller.error(new TypeError("terminated"));
    if (!begun) ends.failed();
  };
  const tellSender = (afterMs: number): void => wires.after(afterMs, () => gone.abort());
  const left = (): void => {
    if (close()) tellSender(wires.delayMs());
  };
  /** Nothing gets through any more, and neither end is told for long. */
  const lose = (): void => {
    lost = true;
    wires.after(halfOpenMs, () => {
      broken();
      gone.abort();
    });
  };
  const forgetFrom = from.onEnd((how) => wires.after(how === "reset" ? wires.delayMs() : halfOpenMs, broken));
  const forgetTo = to.onEnd((how) => {
    if (close()) tellSender(how === "reset" ? wires.delayMs() : halfOpenMs);
  });

  const send = (arrive: () => void): void => {
    const sentMs = clock.now();
    const delayMs = Math.min(delayMsMax, wires.delayMs() + slowMs * random.next());
    const dueMs = Math.max(queue.at(-1)?.dueMs ?? 0, sentMs + delayMs);
    queue.push({ sentMs, dueMs, arrive });
    wait();
  };
  const wait = (): void => {
    const [first] = queue;
    if (waiting || lost || closed || first === undefined) return;
    const cutMs = wires.cutUntil(from.host, to.host);
    const dueMs = Math.max(cutMs, first.dueMs);
    if (dueMs - first.sentMs > delayMsMax) return lose();
    waiting = true;
    wires.after(Math.max(0, dueMs - clock.now()), () => {
      waiting = false;
      look();
    });
  };
  const look = (): void => {
    const [first] = queue;
    if (closed || lost || first === undefined) return;
    if (wires.cutUntil(from.host, to.host) <= clock.now() && first.dueMs <= clock.now()) {
      queue.shift();
      first.arrive();
    }
    wait();
  };

  const arrive = (bytes: Uint8Array, sentMs: number): void => {
    if (!random.chance(wires.weather().cut)) return hand(controller, bytes, sentMs);
    hand(controller, bytes.subarray(0, random.int(bytes.byteLength)), sentMs);
    broken();
    tellSender(wires.delayMs());
  };

  // Taken as soon as it is written, whatever the network does with it: the time at which it was sent has to be true.
  const pull = async (): Promise<void> => {
    try {
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        if (value === undefined) continue;
        const bytes = value;
        const sentMs = clock.now();
        send(() => arrive(bytes, sentMs));
      }
      send(() => void (close() && controller.close()));
    } catch {
      // The sender broke it off: what is under way may still come, or not.
      if (random.chance(0.5)) queue.length = 0;
      send(broken);
    }
  };

  signal?.addEventListener("abort", left, { once: true });
  gone.signal.addEventListener("abort", () => void reader.cancel().catch(() => {}), { once: true });
  send(() => {
    begun = true;
    ends.began(stream);
  });
  void pull();
}

/** What hands bytes to the receiver and tells the watcher of each frame that is complete with them. */
function createHand(
  { watcher, forge }: Wires,
  from: Party,
  to: Party,
): (controller: ReadableStreamDefaultController<Uint8Array>, bytes: Uint8Array, sentMs: number) => void {
  const watch = createFrameWatch();
  const before = createFrameWatch();
  return (controller, bytes, sentMs) => {
    if (bytes.byteLength === 0) return;
    const frames = forge === null ? [] : before.push(bytes);
    const chunks = forge === null ? [bytes] : forgedOf(frames, forge, from, to);
    for (const chunk of chunks) {
      controller.enqueue(chunk);
      for (const frame of watch.push(chunk)) watcher.arrived({ from, to, frame, sentMs });
    }
  };
}

function forgedOf(frames: readonly Frame[], forge: NonNullable<Wires["forge"]>, from: Party, to: Party): Uint8Array[] {
  return frames.flatMap((frame) => forge(frame, from, to)).map(bytesOf);
}
