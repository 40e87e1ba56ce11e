import type { Joined, Listener, Wires } from "./network.ts";
import { pipe } from "./pipe.ts";
import { delayMsMax } from "./weather.ts";

/** Whoever asks a host that says nothing is told so by its own kernel after at most this long, in milliseconds. */
const silenceMsMax = 20_000;

/** A second delivery of a request comes at most this long after the first, in milliseconds. */
const repeatMsMax = 2_000;

/** A request as it goes over the wire. */
interface Ask {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** One request and its answer, with whatever the network does to them. `ended` is called once, when nothing more comes of it. */
export function exchange(
  wires: Wires,
  from: Joined,
  { input, init = {} }: { input: Parameters<typeof globalThis.fetch>[0]; init: RequestInit | undefined },
  ended: () => void,
): Promise<Response> {
  const { random, watcher } = wires;
  const { signal = null } = init;
  return new Promise((resolve, reject) => {
    let over = false;
    /** Lets the other end know that nobody waits for it any more. */
    let hangUp = (): void => {};

    const finish = (settle: () => void): void => {
      if (over) return;
      over = true;
      signal?.removeEventListener("abort", abort);
      forget();
      settle();
    };
    const fail = (reason: string): void =>
      finish(() => {
        ended();
        reject(new TypeError("fetch failed", { cause: new Error(reason) }));
      });
    const failLater = (reason: string): void => {
      const impatient = random.chance(0.6);
      wires.after(impatient ? random.between(0, 3_000) : random.between(5_000, silenceMsMax), () => fail(reason));
    };
    const abort = (): void =>
      finish(() => {
        ended();
        hangUp();
        reject(signal?.reason as Error);
      });
    const forget = from.onEnd(() =>
      finish(() => {
        ended();
        hangUp();
      }),
    );

    const travel = (ask: Ask): void => {
      if (random.chance(wires.weather().requestLost)) return failLater("the request was lost");
      passes(wires, from.host, ask.url.host, (passed) => {
        const listener = wires.listener(ask.url.host);
        if (over) return;
        if (!passed) failLater("EHOSTUNREACH");
        else if (listener === undefined) wires.after(wires.delayMs(), () => fail("ECONNREFUSED"));
        else arrive(ask, listener);
      });
    };

    const arrive = (ask: Ask, listener: Listener): void => {
      const { party } = listener;
      const gone = new AbortController();
      const unlisten = party.onEnd((how) => {
        hangUp = () => {};
        wires.after(how === "reset" ? wires.delayMs() : silenceMsMax, () => fail("ECONNRESET"));
      });
      hangUp = () => {
        unlisten();
        wires.after(wires.delayMs(), () => gone.abort());
      };
      if (ask.method === "POST" && random.chance(wires.weather().repeated)) {
        wires.after(random.between(0, repeatMsMax), () => repeat(wires, from, ask));
      }
      serve(wires, from, listener, ask).then((response) => {
        unlisten();
        // Nobody waits for it any more.
        if (over) response.body?.cancel().catch(watcher.fatal);
        else answer(ask, listener, response, gone);
      }, watcher.fatal);
    };

    const answer = (ask: Ask, { party }: Listener, response: Response, gone: AbortController): void => {
      const { status, headers, body } = response;
      if (body !== null && headers.get("content-type")?.startsWith("text/event-stream") === true) {
        hangUp = () => {};
        const began = (stream: ReadableStream<Uint8Array>): void =>
          finish(() => resolve(new Response(stream, { status, headers })));
        const failed = (): void => fail("ECONNRESET");
        return pipe(wires, body, { from: party, to: from, gone, signal, began, failed, ended });
      }
      bytesOf(response).then((bytes) => {
        if (over) return;
        if (random.chance(wires.weather().answerLost)) return failLater("the answer was lost");
        passes(wires, party.host, from.host, (passed) => {
          if (!passed) return failLater("the answer did not get through");
          finish(() => {
            ended();
            resolve(received(wires, ask, response, bytes));
          });
        });
      }, watcher.fatal);
    };

    if (signal?.aborted === true) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    askOf(input, init).then(travel, (error: unknown) => fail(String(error)));
  });
}

/** Calls `then` when something has passed between two hosts, or cannot. */
function passes(wires: Wires, a: string, b: string, then: (passed: boolean) => void): void {
  const { clock, random } = wires;
  const sentMs = clock.now();
  const look = (): void => {
    const untilMs = wires.cutUntil(a, b);
    if (untilMs <= clock.now()) then(true);
    // A short cut only delays: the sender's kernel tries again.
    else if (untilMs - sentMs < delayMsMax && random.chance(0.5)) wires.after(untilMs - clock.now(), look);
    else then(false);
  };
  wires.after(wires.delayMs(), look);
}

async function askOf(input: Parameters<typeof globalThis.fetch>[0], init: RequestInit): Promise<Ask> {
  const url = new URL(input instanceof Request ? input.url : input);
  const body =
    init.body === null || init.body === undefined
      ? new Uint8Array()
      : new Uint8Array(await new Response(init.body).arrayBuffer());
  return { url, method: init.method ?? "GET", headers: new Headers(init.headers), body };
}

async function serve(
  { watcher, random, weather }: Wires,
  from: Joined,
  { party, serve: serving }: Listener,
  { url, method, headers, body }: Ask,
): Promise<Response> {
  watcher.reached({ from, to: party, method, path: `${url.pathname}${url.search}`, body });
  const isUpload = url.pathname.endsWith("/versions");
  const breaksOff = isUpload && random.chance(weather().requestLost);
  // No signal goes along: a Request hears of one only for as long as the garbage collector pleases.
  const init: RequestInit = { method, headers };
  if (breaksOff) {
    const sent = body.subarray(0, random.int(body.byteLength));
    return serving(new Request(url, { ...init, body: brokenAfter(sent), duplex: "half" }));
  }
  return serving(new Request(url, body.byteLength === 0 ? init : { ...init, body }));
}

/** The same request once more, whose answer nobody waits for. */
function repeat(wires: Wires, from: Joined, ask: Ask): void {
  const listener = wires.listener(ask.url.host);
  if (listener === undefined) return;
  serve(wires, from, listener, ask).then((response) => response.body?.cancel(), wires.watcher.fatal);
}

async function bytesOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  return response.body === null ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
}

/** The answer as it comes out at the other end. */
function received(
  { random, weather }: Wires,
  { method }: Ask,
  response: Response,
  bytes: Uint8Array<ArrayBuffer>,
): Response {
  const { status, headers } = response;
  if (bytes.byteLength === 0) return new Response(null, { status, headers });
  const { cut, spoiled } = weather();
  const isDownload = method === "GET" && headers.get("content-type") === "application/octet-stream";
  if (isDownload && random.chance(cut)) {
    return new Response(brokenAfter(bytes.subarray(0, random.int(bytes.byteLength))), { status, headers });
  }
  if (isDownload && random.chance(spoiled)) {
    const index = random.int(bytes.byteLength);
    bytes[index] = (bytes[index] ?? 0) ^ 0x10;
  }
  return new Response(bytes, { status, headers });
}

/** A body that breaks off behind these bytes. */
function brokenAfter(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  let sent = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (sent || bytes.byteLength === 0) controller.error(new TypeError("terminated"));
      else controller.enqueue(bytes);
      sent = true;
    },
  });
}
