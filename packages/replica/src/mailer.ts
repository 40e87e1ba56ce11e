import { type Clock, type Timer } from "@sluice/core";
import { orAborted } from "./abortable.ts";
import { backoffMs } from "./backoff.ts";

/** An instance to send to. Another process at the same URL is another one. */
export interface Recipient {
  readonly url: string;
  readonly instance: string;
}

/** Sends a JSON body to a path of an instance and gives the status of its answer. */
export type Post = (to: Recipient, path: string, body: string, signal: AbortSignal) => Promise<number>;

/** Where the bodies of a mailer come from. */
export interface MailSource {
  /** The next body; null where nothing is to be sent now. */
  next(): string | null;
  /** The body was answered, be it by a refusal. */
  answered(status: number): void;
  /** Another instance took the place of the one that the body was meant for, before it answered. */
  lost(): void;
}

/** Sends one body after the other, the same one until it is answered. */
export interface Mailer {
  /** Sends what the source has, unless something is on its way already. */
  wake(): void;
  /** The instance to send to from now on. A restarted one is another one. */
  to(url: string, instance: string): void;
  /** Sends now; ends when nothing is left, or an attempt failed, or nobody is there to send to. */
  flush(): Promise<void>;
  /** Breaks off what is on its way. */
  close(): void;
}

/** An answer is waited for so long, in milliseconds, before the body is sent again. */
export const answerMsMax = 10_000;

/** Sends nothing before it has an instance. */
export function createMailer(dependencies: {
  readonly path: string;
  readonly source: MailSource;
  readonly post: Post;
  readonly clock: Clock;
  readonly random: () => number;
}): Mailer {
  const { path, source, post, clock, random } = dependencies;
  let target: Recipient | null = null;
  let body: string | null = null;
  let sending: AbortController | null = null;
  let retry: Timer | null = null;
  let failures = 0;
  let waiters: (() => void)[] = [];

  const settle = (): void => {
    const settled = waiters;
    waiters = [];
    for (const resolve of settled) resolve();
  };

  const pump = (): void => {
    if (sending !== null || retry !== null) return;
    if (target !== null) body ??= source.next();
    if (target === null || body === null) settle();
    else void send(target, body);
  };

  const send = async (to: Recipient, text: string): Promise<void> => {
    const controller = new AbortController();
    sending = controller;
    const timer = clock.setTimer(answerMsMax, () => controller.abort());
    const status = await orAborted(post(to, path, text, controller.signal), controller.signal).catch(() => 0);
    timer.cancel();
    // Another instance was chosen meanwhile: this answer is nobody's.
    if (sending !== controller) return;
    sending = null;
    if (isAnswer(status)) {
      failures = 0;
      body = null;
      source.answered(status);
    } else {
      failures++;
      retry = clock.setTimer(backoffMs(failures, random), () => {
        retry = null;
        pump();
      });
      settle();
    }
    pump();
  };

  const breakOff = (): void => {
    const controller = sending;
    sending = null;
    controller?.abort();
    retry?.cancel();
    retry = null;
    failures = 0;
  };

  return {
    wake: pump,
    to(url, instance) {
      if (target?.url !== url || target.instance !== instance) {
        breakOff();
        if (body !== null) source.lost();
        body = null;
        target = { url, instance };
      }
      pump();
    },
    flush() {
      retry?.cancel();
      retry = null;
      return new Promise((resolve) => {
        waiters.push(resolve);
        pump();
      });
    },
    close() {
      breakOff();
      target = null;
      settle();
    },
  };
}

/** What says that the body need not come again: it was taken, or it never will be. */
function isAnswer(status: number): boolean {
  return status >= 200 && status < 500 && status !== 408 && status !== 429;
}
