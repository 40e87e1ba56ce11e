import { ServerResponse } from "node:http";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { followQuerySchema, paths } from "@sluice/core/api";
import { Hono } from "hono";
import type { Followers } from "../followers.ts";
import { parseInput } from "../problems.ts";
import { createResponseSink, createStreamSink } from "../sink.ts";

/** No cache may keep a stream, and no proxy may collect it before it passes it on. */
const streamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  "x-accel-buffering": "no",
} as const;

/** `GET /v1/follow`, the stream, and `GET /v1/state`, the same state for places where a stream does not pass. */
export function createFollowRoutes(dependencies: { followers: Followers }): Hono {
  const { followers } = dependencies;
  const app = new Hono();

  app.get(paths.follow, (context) => {
    const query = parseInput(followQuerySchema, context.req.query(), "the query");
    // Hono answers HEAD with this handler; a stream without a body would stay open for nobody.
    if (context.req.method === "HEAD") return context.body(null, 200, streamHeaders);
    const outgoing = outgoingOf(context.env);
    if (outgoing !== undefined) {
      followers.connect(query, createResponseSink(outgoing, streamHeaders));
      return RESPONSE_ALREADY_SENT;
    }
    const { sink, stream } = createStreamSink();
    // Without a socket there is no connection to break; the caller's signal stands for it.
    const { signal } = context.req.raw;
    const abort = (): void => sink.abort();
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    sink.onClose(() => signal.removeEventListener("abort", abort));
    followers.connect(query, sink);
    return new Response(stream, { headers: streamHeaders });
  });

  app.get(paths.state, async (context) => {
    const { etag, frame } = await followers.state(tagsOf(context.req.header("if-none-match")));
    context.header("etag", etag);
    context.header("cache-control", "private, no-cache");
    return frame === null ? context.body(null, 304) : context.json(frame);
  });

  return app;
}

/** The raw response where the request came over a socket through @hono/node-server; undefined where it was called in process. */
function outgoingOf(environment: unknown): ServerResponse | undefined {
  if (typeof environment !== "object" || environment === null || !("outgoing" in environment)) return undefined;
  return environment.outgoing instanceof ServerResponse ? environment.outgoing : undefined;
}

/** The tags of an `If-None-Match`; a weak one compares like a strong one (RFC 9110, 13.1.2). */
export function tagsOf(header: string | undefined): string[] {
  return [...(header ?? "").matchAll(/"[^"]*"/g)].map(([tag]) => tag);
}
