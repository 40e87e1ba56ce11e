import type { z } from "zod";
import type { SourceDefinition } from "../release/event.ts";
import type { AlertsAnswer, AlertWebhook, PlainAlert } from "./alerts.ts";
import { alertsAnswerSchema, alertWebhookSchema, plainAlertSchema } from "./alerts.ts";
import type { CommandAnswer, CreateDataset, PatchAnswer, PatchBody, Receipt, StartRelease } from "./command.ts";
import {
  addSourceSchema,
  commandAnswerSchema,
  createDatasetSchema,
  guardOffBodySchema,
  liftQuarantineSchema,
  patchAnswerSchema,
  patchBodySchema,
  promoteSchema,
  reasonBodySchema,
  receiptSchema,
  setPercentageSchema,
  startReleaseSchema,
} from "./command.ts";
import type { EvidenceAnswer } from "./evidence.ts";
import { evidenceAnswerSchema } from "./evidence.ts";
import type { ReadAnswer, ReadManyAnswer } from "./read.ts";
import { readAnswerSchema, readManyAnswerSchema, readManySchema } from "./read.ts";
import type { RestoreAnswer, RestoreBody } from "./restore.ts";
import { restoreAnswerSchema, restoreBodySchema } from "./restore.ts";
import type { StatusAnswer } from "./status.ts";
import { statusAnswerSchema } from "./status.ts";

/** A route of the API whose body and answer are JSON. */
export interface Route<Body, Answer> {
  readonly method: "GET" | "POST" | "DELETE";
  /** With `:name` parameters, as Hono writes them. */
  readonly path: string;
  /** Null where there is no body. */
  readonly body: z.ZodType<Body> | null;
  readonly answer: z.ZodType<Answer>;
}

/** The routes with JSON in and out; server and client are both made from this table. */
export interface Routes {
  readonly status: Route<null, StatusAnswer>;
  readonly createDataset: Route<CreateDataset, CommandAnswer>;
  readonly addSource: Route<SourceDefinition, CommandAnswer>;
  readonly removeSource: Route<null, CommandAnswer>;
  readonly patch: Route<PatchBody, PatchAnswer>;
  readonly startRelease: Route<StartRelease, CommandAnswer>;
  readonly setPercentage: Route<{ thousandths: number; epoch: number | null }, CommandAnswer>;
  readonly hold: Route<{ reason: string }, CommandAnswer>;
  readonly resume: Route<{ reason: string }, CommandAnswer>;
  readonly guardOff: Route<{ forMs: number; reason: string }, CommandAnswer>;
  readonly guardOn: Route<{ reason: string }, CommandAnswer>;
  readonly promote: Route<{ epoch: number | null }, CommandAnswer>;
  readonly revertRelease: Route<{ reason: string }, CommandAnswer>;
  readonly revertDataset: Route<{ reason: string }, CommandAnswer>;
  /** Takes the active release back on the host of the instance that is asked, and for those who follow it, whatever runs elsewhere. */
  readonly revertHere: Route<{ reason: string }, CommandAnswer>;
  /** Ends that. */
  readonly liftHere: Route<{ reason: string }, CommandAnswer>;
  /** Brings an older version back; CHOICE_NEEDED where somebody has to say what becomes of the patches since. */
  readonly restore: Route<RestoreBody, RestoreAnswer>;
  readonly receipt: Route<null, Receipt>;
  /** Of an active release, and of the last 50 that ended. */
  readonly evidence: Route<null, EvidenceAnswer>;
  readonly liftQuarantine: Route<{ publish: number; keys: readonly string[] | null; reason: string }, CommandAnswer>;
  /** Alertmanager's webhook; with `?dryRun=true` it says what it would do. Both routes of alerts answer 202. */
  readonly alertmanager: Route<AlertWebhook, AlertsAnswer>;
  /** The same for everything that is not Alertmanager. */
  readonly alert: Route<PlainAlert, AlertsAnswer>;
  readonly read: Route<null, ReadAnswer>;
  readonly readMany: Route<{ keys: readonly string[]; as: string | null }, ReadManyAnswer>;
}

export const routes: Routes = {
  status: { method: "GET", path: "/v1/status", body: null, answer: statusAnswerSchema },
  createDataset: { method: "POST", path: "/v1/datasets", body: createDatasetSchema, answer: commandAnswerSchema },
  addSource: {
    method: "POST",
    path: "/v1/datasets/:dataset/sources",
    body: addSourceSchema,
    answer: commandAnswerSchema,
  },
  removeSource: {
    method: "DELETE",
    path: "/v1/datasets/:dataset/sources/:source",
    body: null,
    answer: commandAnswerSchema,
  },
  patch: { method: "POST", path: "/v1/datasets/:dataset/patches", body: patchBodySchema, answer: patchAnswerSchema },
  startRelease: {
    method: "POST",
    path: "/v1/datasets/:dataset/release",
    body: startReleaseSchema,
    answer: commandAnswerSchema,
  },
  setPercentage: {
    method: "POST",
    path: "/v1/releases/:release/percentage",
    body: setPercentageSchema,
    answer: commandAnswerSchema,
  },
  hold: { method: "POST", path: "/v1/releases/:release/hold", body: reasonBodySchema, answer: commandAnswerSchema },
  resume: { method: "POST", path: "/v1/releases/:release/resume", body: reasonBodySchema, answer: commandAnswerSchema },
  guardOff: {
    method: "POST",
    path: "/v1/releases/:release/guard-off",
    body: guardOffBodySchema,
    answer: commandAnswerSchema,
  },
  guardOn: {
    method: "POST",
    path: "/v1/releases/:release/guard-on",
    body: reasonBodySchema,
    answer: commandAnswerSchema,
  },
  promote: { method: "POST", path: "/v1/releases/:release/promote", body: promoteSchema, answer: commandAnswerSchema },
  revertRelease: {
    method: "POST",
    path: "/v1/releases/:release/revert",
    body: reasonBodySchema,
    answer: commandAnswerSchema,
  },
  revertDataset: {
    method: "POST",
    path: "/v1/datasets/:dataset/revert",
    body: reasonBodySchema,
    answer: commandAnswerSchema,
  },
  revertHere: {
    method: "POST",
    path: "/v1/here/:dataset/revert",
    body: reasonBodySchema,
    answer: commandAnswerSchema,
  },
  liftHere: { method: "POST", path: "/v1/here/:dataset/lift", body: reasonBodySchema, answer: commandAnswerSchema },
  restore: {
    method: "POST",
    path: "/v1/datasets/:dataset/restore",
    body: restoreBodySchema,
    answer: restoreAnswerSchema,
  },
  receipt: { method: "GET", path: "/v1/releases/:release/receipts/:action", body: null, answer: receiptSchema },
  evidence: { method: "GET", path: "/v1/releases/:release/evidence", body: null, answer: evidenceAnswerSchema },
  liftQuarantine: {
    method: "POST",
    path: "/v1/datasets/:dataset/quarantine/lift",
    body: liftQuarantineSchema,
    answer: commandAnswerSchema,
  },
  alertmanager: {
    method: "POST",
    path: "/v1/alerts/alertmanager",
    body: alertWebhookSchema,
    answer: alertsAnswerSchema,
  },
  alert: { method: "POST", path: "/v1/alerts", body: plainAlertSchema, answer: alertsAnswerSchema },
  read: { method: "GET", path: "/v1/datasets/:dataset/items/:key", body: null, answer: readAnswerSchema },
  readMany: { method: "POST", path: "/v1/datasets/:dataset/items", body: readManySchema, answer: readManyAnswerSchema },
};
