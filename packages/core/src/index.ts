export { fillPath, paths } from "./api/paths.ts";
export { failureFlushMs, heartbeatMs, leaseMs, limits, outcomeFlushMs, protocolVersion } from "./api/protocol.ts";
export { assert, unreachable } from "./assert.ts";
export type { Clock, Timer } from "./clock.ts";
export { sleep } from "./clock.ts";
export type { ErrorCode, ErrorDetails } from "./error.ts";
export { isErrorCode, isSluiceError, SluiceError, statusOf } from "./error.ts";
export { own } from "./own.ts";
export type { Arm } from "./release/bucketing.ts";
export { armOf, bucketOf } from "./release/bucketing.ts";
export type { Command, GivenCommand, ReleaseDraw, ReleaseRequest } from "./release/command.ts";
export { datasetsMax, decide, sourcesMax } from "./release/decide.ts";
export { quarantinedText } from "./release/decide-publish.ts";
export { revertRepeatMs } from "./release/decide-release.ts";
export type { DecidedEvent, Decision } from "./release/decision.ts";
export { percentText } from "./release/decision.ts";
export type {
  Actor,
  BaseRef,
  BytesOrigin,
  Cause,
  Content,
  Event,
  EventType,
  LinePosition,
  LoggedEvent,
  OverlayRef,
  PartRef,
  QuarantinedChanges,
  SourceDefinition,
  WireDelta,
} from "./release/event.ts";
export { evolve } from "./release/evolve.ts";
export type { AlertRule, Plan, PlanStep } from "./release/plan.ts";
export { defaultPlan, everybodyThousandths, holdMsAt, nextStep } from "./release/plan.ts";
export type {
  DatasetState,
  Line,
  NamespaceState,
  QuarantineMark,
  Refusal,
  ReleasePhase,
  ReleaseState,
} from "./release/state.ts";
export { activeRelease, emptyState, endedReleasesMax, isActive } from "./release/state.ts";
export type { VirtualClock } from "./virtual-clock.ts";
export { createVirtualClock } from "./virtual-clock.ts";
export type { Delta } from "./version/delta.ts";
export {
  applyDeltaCount,
  applyDeltaHash,
  createDelta,
  decodeDelta,
  deltaFromJson,
  deltaName,
  deltaToJson,
  emptyDelta,
  encodeDelta,
  mergeDeltas,
} from "./version/delta.ts";
