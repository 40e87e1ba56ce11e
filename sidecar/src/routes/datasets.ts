import type { Plan } from "@sluice/core";
import { own, SluiceError } from "@sluice/core";
import type { PatchAnswer, PatchBody, PublishAnswer, PublishQuery } from "@sluice/core/api";
import {
  addSourceSchema,
  createDatasetSchema,
  idempotencyHeader,
  limits,
  patchBodySchema,
  paths,
  publishQuerySchema,
  reasonBodySchema,
  routes,
  startReleaseSchema,
} from "@sluice/core/api";
import type { Context } from "hono";
import { Hono } from "hono";
import type { Executed } from "../commands.ts";
import { buildPatch } from "../patcher.ts";
import { parseInput } from "../problems.ts";
import type { Publisher, UploadFormat } from "../publisher.ts";
import type { Draw } from "../draw.ts";
import type { CommandRouteDependencies } from "./answer.ts";
import { actorOf, answerCommand, built } from "./answer.ts";
import { jsonBody } from "./body.ts";

/** What the routes of datasets need. */
export interface DatasetRouteDependencies extends CommandRouteDependencies {
  readonly publisher: Publisher;
  readonly draw: Draw;
  /** Throws VALIDATION for a plan with rules that could never act here. */
  refuseUnusable(plan: Plan): void;
}

/** Datasets, their sources, publish, patch, the start of a release, revert by dataset. */
export function createDatasetRoutes(dependencies: DatasetRouteDependencies): Hono {
  const { commands, draw } = dependencies;
  const app = new Hono();

  app.post(routes.createDataset.path, async (context) => {
    const { name, ...body } = await jsonBody(context, createDatasetSchema, limits.bodyBytesMax);
    dependencies.refuseUnusable(body.plan);
    const command = { type: "create-dataset", dataset: name, ...body } as const;
    return context.json(await answerCommand(context, dependencies, command, null), 201);
  });

  app.post(routes.addSource.path, async (context) => {
    const source = await jsonBody(context, addSourceSchema, limits.bodyBytesMax);
    const command = { type: "add-source", dataset: datasetParameter(context), source } as const;
    return context.json(await answerCommand(context, dependencies, command, null), 201);
  });

  app.delete(routes.removeSource.path, async (context) => {
    const source = context.req.param("source") ?? "";
    const command = { type: "remove-source", dataset: datasetParameter(context), source } as const;
    return context.json(await answerCommand(context, dependencies, command, null));
  });

  app.post(paths.publish, async (context) => {
    return context.json(await publish(context, dependencies, publishQuery(context.req.query())));
  });

  app.post(routes.patch.path, async (context) => {
    const body = await jsonBody(context, patchBodySchema, limits.bodyBytesMax);
    return context.json(await patch(context, dependencies, body));
  });

  app.post(routes.startRelease.path, async (context) => {
    const body = await jsonBody(context, startReleaseSchema, limits.bodyBytesMax);
    if (body.plan !== null) dependencies.refuseUnusable(body.plan);
    const dataset = datasetParameter(context);
    const held = own(commands.state().datasets, dataset)?.candidate?.publish ?? 0;
    const command = { type: "start-release", dataset, ...body, draw: draw.release(dataset, held) } as const;
    return context.json(await answerCommand(context, dependencies, command, "start"));
  });

  app.post(routes.revertDataset.path, async (context) => {
    const { reason } = await jsonBody(context, reasonBodySchema, limits.bodyBytesMax);
    const target = { dataset: datasetParameter(context) };
    const cause = { reason, evidence: null };
    return context.json(await answerCommand(context, dependencies, { type: "revert", target, cause }, "revert"));
  });

  return app;
}

async function publish(
  context: Context,
  { publisher }: DatasetRouteDependencies,
  { release, thousandths, supersede, acceptQuarantined }: PublishQuery,
): Promise<PublishAnswer> {
  const body = context.req.raw.body;
  if (body === null) throw new SluiceError("VALIDATION", "expected the items as the body, came no body");
  return publisher.publish({
    dataset: datasetParameter(context),
    by: actorOf(context),
    body,
    format: formatOf(context),
    request: release ? { thousandths, supersede, acceptQuarantined } : null,
    source: null,
    idempotencyKey: context.req.header(idempotencyHeader) || undefined,
  });
}

/** What a publish asks for. A word that is misspelt must not be a publish that does something else. Throws VALIDATION. */
function publishQuery(given: Readonly<Record<string, string>>): PublishQuery {
  const query = parseInput(publishQuerySchema, given, "the query");
  const wrong = Object.entries(given).find(([name, value]) => !Object.hasOwn(query, name) || value === "");
  if (wrong !== undefined) {
    const [name, value] = wrong;
    const names = Object.keys(query).join(", ");
    throw new SluiceError("VALIDATION", `the query: expected a value for one of ${names}, came ${name}=${value}`);
  }
  const { release, ...start } = query;
  if (!release && (start.thousandths !== null || start.supersede || start.acceptQuarantined)) {
    throw new SluiceError("VALIDATION", `the query: ${Object.keys(start).join(", ")} go with release=true`);
  }
  return query;
}

function formatOf(context: Context): UploadFormat {
  const encoding = context.req.header("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new SluiceError(
      "UNSUPPORTED_MEDIA_TYPE",
      `expected the bytes as they are, came content-encoding ${encoding}`,
    );
  }
  const type = context.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "application/x-ndjson" || type === "application/jsonl") return "ndjson";
  if (type === "application/json") return "object";
  throw new SluiceError(
    "UNSUPPORTED_MEDIA_TYPE",
    `expected application/x-ndjson (a line an item) or application/json (one object), came ${type || "no type"}`,
  );
}

async function patch(context: Context, dependencies: DatasetRouteDependencies, body: PatchBody): Promise<PatchAnswer> {
  const dataset = datasetParameter(context);
  const answerOf = (executed: Executed): PatchAnswer => patchAnswer(dataset, executed);
  return dependencies.once.run(
    context.req.header(idempotencyHeader),
    JSON.stringify(["patch", dataset, body]),
    async (remember) => {
      const given = built(context, (working) => buildPatch(working.lines(dataset), working.state, dataset, body));
      return answerOf(await dependencies.commands.execute(given, remember));
    },
    answerOf,
  );
}

function patchAnswer(dataset: string, { events, state }: Executed): PatchAnswer {
  const logged = events[0];
  const patched = logged?.event.type === "patched" ? logged.event : undefined;
  return {
    outcome: patched === undefined ? "unchanged" : "done",
    dataset,
    stable: patched?.stable.number ?? own(state.datasets, dataset)?.stable?.number ?? 0,
    candidate: patched?.candidate?.number ?? null,
    sequence: logged?.sequence ?? null,
  };
}

function datasetParameter(context: Context): string {
  return context.req.param("dataset") ?? "";
}
