import { type Clock, type ErrorDetails, SluiceError } from "@sluice/core";
import { actorHeader, idempotencyHeader, problemMediaType, problemSchema, type Route } from "@sluice/core/api";

/** What every request needs. */
export interface Connection {
  /** Of the instance, without a slash at the end. */
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** Who is recorded; null lets the instance say `unknown`. */
  readonly actor: string | null;
  /** For an answer, or for the next bytes of a stream. */
  readonly timeoutMs: number;
  readonly newKey: () => string;
}

/** One request as it is sent, any number of times. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** With its query, beginning with a slash. */
  readonly path: string;
  /** JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends a request and gives the text of its answer. Sends it once more where the connection was lost: a command carries an
 * idempotency key, so that it happens once. Throws what the instance refused, UNREACHABLE, TIMEOUT or PROTOCOL.
 */
export async function requestText(connection: Connection, call: Call): Promise<string> {
  const headers = headersOf(connection, { accept: "application/json", ...call.headers });
  if (call.body !== undefined) headers.set("content-type", "application/json");
  if (call.method !== "GET") headers.set(idempotencyHeader, connection.newKey());
  const init: RequestInit = {
    method: call.method,
    headers,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  };
  const attempt = (): Promise<string> =>
    withTimeout(connection, async (signal) => {
      const response = await connection.fetch(`${connection.url}${call.path}`, { ...init, signal });
      const text = await response.text();
      if (!response.ok) throw errorOf(connection, call, response, text);
      return text;
    });
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
  }
  try {
    return await attempt();
  } catch (error) {
    throw error instanceof SluiceError ? error : unreachableError(connection, call, error);
  }
}

/** The headers that every request carries. */
export function headersOf(connection: Connection, more: Readonly<Record<string, string>>): Headers {
  const headers = new Headers(more);
  if (connection.actor !== null) headers.set(actorHeader, headerText(connection.actor));
  return headers;
}

/** A name as a header can carry it: what is not printable ASCII is percent-encoded, which the instance undoes. */
function headerText(name: string): string {
  return name.toWellFormed().replaceAll(/[^\x20-\x7e]|%/gu, encodeURIComponent);
}

/** The answer in the shape that this protocol has. Throws PROTOCOL with the first problems. */
export function parseAnswer<Answer>(schema: Route<null, Answer>["answer"], call: Call, text: string): Answer {
  const result = schema.safeParse(jsonOf(text));
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, 5).map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new SluiceError(
    "PROTOCOL",
    `the answer to ${call.method} ${call.path} is not what this version expects (${problems[0] ?? "no JSON"}); do both sides run the same version of Sluice?`,
    { details: { problems } },
  );
}

/** An answer that is no success as the error that it means. */
export function errorOf(connection: Connection, call: Call, response: Response, text: string): SluiceError {
  const isProblem = response.headers.get("content-type")?.startsWith(problemMediaType) === true;
  const problem = problemSchema.safeParse(isProblem ? jsonOf(text) : undefined);
  if (problem.success) {
    const { code, detail, details } = problem.data;
    const retryAfter = response.headers.get("retry-after");
    const more: ErrorDetails = retryAfter === null ? {} : { retryAfter };
    return new SluiceError(code, detail, { details: { ...details, ...more } });
  }
  return new SluiceError(
    "PROTOCOL",
    `${call.method} ${connection.url}${call.path} was answered with status ${response.status} and nothing that Sluice writes; is that the URL of an instance?`,
    { details: { status: response.status, body: text.slice(0, 500) } },
  );
}

/** A lost connection as an error that says what to do. */
export function unreachableError(connection: Connection, call: Call, cause: unknown): SluiceError {
  const reason = reasonOf(cause);
  // Nothing was sent where nobody accepted the connection.
  const sent = call.method !== "GET" && !/ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(reason);
  const doubt = sent ? "; whether it was carried out is not known, `sluice status` shows it" : "";
  return new SluiceError(
    "UNREACHABLE",
    `no instance answers at ${connection.url} (${reason})${doubt}: is \`sluice serve\` running? SLUICE_URL names the instance`,
    { cause, details: { url: connection.url } },
  );
}

/** Runs with a signal that is aborted, and the run failed with TIMEOUT, after the connection's `timeoutMs`. */
async function withTimeout<T>(connection: Connection, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, timeoutMs, url } = connection;
  const controller = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => controller.abort());
  try {
    return await run(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new SluiceError("TIMEOUT", `no answer from ${url} within ${timeoutMs / 1000} s`, { cause: error });
  } finally {
    timer.cancel();
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The global fetch says "fetch failed" and has the reason underneath; where several addresses failed, one level deeper.
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  return "code" in error && typeof error.code === "string" && !error.message.includes(error.code)
    ? `${error.code} ${error.message}`.trim()
    : error.message;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
