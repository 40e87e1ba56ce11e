import { SluiceError } from "@sluice/core";
import type { UploadFormat } from "../publisher.ts";
import { createIntake } from "./intake.ts";
import { createLoop } from "./loop.ts";
import type { Source, SourceDependencies, Validators } from "./port.ts";
import { createRequestLimit, type RequestLimit } from "./request-limit.ts";

/** For how long an upstream may think before it answers, in milliseconds. */
export const answerMsMax = 15_000;

/** For how long a body may stand still while it is waited for, in milliseconds. */
export const standstillMsMax = 30_000;

/** How many redirects are followed, all of them within the configured origin. */
const redirectsMax = 5;

/** The longest pause between two requests to an upstream that fails, in milliseconds. */
export const backoffMsMax = 300_000;

/** What a source that is polled needs. */
export interface HttpSourceDependencies extends SourceDependencies {
  readonly fetch: typeof globalThis.fetch;
}

const accept = "application/x-ndjson, application/json";

/**
 * A source that is polled with conditional requests. The content type says how it is written, or the URL's ending where the
 * server has no type for it, as plain file servers and buckets have none for `.ndjson`. Errors and other statuses than 200
 * and 304 are retried with twice the pause each time, up to five minutes; bytes that are known make no version.
 */
export function createHttpSource(dependencies: HttpSourceDependencies): Source {
  const { definition, clock, random, fetch } = dependencies;
  const { url, intervalMs } = definition;
  const intake = createIntake(dependencies);
  let loaded = false;

  async function pull(signal: AbortSignal): Promise<void> {
    if (!loaded) await intake.load();
    loaded = true;
    const limit = createRequestLimit(clock, signal);
    const known = intake.validators();
    const response = await request(fetch, url, known, limit);
    if (response.status === 304 && known !== null) return intake.unchanged();
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel();
      throw new SluiceError(
        "SOURCE_FAILED",
        `expected 200 from ${url}, came ${response.status} ${response.statusText}`.trim(),
      );
    }
    const type = response.headers.get("content-type") ?? "";
    const format = formatOf(type, url);
    if (format === undefined) {
      await response.body.cancel();
      return intake.fail(wrongType(url, type), "refused");
    }
    const validators = { etag: response.headers.get("etag"), lastModified: response.headers.get("last-modified") };
    await intake.take({ body: limit.read(response.body, standstillMsMax), format, validators }, signal);
  }

  const loop = createLoop({
    clock,
    turn: pull,
    onError: (error) => intake.fail(error, "failing"),
    pauseMs: (failures) => pauseMs(intervalMs, failures, random),
  });
  return { ...loop, status: () => intake.status() };
}

/** The interval, give or take a tenth, so that many sources do not ask at once; doubled with each failure. */
function pauseMs(intervalMs: number, failures: number, random: () => number): number {
  const backoffMs = Math.max(intervalMs, Math.min(intervalMs * 2 ** failures, backoffMsMax));
  return backoffMs * (0.9 + 0.2 * random());
}

/** Asks, and follows redirects within the origin: a redirect elsewhere would let an upstream choose what this host reads. */
async function request(
  fetch: typeof globalThis.fetch,
  url: string,
  known: Validators | null,
  limit: RequestLimit,
): Promise<Response> {
  const headers = new Headers({ accept });
  const { etag, lastModified } = known ?? { etag: null, lastModified: null };
  if (etag !== null) headers.set("if-none-match", etag);
  if (lastModified !== null) headers.set("if-modified-since", lastModified);
  let at = new URL(url);
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = await limit.answer(
      fetch(at.href, { headers, redirect: "manual", signal: limit.signal }),
      answerMsMax,
      at.href,
    );
    const location = isRedirect(response.status) ? response.headers.get("location") : null;
    if (location === null) return response;
    await response.body?.cancel();
    at = redirected(location, at, url);
  }
  throw new SluiceError("SOURCE_FAILED", `${url} redirects more than ${redirectsMax} times`);
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function redirected(location: string, from: URL, url: string): URL {
  const to = URL.parse(location, from.href);
  if (to !== null && to.origin === new URL(url).origin) return to;
  throw new SluiceError(
    "SOURCE_FAILED",
    `${url} redirects to another origin (${to?.origin ?? "no URL"}); add that as the source's URL`,
  );
}

function formatOf(contentType: string, url: string): UploadFormat | undefined {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "application/json") return "object";
  if (["application/x-ndjson", "application/ndjson", "application/jsonl"].includes(type)) return "ndjson";
  if (!["", "application/octet-stream", "binary/octet-stream"].includes(type)) return undefined;
  const { pathname } = new URL(url);
  if (/\.(?:ndjson|jsonl)$/i.test(pathname)) return "ndjson";
  return /\.json$/i.test(pathname) ? "object" : undefined;
}

function wrongType(url: string, type: string): SluiceError {
  return new SluiceError(
    "UNSUPPORTED_MEDIA_TYPE",
    `expected application/x-ndjson (a line an item) or application/json (one object) from ${url}, came ${type || "no content type"}`,
  );
}
