import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CommandAnswer, EvidenceAnswer, Problem, Receipt, StatusAnswer } from "@sluice/core/api";
import {
  commandAnswerSchema,
  evidenceAnswerSchema,
  problemMediaType,
  receiptSchema,
  statusAnswerSchema,
} from "@sluice/core/api";
import { createPageRoutes } from "../../sidecar/src/routes/page.ts";
import { evidence } from "./situations.ts";

/** A revert that the page asked for. */
export interface RevertRequest {
  readonly dataset: string;
  readonly body: unknown;
  /** The header as it came, percent-encoded. */
  readonly actor: string | undefined;
  readonly key: string | undefined;
}

/** A hold, a resume, a guard turned off or on that the page asked for. */
export interface SteerRequest extends Omit<RevertRequest, "dataset"> {
  readonly release: string;
  readonly action: string;
}

/** What plays an origin towards the page: the page's own files, a status that a test sets, reverts that it answers. */
export interface FakeOrigin {
  readonly url: string;
  /** Every revert asked for, in order. */
  readonly reverts: readonly RevertRequest[];
  /** Everything else that was asked of a release, in order. */
  readonly steers: readonly SteerRequest[];
  /** How many times a receipt was asked for. */
  readonly receiptsRead: () => number;
  /** Sends a status to every stream, and to those that come. It is held to the wire's schema. */
  show(status: StatusAnswer): void;
  /** How a revert is answered from now on. Null: never. */
  answerReverts(answer: (request: RevertRequest) => CommandAnswer | Problem | null): void;
  /** How the same is answered from now on. Null: never. At first it is done. */
  answerSteers(answer: (request: SteerRequest) => CommandAnswer | Problem | null): void;
  /** What the guard of a release has seen, from now on; at first nothing is kept but the moment. */
  answerEvidence(answer: (release: string) => EvidenceAnswer): void;
  /** What a look at a receipt finds from now on; undefined is 404. */
  answerReceipts(receipt: () => Receipt | undefined): void;
  /** Cuts every stream; with `refuse` those that come are answered 503 until the next `show`. */
  cutStreams(options: { readonly refuse: boolean }): void;
  close(): Promise<void>;
}

/** Starts a fake origin on a free port of the loopback. */
export async function startFakeOrigin(options: { readonly port?: number } = {}): Promise<FakeOrigin> {
  const page = createPageRoutes();
  const streams = new Set<ServerResponse>();
  const reverts: RevertRequest[] = [];
  const steers: SteerRequest[] = [];
  let steerAnswer = done;
  let evidenceAnswer = nothingSeen;
  let status: StatusAnswer | null = null;
  let refusing = false;
  let receiptsRead = 0;
  let revertAnswer: Parameters<FakeOrigin["answerReverts"]>[0] | undefined;
  let receiptAnswer: Parameters<FakeOrigin["answerReceipts"]>[0] | undefined;

  function stream(response: ServerResponse): void {
    if (refusing) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    response.flushHeaders();
    streams.add(response);
    response.on("close", () => streams.delete(response));
    if (status !== null) write(response, status);
  }

  async function revert(request: IncomingMessage, response: ServerResponse, dataset: string): Promise<void> {
    const wanted: RevertRequest = { dataset, ...(await asked(request)) };
    reverts.push(wanted);
    give(response, revertAnswer?.(wanted) ?? null);
  }

  async function steer(request: IncomingMessage, response: ServerResponse, path: RegExpExecArray): Promise<void> {
    const [, release = "", action = ""] = path;
    const wanted: SteerRequest = { release: decodeURIComponent(release), action, ...(await asked(request)) };
    steers.push(wanted);
    give(response, steerAnswer(wanted));
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const reverted = /^\/v1\/datasets\/([^/]+)\/revert$/.exec(pathname);
    const steered = /^\/v1\/releases\/([^/]+)\/(hold|resume|guard-off|guard-on)$/.exec(pathname);
    const seen = /^\/v1\/releases\/([^/]+)\/evidence$/.exec(pathname);
    if (pathname === "/v1/status/stream") stream(response);
    else if (steered !== null) await steer(request, response, steered);
    else if (seen !== null) {
      const answer = evidenceAnswer(decodeURIComponent(seen[1] ?? ""));
      json(response, 200, evidenceAnswerSchema.parse(answer));
    } else if (reverted !== null) await revert(request, response, decodeURIComponent(reverted[1] ?? ""));
    else if (/^\/v1\/releases\/[^/]+\/receipts\/revert$/.test(pathname)) {
      receiptsRead += 1;
      const receipt = receiptAnswer?.();
      if (receipt === undefined) json(response, 404, {}, problemMediaType);
      else json(response, 200, receiptSchema.parse(receipt));
    } else {
      const answer = await page.request(pathname);
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(await answer.text());
    }
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    reverts,
    steers,
    receiptsRead: () => receiptsRead,
    show(next) {
      status = statusAnswerSchema.parse(next);
      refusing = false;
      for (const response of streams) write(response, status);
    },
    answerReverts(answer) {
      revertAnswer = answer;
    },
    answerSteers(answer) {
      steerAnswer = answer;
    },
    answerEvidence(answer) {
      evidenceAnswer = answer;
    },
    answerReceipts(receipt) {
      receiptAnswer = receipt;
    },
    cutStreams({ refuse }) {
      refusing = refuse;
      for (const response of streams) response.destroy();
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function asked(request: IncomingMessage): Promise<Omit<RevertRequest, "dataset">> {
  const chunks = await request.toArray();
  const { "sluice-actor": actor, "idempotency-key": key } = request.headers;
  return { body: JSON.parse(Buffer.concat(chunks).toString()), actor: actor?.toString(), key: key?.toString() };
}

function give(response: ServerResponse, answer: CommandAnswer | Problem | null): void {
  if (answer === null) response.destroy();
  else if ("code" in answer) json(response, answer.status, answer, problemMediaType);
  else json(response, 200, commandAnswerSchema.parse(answer));
}

const done: Parameters<FakeOrigin["answerSteers"]>[0] = ({ release }) => ({
  outcome: "done",
  message: "done",
  sequence: 512,
  release,
  receipt: null,
});

const nothingSeen: Parameters<FakeOrigin["answerEvidence"]>[0] = (release) => ({
  release,
  evidence: evidence(),
  history: [],
});

function write(response: ServerResponse, status: StatusAnswer): void {
  response.write(`event: status\ndata: ${JSON.stringify(status)}\n\n`);
}

function json(response: ServerResponse, code: number, body: unknown, type = "application/json"): void {
  response.writeHead(code, { "content-type": type }).end(JSON.stringify(body));
}
