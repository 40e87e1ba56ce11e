export { fillPath, paths } from "./api/paths.ts";
export {
  failureFlushMs,
  heartbeatMs,
  instanceHeader,
  leaseMs,
  limits,
  outcomeFlushMs,
  protocolVersion,
} from "./api/protocol.ts";
export { assert, unreachable } from "./assert.ts";
export type { Clock, Timer } from "./clock.ts";
export { sleep } from "./clock.ts";
export type { ErrorCode, ErrorDetails } from "./error.ts";
export { isErrorCode, isSluiceError, messageOf, SluiceError, statusOf } from "./error.ts";
export type { AbsoluteEvidence } from "./guard/absolute.ts";
export type { AbsoluteMode, AbsoluteRule, GuardConfig, PromotionBound, PromotionConfig } from "./guard/config.ts";
export { assertGuardConfig, configAfterLosses, defaultGuardConfig, otherKind, slowKind } from "./guard/config.ts";
export { guardAction, hasFaded, isPromotionOpen, isSuspicious } from "./guard/decision.ts";
export { advanceGuard, createGuard, ingest, setGuardOff, stepGuard, tickGuard } from "./guard/guard.ts";
export { historyOf } from "./guard/history.ts";
export { type ArmReport, assertOutcomeReport, type FailureCount, type OutcomeReport } from "./guard/report.ts";
export type { SequenceLog, StoredSequenceLog } from "./guard/sequences.ts";
export { acceptSequence, createSequenceLog, restoreSequenceLog, serializeSequenceLog } from "./guard/sequences.ts";
export type { GuardState } from "./guard/state.ts";
export type { StoredGuard } from "./guard/stored.ts";
export { restoreGuard, serializeGuard } from "./guard/stored.ts";
export type {
  EvidenceCrossing,
  EvidencePoint,
  GuardEvidence,
  GuardStep,
  GuardVerdict,
  KindEvidence,
  PromotionEvidence,
} from "./guard/verdict.ts";
export { own } from "./own.ts";
export type { Arm } from "./release/bucketing.ts";
export { armOf, bucketOf } from "./release/bucketing.ts";
export type {
  Command,
  Elapsed,
  GivenCommand,
  Proven,
  ReleaseDraw,
  ReleaseRequest,
} from "./release/command.ts";
export { datasetsMax, decide, sourcesMax } from "./release/decide.ts";
export { quarantinedText } from "./release/decide-publish.ts";
export { guardOffMsMax, isSameActor, revertRepeatMs, takesOver } from "./release/decide-release.ts";
export type { DecidedEvent, Decision } from "./release/decision.ts";
export { percentText } from "./release/decision.ts";
export type {
  Actor,
  BaseRef,
  BytesOrigin,
  Cause,
  Content,
  Dropped,
  Event,
  EventType,
  LayerRef,
  LinePosition,
  LoggedEvent,
  PartRef,
  QuarantinedChanges,
  SourceDefinition,
  TakenBack,
} from "./release/event.ts";
export { isOnPatchShelf } from "./release/event.ts";
export { evolve } from "./release/evolve.ts";
export type { Matcher } from "./release/matchers.ts";
export { parseMatcher } from "./release/matchers.ts";
export type { HoldWant } from "./release/next-hold.ts";
export { withNextHolds } from "./release/next-hold.ts";
export { takenBackText } from "./release/taken-back.ts";
export type { AlertRule, Plan, PlanStep, PromotionRule, QueryRule } from "./release/plan.ts";
export { defaultPlan, everybodyThousandths, holdMsAt, nextStep } from "./release/plan.ts";
export type { PlanPreset } from "./release/presets.ts";
export { isPresetName, planOfPreset, planPresets } from "./release/presets.ts";
export type {
  DatasetState,
  GuardOff,
  Line,
  NamespaceState,
  QuarantineMark,
  Refusal,
  ReleasePhase,
  ReleaseState,
  RestoredFrom,
} from "./release/state.ts";
export { restoredName } from "./release/restored-name.ts";
export { activeRelease, emptyState, endedReleasesMax, isActive } from "./release/state.ts";
export type { VirtualClock } from "./virtual-clock.ts";
export { createVirtualClock } from "./virtual-clock.ts";
export type { ContentSum } from "./version/base.ts";
export { filesOfBase, hiddenBy, sumOfBase } from "./version/base.ts";
export { canonicalJson, jsonDepthMax } from "./version/canonical-json.ts";
export type {
  BadItem,
  Check,
  CheckAction,
  CheckFinding,
  CheckReport,
  CheckTally,
  CheckRun,
  ItemChange,
} from "./version/checks.ts";
export { createCheckRun, priceChecks, stockChecks } from "./version/checks.ts";
export type { CompactionLimits, CompactionStep, LayerRun } from "./version/compaction.ts";
export {
  addLayer,
  defaultCompactionLimits,
  isFlushDue,
  mergedRef,
  nextCompaction,
  replaceLayers,
} from "./version/compaction.ts";
export type { ContentHash } from "./version/content-hash.ts";
export { createContentHash, emptyContentHash, itemHash } from "./version/content-hash.ts";
export type { Delta, LookupOld } from "./version/delta.ts";
export { applyDelta, createDelta, emptyDelta } from "./version/delta.ts";
export type { DifferenceCount, DifferenceExample, DifferenceSummary } from "./version/difference.ts";
export { createDifference, differenceExamplesMax } from "./version/difference.ts";
export type { JsonObject, JsonValue } from "./version/json-value.ts";
export { isJsonObject } from "./version/json-value.ts";
export type { ItemFault } from "./version/key.ts";
export { keyFault } from "./version/key.ts";
export { applyMergePatch } from "./version/merge-patch.ts";
export { reapplied } from "./version/reapply.ts";
export { murmur3, murmur3Bytes } from "./version/murmur3.ts";
export { createNdjsonReader } from "./version/ndjson-reader.ts";
export type { ItemScanner, ItemSink } from "./version/ndjson-scanner.ts";
export { createNdjsonScanner } from "./version/ndjson-scanner.ts";
export { createObjectReader } from "./version/object-reader.ts";
export type { Overlay, OverlayValue } from "./version/overlay.ts";
export { emptyOverlay, REMOVED } from "./version/overlay.ts";
export type { PartHeader, PartKind, PartTable, PositionalRead } from "./version/part.ts";
export {
  parsePartHeader,
  parsePartTable,
  partCountFor,
  partHeaderBytes,
  partIndexOf,
  partNameOf,
} from "./version/part.ts";
export type { BuiltLayer } from "./version/part-assembly.ts";
export type { BuiltPart, Item, LayerItem } from "./version/part-builder.ts";
export { buildLayer, buildPart } from "./version/part-builder.ts";
export type { PackedRecords } from "./version/part-packer.ts";
export { packedHeaderBytes, packRecords } from "./version/part-packer.ts";
export type { LayerReader, PartReader } from "./version/part-reader.ts";
export { openLayer, openPart } from "./version/part-reader.ts";
export type { GoodItem, ItemProblem, ItemReader, ReadItem, ReadLimits } from "./version/read-item.ts";
export { defaultReadLimits, repeatedKey } from "./version/read-item.ts";
export type { RecordCursor } from "./version/record-cursor.ts";
export { openRecordCursor } from "./version/record-cursor.ts";
export { parseStrictJson } from "./version/strict-json.ts";
