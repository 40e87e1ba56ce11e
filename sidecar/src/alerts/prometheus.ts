import type { Clock } from "@sluice/core";
import { unreachable } from "@sluice/core";
import { z } from "zod";
import type { SecretSource } from "./secret.ts";

/** What a Prometheus says to an expression. */
export type QueryAnswer =
  | {
      readonly kind: "answered";
      /** A vector that is not empty, or a scalar other than 0. */
      readonly fires: boolean;
      /** What it was, for people. */
      readonly text: string;
    }
  | { readonly kind: "unanswered"; readonly reason: string };

/** A Prometheus that can be asked. */
export interface Prometheus {
  /** Never throws. Takes at most `queryTimeoutMs`. */
  ask(expression: string, signal: AbortSignal): Promise<QueryAnswer>;
}

/** How long an answer may take, in milliseconds. */
const queryTimeoutMs = 5_000;

/** How long an answer may be. An expression of a rule is to be an aggregate, not the list of all that there is. */
export const answerBytesMax = 1_048_576;

const sampleSchema = z.tuple([z.number(), z.string()]);

const answerSchema = z.discriminatedUnion("status", [
  z.object({
    status: z.literal("success"),
    data: z.discriminatedUnion("resultType", [
      z.object({
        resultType: z.literal("vector"),
        result: z.array(z.object({ metric: z.record(z.string(), z.string()), value: sampleSchema.optional() })),
      }),
      z.object({ resultType: z.literal("scalar"), result: sampleSchema }),
      z.object({ resultType: z.enum(["matrix", "string"]) }),
    ]),
  }),
  z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() }),
]);

/** Makes a client of the Prometheus at `url`, or of what answers as one. A token is sent as `Authorization: Bearer`. */
export function createPrometheus(dependencies: {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  readonly token: SecretSource | null;
}): Prometheus {
  const { url, fetch, clock, token } = dependencies;

  async function query(expression: string, signal: AbortSignal): Promise<QueryAnswer> {
    const [secret] = (await token?.read()) ?? [];
    const response = await fetch(`${url.replace(/\/+$/, "")}/api/v1/query`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
        ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: new URLSearchParams({ query: expression, timeout: `${queryTimeoutMs}ms` }).toString(),
      // A token goes to whom it is for.
      redirect: "error",
      signal,
    });
    const text = await boundedText(response);
    if (text === undefined)
      return unanswered(`its answer has more than ${answerBytesMax} bytes; aggregate the expression`);
    const parsed = answerSchema.safeParse(jsonOf(text));
    if (!parsed.success) return unanswered(`status ${response.status}, and nothing that a Prometheus says`);
    return answerOf(parsed.data);
  }

  return {
    async ask(expression, signal) {
      const controller = new AbortController();
      const abort = (): void => controller.abort();
      const timer = clock.setTimer(queryTimeoutMs, abort);
      signal.addEventListener("abort", abort, { once: true });
      try {
        return await query(expression, controller.signal);
      } catch (error) {
        const isLate = controller.signal.aborted && !signal.aborted;
        return unanswered(isLate ? `no answer within ${queryTimeoutMs / 1_000} s` : reasonOf(error));
      } finally {
        timer.cancel();
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

function answerOf(answer: z.infer<typeof answerSchema>): QueryAnswer {
  if (answer.status === "error") return unanswered(`${answer.errorType}: ${answer.error.slice(0, 500)}`);
  const { data } = answer;
  switch (data.resultType) {
    case "vector": {
      const [first] = data.result;
      if (first === undefined) return { kind: "answered", fires: false, text: "an empty vector" };
      const labels = Object.entries(first.metric).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
      const more = data.result.length > 1 ? ` and ${data.result.length - 1} more` : "";
      const text = `{${labels.join(", ").slice(0, 300)}} ${first.value?.[1] ?? "a histogram"}${more}`;
      return { kind: "answered", fires: true, text };
    }
    case "scalar": {
      const value = Number(data.result[1]);
      return { kind: "answered", fires: !Number.isNaN(value) && value !== 0, text: data.result[1] };
    }
    case "matrix":
    case "string":
      return unanswered(`the expression gives a ${data.resultType}, not a vector or a scalar`);
    default:
      return unreachable(data);
  }
}

function unanswered(reason: string): QueryAnswer {
  return { kind: "unanswered", reason };
}

async function boundedText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A fetch says "fetch failed" and has the reason underneath; where several addresses failed, one level deeper. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  if ("code" in error && error.code === "ECONNREFUSED") return "connection refused";
  return error.message;
}
