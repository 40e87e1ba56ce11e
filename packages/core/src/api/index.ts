export type { AlertAnswer, AlertEffect, AlertsAnswer, AlertWebhook, PlainAlert, WebhookAlert } from "./alerts.ts";
export {
  alertNameLengthMax,
  alertsAnswerSchema,
  alertWebhookSchema,
  plainAlertSchema,
  webhookAlertSchema,
} from "./alerts.ts";
export type {
  CommandAnswer,
  CreateDataset,
  PatchAnswer,
  PatchBody,
  PatchItem,
  PublishAnswer,
  PublishQuery,
  Receipt,
  StartRelease,
} from "./command.ts";
export {
  actorHeader,
  addSourceSchema,
  commandAnswerSchema,
  createDatasetSchema,
  guardOffBodySchema,
  idempotencyHeader,
  liftQuarantineSchema,
  patchAnswerSchema,
  patchBodySchema,
  promoteSchema,
  publishAnswerSchema,
  publishQuerySchema,
  reasonBodySchema,
  receiptActions,
  receiptSchema,
  setPercentageSchema,
  startReleaseSchema,
} from "./command.ts";
export { checkFindingSchema, differenceSchema } from "./check.ts";
export type { EvidenceAnswer } from "./evidence.ts";
export { evidenceAnswerSchema } from "./evidence.ts";
export type { FollowerInfo, FollowQuery, Frame, LineContents, Mark } from "./follow.ts";
export { followerInfoSchema, followQuerySchema, frameSchema, markSchema } from "./follow.ts";
export type { HereRevert, HereReverts } from "./here.ts";
export { hereHostsMax, hereSchema } from "./here.ts";
export type { ParsedFrame } from "./frame.ts";
export { parseFrame } from "./frame.ts";
export {
  actorSchema,
  contentSchema,
  deltaSchema,
  eventSchema,
  hashSchema,
  loggedEventSchema,
  namespaceStateSchema,
  nameSchema,
  sourceDefinitionSchema,
} from "./log.ts";
export { guardConfigSchema } from "./guard.ts";
export { partialPlanSchema, planSchema, thousandthsSchema } from "./plan.ts";
export type { PatchMinute } from "./patch-minute.ts";
export { patchMinuteSchema } from "./patch-minute.ts";
export { fillPath, paths } from "./paths.ts";
export type { Problem } from "./problem.ts";
export { problemMediaType, problemSchema } from "./problem.ts";
export {
  failureFlushMs,
  heartbeatMs,
  instanceHeader,
  leaseMs,
  limits,
  outcomeFlushMs,
  protocolVersion,
} from "./protocol.ts";
export type { ReadAnswer, ReadManyAnswer } from "./read.ts";
export { armHeader, readAnswerSchema, readManyAnswerSchema, readManySchema, versionHeader } from "./read.ts";
export type { Confirmation, ConfirmationBatch, OutcomeBatch, RefusedRelease, ReleaseReport } from "./report.ts";
export { confirmationBatchSchema, outcomeBatchSchema } from "./report.ts";
export type { RestoreAnswer, RestoreBody, RestoreTarget } from "./restore.ts";
export { restoreAnswerSchema, restoreBodySchema } from "./restore.ts";
export type { Route, Routes } from "./routes.ts";
export { routes } from "./routes.ts";
export type {
  ArmStatus,
  CandidateStatus,
  DatasetStatus,
  FollowerStatus,
  HereStatus,
  LineStatus,
  NextStep,
  QueryStatus,
  ReleaseStatus,
  RestoredStatus,
  RevertStatus,
  SourceStatus,
  StatusAnswer,
  StoreStatus,
} from "./status.ts";
export { statusAnswerSchema } from "./status.ts";
