import type { Arm, DatasetState, NamespaceState } from "@sluice/core";
import { activeRelease, armOf, bucketOf, own, SluiceError } from "@sluice/core";
import type { ReadAnswer, ReadManyAnswer } from "@sluice/core/api";
import { armHeader, limits, readManySchema, routes, versionHeader } from "@sluice/core/api";
import type { DatasetLines, ReadableVersion } from "@sluice/replica";
import { Hono } from "hono";
import { jsonBody } from "./body.ts";

/** What reads for other languages and the command line need. */
export interface ReadDependencies {
  state(): NamespaceState;
  lines(dataset: string): DatasetLines;
  /** Releases that a mark has taken back although the state does not say so yet. */
  marked(release: string): boolean;
  /** Whether a candidate below 100 % may be served here: always at the origin, by lease at a follower. */
  leaseHeld(): boolean;
  /** Why nothing is known here yet; null where the state is that of a log. */
  silence(): string | null;
}

/** The version that one user reads, and why. */
interface Served {
  readonly version: ReadableVersion;
  readonly arm: Arm | null;
  readonly release: string | null;
}

/** `GET /v1/datasets/:dataset/items/:key?as=USER` and its batch form. */
export function createReadRoutes(dependencies: ReadDependencies): Hono {
  const app = new Hono();

  app.get(routes.read.path, (context) => {
    const dataset = datasetOf(dependencies, context.req.param("dataset") ?? "");
    const key = context.req.param("key") ?? "";
    // An empty name is nobody's: taken as one, everybody who has none would stand on the same side.
    const served = serve(dependencies, dataset, context.req.query("as") || null);
    const text = served.version.get(key);
    if (text === undefined) {
      throw new SluiceError("KEY_UNKNOWN", `v${served.version.number} of ${dataset.name} has no item ${key}`, {
        details: { version: served.version.number, arm: served.arm },
      });
    }
    context.header(versionHeader, String(served.version.number));
    if (served.arm !== null) context.header(armHeader, served.arm);
    const answer: ReadAnswer = {
      dataset: dataset.name,
      key,
      value: JSON.parse(text),
      version: served.version.number,
      arm: served.arm,
      release: served.release,
    };
    return context.json(answer);
  });

  app.post(routes.readMany.path, async (context) => {
    const dataset = datasetOf(dependencies, context.req.param("dataset") ?? "");
    const { keys, as } = await jsonBody(context, readManySchema, limits.bodyBytesMax);
    const served = serve(dependencies, dataset, as);
    const items: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    for (const key of keys) {
      const text = served.version.get(key);
      if (text !== undefined) items[key] = JSON.parse(text);
    }
    context.header(versionHeader, String(served.version.number));
    if (served.arm !== null) context.header(armHeader, served.arm);
    const answer: ReadManyAnswer = {
      dataset: dataset.name,
      items,
      version: served.version.number,
      arm: served.arm,
      release: served.release,
    };
    return context.json(answer);
  });

  return app;
}

function datasetOf(dependencies: ReadDependencies, name: string): DatasetState {
  const dataset = own(dependencies.state().datasets, name);
  if (dataset !== undefined) return dataset;
  const silence = dependencies.silence();
  throw silence === null
    ? new SluiceError("DATASET_UNKNOWN", `there is no dataset ${name}`)
    : new SluiceError("NOT_READY", `nothing is known of ${name} here: ${silence}`);
}

/** Without a user, or without the candidate at hand, everybody reads stable; from 100 % on everybody reads the candidate. */
function serve(dependencies: ReadDependencies, dataset: DatasetState, as: string | null): Served {
  const { stable, candidate } = dependencies.lines(dataset.name);
  const release = activeRelease(dependencies.state(), dataset.name);
  if (stable === null) {
    throw dataset.stable === null
      ? new SluiceError("VERSION_NONE", `nothing is published to ${dataset.name} yet`)
      : new SluiceError(
          "NOT_READY",
          `v${dataset.stable.number} of ${dataset.name} cannot be read here (yet); sluice status says why`,
        );
  }
  if (release === undefined) return { version: stable, arm: null, release: null };
  const everybody = release.phase === "baking";
  const wanted: Arm | null =
    as !== null ? armOf(bucketOf(release.salt, as), release.thousandths) : everybody ? "candidate" : null;
  const allowed = candidate !== null && !dependencies.marked(release.id) && (everybody || dependencies.leaseHeld());
  if (wanted === "candidate" && allowed) return { version: candidate, arm: "candidate", release: release.id };
  return { version: stable, arm: wanted === null ? null : "control", release: release.id };
}
