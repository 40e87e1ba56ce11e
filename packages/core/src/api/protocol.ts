/** Version of everything that crosses a wire. It steps with any change to a schema of this folder. */
export const protocolVersion = 3;

/** Header of a report that names the instance it is for, as `hello` did: another one refuses outcomes, which the first may have counted. */
export const instanceHeader = "sluice-instance";

/** How often a stream carries a heartbeat, in milliseconds. */
export const heartbeatMs = 2_000;

/** For how long after the last contact with the log's owner a follower may serve a candidate below 100 %, in milliseconds. */
export const leaseMs = 10_000;

/** Outcomes are sent at most this long after they happened, in milliseconds. */
export const outcomeFlushMs = 250;

/** A countable failure in either arm sends the outcomes this soon, in milliseconds; it never depends on the arm. */
export const failureFlushMs = 20;

/** Limits of the wire. Each is refused with LIMIT_EXCEEDED or VALIDATION and its name. */
export const limits = {
  keyBytesMax: 512,
  valueBytesMax: 1_048_576,
  /** Body of a command, an outcome batch or an alert. */
  bodyBytesMax: 4_194_304,
  /** A whole upload in NDJSON: 16 GiB. */
  uploadBytesMax: 17_179_869_184,
  /** A whole upload as one JSON object: 64 MiB. */
  objectBytesMax: 67_108_864,
  itemsPerPatchMax: 1_000,
  keysPerReadMax: 1_000,
  itemsPerVersionMax: 50_000_000,
  /** What a publish lays over its parent in the event itself; more becomes a layer. */
  inlineOverlayBytesMax: 65_536,
  reportsPerBatchMax: 256,
  /** Of one kind of outcome in one report. */
  countMax: 1_000_000_000,
  childrenMax: 10_000,
  confirmationsPerBatchMax: 10_000,
  alertsPerWebhookMax: 10_000,
  /** Of the value of an alert's label, in characters. */
  labelLengthMax: 4_000,
} as const;
