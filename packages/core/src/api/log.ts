import { z } from "zod";
import type {
  Actor,
  BaseRef,
  BytesOrigin,
  Cause,
  Content,
  Dropped,
  Event,
  LayerRef,
  LinePosition,
  LoggedEvent,
  PartRef,
  QuarantinedChanges,
  SourceDefinition,
} from "../release/event.ts";
import type {
  DatasetState,
  GuardOff,
  Line,
  NamespaceState,
  QuarantineMark,
  Refusal,
  ReleasePhase,
  ReleaseState,
  RestoredFrom,
} from "../release/state.ts";
import { guardEvidenceSchema } from "./evidence.ts";
import type { Delta } from "../version/delta.ts";
import { checkSchema } from "../version/check-schema.ts";
import { checkFindingSchema, differenceSchema } from "./check.ts";
import { planSchema, thousandthsSchema } from "./plan.ts";

const wholeSchema: z.ZodType<number> = z.int().min(0);
const versionNumberSchema: z.ZodType<number> = z.int().min(1);

export const hashPattern: RegExp = /^[0-9a-f]{64}$/;

/** SHA-256 or content hash, 64 lower-case hex digits. */
export const hashSchema: z.ZodType<string> = z.string().regex(hashPattern, "64 hex digits");

export const namePattern: RegExp = /^[a-z][a-z0-9-]{0,62}$/;

/** Lower-case letters, digits and dashes, beginning with a letter, at most 63. */
export const nameSchema: z.ZodType<string> = z
  .string()
  .regex(namePattern, "lower-case letters, digits and dashes, beginning with a letter, at most 63");

export const actorKinds = ["person", "guard", "alert", "source", "plan", "origin"] as const;

export const actorNameLengthMax = 200;

export const actorSchema: z.ZodType<Actor> = z.object({
  kind: z.enum(actorKinds),
  name: z.string().max(actorNameLengthMax),
});

const partRefSchema: z.ZodType<PartRef> = z.object({
  name: hashSchema,
  bytes: wholeSchema,
  items: wholeSchema,
  contentHash: hashSchema,
});

const layerRefSchema: z.ZodType<LayerRef> = z.object({
  name: hashSchema,
  bytes: wholeSchema,
  records: wholeSchema,
  items: wholeSchema,
  contentHash: hashSchema,
  hidden: z.object({ items: wholeSchema, contentHash: hashSchema }),
});

const baseRefSchema: z.ZodType<BaseRef> = z.object({
  parts: z.array(partRefSchema).min(1).max(65_536),
  layers: z.array(layerRefSchema).max(1_024),
});

export const deltaSchema: z.ZodType<Delta> = z.object({
  set: z.array(z.tuple([z.string(), z.string()])),
  remove: z.array(z.string()),
});

export const contentSchema: z.ZodType<Content> = z.object({
  base: baseRefSchema,
  overlay: deltaSchema.nullable(),
  contentHash: hashSchema,
  items: wholeSchema,
});

const bytesOriginSchema: z.ZodType<BytesOrigin> = z.object({ source: z.string().nullable(), bytesHash: hashSchema });

const quarantinedChangesSchema: z.ZodType<QuarantinedChanges> = z.object({
  count: wholeSchema,
  of: wholeSchema,
  publish: versionNumberSchema,
});

const linePositionSchema: z.ZodType<LinePosition> = z.object({
  number: versionNumberSchema,
  contentHash: hashSchema,
  items: wholeSchema,
});

/** The fields of a source; at least a quarter of a second between two requests, at most a day. */
export const sourceFields: {
  readonly id: z.ZodType<string>;
  readonly url: z.ZodType<string>;
  readonly intervalMs: z.ZodType<number>;
  readonly onNew: z.ZodType<"hold" | "release">;
} = {
  id: nameSchema,
  url: z
    .string()
    .max(2_000)
    .refine((text) => /^(https?|file):/.test(text) && URL.canParse(text), "an http:, https: or file: URL"),
  intervalMs: z.int().min(250).max(86_400_000),
  onNew: z.enum(["hold", "release"]),
};

export const sourceDefinitionSchema: z.ZodType<SourceDefinition> = z.object(sourceFields);

const causeSchema: z.ZodType<Cause> = z.object({ reason: z.string(), evidence: guardEvidenceSchema.nullable() });

const policySchema: z.ZodType<"immediate" | "canary"> = z.enum(["immediate", "canary"]);

const atSchema: z.ZodType<number> = z.number().min(0);

const droppedSchema: z.ZodType<Dropped> = z.object({ changes: wholeSchema, keys: wholeSchema });

/** Every event that an origin appends. */
export const eventSchema: z.ZodType<Event> = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("dataset-created"),
    dataset: nameSchema,
    policy: policySchema,
    plan: planSchema,
    checks: z.array(checkSchema).max(64),
  }),
  z.object({ type: z.literal("source-added"), dataset: nameSchema, source: sourceDefinitionSchema }),
  z.object({ type: z.literal("source-removed"), dataset: nameSchema, source: nameSchema }),
  z.object({
    type: z.literal("version-published"),
    dataset: nameSchema,
    number: versionNumberSchema,
    parent: versionNumberSchema.nullable(),
    content: contentSchema,
    origin: bytesOriginSchema,
    difference: differenceSchema,
    warnings: z.array(checkFindingSchema),
    changes: hashSchema.nullable(),
    quarantinedChanges: quarantinedChangesSchema.nullable(),
    live: z.boolean(),
  }),
  z.object({
    type: z.literal("publish-refused"),
    dataset: nameSchema,
    number: versionNumberSchema.nullable(),
    code: z.string(),
    message: z.string(),
    findings: z.array(checkFindingSchema),
    origin: bytesOriginSchema.nullable(),
  }),
  z.object({
    type: z.literal("patched"),
    dataset: nameSchema,
    stable: linePositionSchema,
    candidate: linePositionSchema.nullable(),
    delta: deltaSchema,
    candidateDelta: deltaSchema.nullable(),
  }),
  z.object({
    type: z.literal("rebased"),
    dataset: nameSchema,
    publish: versionNumberSchema,
    number: versionNumberSchema,
    base: baseRefSchema,
    contentHash: hashSchema,
    items: wholeSchema,
  }),
  z.object({
    type: z.literal("release-started"),
    release: z.string(),
    dataset: nameSchema,
    salt: z.string(),
    plan: planSchema,
    thousandths: thousandthsSchema,
    acceptQuarantined: z.boolean(),
  }),
  z.object({
    type: z.literal("percentage-set"),
    release: z.string(),
    thousandths: thousandthsSchema,
    reason: z.string(),
    evidence: guardEvidenceSchema.nullable(),
  }),
  z.object({ type: z.literal("release-held"), release: z.string(), cause: causeSchema }),
  z.object({ type: z.literal("release-resumed"), release: z.string(), reason: z.string() }),
  z.object({
    type: z.literal("release-promoted"),
    release: z.string(),
    reason: z.string(),
    evidence: guardEvidenceSchema.nullable(),
  }),
  z.object({ type: z.literal("release-completed"), release: z.string() }),
  z.object({ type: z.literal("release-reverted"), release: z.string(), cause: causeSchema }),
  z.object({ type: z.literal("release-superseded"), release: z.string(), reason: z.string() }),
  z.object({
    type: z.literal("version-restored"),
    dataset: nameSchema,
    number: versionNumberSchema,
    restored: versionNumberSchema,
    mode: z.enum(["exact", "reapply"]),
    content: contentSchema,
    origin: bytesOriginSchema,
    difference: differenceSchema,
    changes: hashSchema.nullable(),
    dropped: droppedSchema,
    takenBack: z.array(
      z.object({ publish: versionNumberSchema, bytesHash: hashSchema, changes: hashSchema.nullable() }),
    ),
    cause: causeSchema,
  }),
  z.object({ type: z.literal("guard-off"), release: z.string(), forMs: wholeSchema, reason: z.string() }),
  z.object({ type: z.literal("guard-on"), release: z.string(), reason: z.string() }),
  z.object({
    type: z.literal("quarantine-lifted"),
    dataset: nameSchema,
    publish: versionNumberSchema,
    keys: z.array(z.string()).nullable(),
    reason: z.string(),
  }),
  z.object({
    type: z.literal("alert-received"),
    name: z.string(),
    status: z.enum(["firing", "resolved"]),
    labels: z.record(z.string(), z.string()),
    action: z.enum(["none", "revert", "hold", "resume"]),
    release: z.string().nullable(),
    truncated: wholeSchema.exactOptional(),
  }),
]);

export const loggedEventSchema: z.ZodType<LoggedEvent> = z.object({
  sequence: versionNumberSchema,
  at: atSchema,
  by: actorSchema,
  event: eventSchema,
});

export const restoredFromSchema: z.ZodType<RestoredFrom> = z.object({
  version: versionNumberSchema,
  mode: z.enum(["exact", "reapply"]),
  dropped: droppedSchema,
  reason: z.string(),
});

const lineSchema: z.ZodType<Line> = z.object({
  publish: versionNumberSchema,
  number: versionNumberSchema,
  contentHash: hashSchema,
  items: wholeSchema,
  publishedAt: atSchema,
  publishedBy: actorSchema,
  origin: bytesOriginSchema,
  difference: differenceSchema,
  changes: hashSchema.nullable(),
  quarantinedChanges: quarantinedChangesSchema.nullable(),
  restored: restoredFromSchema.nullable().default(null),
});

const quarantineMarkSchema: z.ZodType<QuarantineMark> = z.object({
  publish: versionNumberSchema,
  release: z.string().nullable(),
  at: atSchema,
  by: actorSchema,
  reason: z.string(),
  bytesHash: hashSchema,
  changes: hashSchema.nullable(),
  liftedKeys: z.array(z.string()),
});

const refusalSchema: z.ZodType<Refusal> = z.object({
  at: atSchema,
  by: actorSchema,
  number: versionNumberSchema.nullable(),
  code: z.string(),
  message: z.string(),
  origin: bytesOriginSchema.nullable(),
});

const datasetStateSchema: z.ZodType<DatasetState> = z.object({
  name: nameSchema,
  policy: policySchema,
  plan: planSchema,
  checks: z.array(checkSchema),
  lastNumber: wholeSchema,
  stable: lineSchema.nullable(),
  stableSince: z.object({ at: atSchema, by: actorSchema }).nullable(),
  candidate: lineSchema.nullable(),
  release: z.string().nullable(),
  sources: z.record(z.string(), sourceDefinitionSchema),
  quarantine: z.array(quarantineMarkSchema),
  lastRefusal: refusalSchema.nullable(),
});

const releasePhaseSchema: z.ZodType<ReleasePhase> = z.enum([
  "running",
  "baking",
  "completed",
  "reverted",
  "superseded",
]);

export const guardOffSchema: z.ZodType<GuardOff> = z.object({
  by: actorSchema,
  at: atSchema,
  until: atSchema,
  reason: z.string(),
});

const releaseStateSchema: z.ZodType<ReleaseState> = z.object({
  id: z.string(),
  dataset: nameSchema,
  salt: z.string(),
  plan: planSchema,
  phase: releasePhaseSchema,
  thousandths: thousandthsSchema,
  epoch: versionNumberSchema,
  stepSince: atSchema,
  setAt: atSchema,
  stepBy: actorSchema,
  hold: z.object({ cause: causeSchema, by: actorSchema, at: atSchema }).nullable(),
  overruled: z.array(z.object({ by: actorSchema, epoch: versionNumberSchema })),
  guardOff: guardOffSchema.nullable(),
  startedAt: atSchema,
  startedBy: actorSchema,
  candidatePublish: versionNumberSchema,
  stablePublish: versionNumberSchema,
  ended: z.object({ at: atSchema, by: actorSchema, cause: causeSchema }).nullable(),
});

export const namespaceStateSchema: z.ZodType<NamespaceState> = z.object({
  sequence: wholeSchema,
  controlSequence: wholeSchema,
  datasets: z.record(z.string(), datasetStateSchema),
  releases: z.record(z.string(), releaseStateSchema),
});
