import type { Context, MiddlewareHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Client } from "./client.ts";
import { defaultFailureKind, failureKindOf, isAbort } from "./counting.ts";
import type { View } from "./view.ts";

/** How requests become views. */
export interface SluiceMiddlewareOptions<Items extends object> {
  /** Who asks: a user's or a session's id, the same for all requests of one person; undefined where nobody can be told. */
  readonly targetingKey: (c: Context) => string | undefined;
  readonly attributes?: (c: Context) => Readonly<Record<string, unknown>>;
  /** Datasets whose version and arm the answer names in `sluice-view`, for people who look at a page; none by default. */
  readonly exposeHeaders?: readonly (keyof Items & string)[];
}

/** Header of an answer: `prices;version=42;arm=candidate, stock;version=7`. */
export const viewHeader = "sluice-view";

/**
 * Makes a view for each request, runs the handlers with it as `client.current()`, and counts what came of it: a status of 500 or above or a
 * thrown error is a failure (an HTTPException is judged by its status alone), a request that its client gave up, or that ended
 * with an AbortError, is nothing, anything else is a success; either is `slow` where it took longer than the plan's `slowMs`. A handler that called `fail` or `succeed` itself has counted already.
 */
export function sluiceMiddleware<Items extends object>(
  client: Client<Items>,
  options: SluiceMiddlewareOptions<Items>,
): MiddlewareHandler {
  const { targetingKey, attributes, exposeHeaders = [] } = options;
  return async (c, next) => {
    const view = client.view({
      targetingKey: targetingKey(c),
      ...(attributes === undefined ? {} : { attributes: attributes(c) }),
    });
    let thrown: { readonly error: unknown } | undefined;
    try {
      await client.runWith(view, next);
    } catch (error) {
      // Hono hands an Error to its error handler; anything else that was thrown arrives here.
      thrown = { error };
      throw error;
    } finally {
      if (c.req.raw.signal.aborted) view.giveUp();
      else settle(view, c, thrown);
    }
    if (exposeHeaders.length > 0) c.header(viewHeader, exposeHeaders.map((name) => describe(view, name)).join(", "));
  };
}

function settle<Items extends object>(
  view: View<Items>,
  c: Context,
  thrown: { readonly error: unknown } | undefined,
): void {
  const error = thrown === undefined ? c.error : thrown.error;
  if (isAbort(error)) view.giveUp();
  // An HTTPException is an answer that took another way out.
  else if (error !== undefined && !(error instanceof HTTPException)) {
    const kind = failureKindOf(error);
    if (kind !== undefined) view.fail(kind);
  } else if (c.res.status >= 500) view.fail(defaultFailureKind);
  else view.succeed();
}

function describe<Items extends object>(view: View<Items>, dataset: keyof Items & string): string {
  const arm = view.arm(dataset);
  return `${dataset};version=${view.version(dataset) ?? 0}${arm === null ? "" : `;arm=${arm}`}`;
}
