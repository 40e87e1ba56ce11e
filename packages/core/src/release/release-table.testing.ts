/** Where a dataset can stand. */
export type Situation =
  | "no version"
  | "stable"
  | "held"
  | "running"
  | "running, held"
  | "running, alert holds"
  | "baking"
  | "baking, held"
  | "completed"
  | "reverted"
  | "superseded";

/** What can be asked. */
export type Asked =
  | "publish"
  | "publish --release"
  | "publish --supersede"
  | "patch"
  | "rebase"
  | "start"
  | "start below"
  | "percentage"
  | "hold"
  | "resume"
  | "promote"
  | "revert"
  | "time"
  | "proof"
  | "guard off"
  | "guard on"
  | "restore";

/**
 * The table of docs/RELEASES.md. A record without Partial: a new situation or command does not compile until every cell
 * is decided. A cell is the events, `-` where nothing changes, or the code of the refusal.
 */
export const table: Record<Situation, Record<Asked, string>> = {
  "no version": {
    publish: "version-published (live)",
    "publish --release": "version-published (live)",
    "publish --supersede": "version-published (live)",
    patch: "VERSION_NONE",
    rebase: "-",
    start: "NOTHING_HELD",
    "start below": "NOTHING_HELD",
    percentage: "RELEASE_UNKNOWN",
    hold: "RELEASE_UNKNOWN",
    resume: "RELEASE_UNKNOWN",
    promote: "RELEASE_UNKNOWN",
    revert: "NOTHING_TO_REVERT",
    time: "-",
    proof: "-",
    "guard off": "RELEASE_UNKNOWN",
    "guard on": "RELEASE_UNKNOWN",
    restore: "VERSION_NONE",
  },
  stable: {
    publish: "version-published",
    "publish --release": "version-published, release-started",
    "publish --supersede": "version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "NOTHING_HELD",
    "start below": "NOTHING_HELD",
    percentage: "RELEASE_UNKNOWN",
    hold: "RELEASE_UNKNOWN",
    resume: "RELEASE_UNKNOWN",
    promote: "RELEASE_UNKNOWN",
    revert: "NOTHING_TO_REVERT",
    time: "-",
    proof: "-",
    "guard off": "RELEASE_UNKNOWN",
    "guard on": "RELEASE_UNKNOWN",
    restore: "version-restored",
  },
  held: {
    publish: "version-published",
    "publish --release": "version-published, release-started",
    "publish --supersede": "version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "release-started",
    "start below": "release-started, release-held",
    percentage: "RELEASE_UNKNOWN",
    hold: "RELEASE_UNKNOWN",
    resume: "RELEASE_UNKNOWN",
    promote: "RELEASE_UNKNOWN",
    revert: "NOTHING_TO_REVERT",
    time: "-",
    proof: "-",
    "guard off": "RELEASE_UNKNOWN",
    "guard on": "RELEASE_UNKNOWN",
    restore: "version-restored",
  },
  running: {
    publish: "RELEASE_RUNNING",
    "publish --release": "RELEASE_RUNNING",
    "publish --supersede": "release-superseded, version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "RELEASE_RUNNING",
    "start below": "RELEASE_RUNNING",
    percentage: "percentage-set, release-held",
    hold: "release-held",
    resume: "-",
    promote: "release-promoted",
    revert: "release-reverted",
    time: "release-held",
    proof: "percentage-set",
    "guard off": "guard-off",
    "guard on": "-",
    restore: "release-reverted, version-restored",
  },
  "running, held": {
    publish: "RELEASE_RUNNING",
    "publish --release": "RELEASE_RUNNING",
    "publish --supersede": "release-superseded, version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "RELEASE_RUNNING",
    "start below": "RELEASE_RUNNING",
    percentage: "percentage-set",
    hold: "-",
    resume: "release-resumed",
    promote: "release-promoted",
    revert: "release-reverted",
    time: "-",
    proof: "-",
    "guard off": "guard-off",
    "guard on": "-",
    restore: "release-reverted, version-restored",
  },
  "running, alert holds": {
    publish: "RELEASE_RUNNING",
    "publish --release": "RELEASE_RUNNING",
    "publish --supersede": "release-superseded, version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "RELEASE_RUNNING",
    "start below": "RELEASE_RUNNING",
    percentage: "percentage-set, release-held",
    hold: "release-held",
    resume: "release-resumed",
    promote: "release-promoted",
    revert: "release-reverted",
    time: "-",
    proof: "-",
    "guard off": "guard-off",
    "guard on": "-",
    restore: "release-reverted, version-restored",
  },
  baking: {
    publish: "RELEASE_BAKING",
    "publish --release": "RELEASE_BAKING",
    "publish --supersede": "RELEASE_BAKING",
    patch: "patched",
    rebase: "rebased",
    start: "RELEASE_RUNNING",
    "start below": "RELEASE_RUNNING",
    percentage: "RELEASE_BAKING",
    hold: "release-held",
    resume: "-",
    promote: "release-completed",
    revert: "release-reverted",
    time: "release-completed",
    proof: "release-completed",
    "guard off": "guard-off",
    "guard on": "-",
    restore: "release-reverted, version-restored",
  },
  "baking, held": {
    publish: "RELEASE_BAKING",
    "publish --release": "RELEASE_BAKING",
    "publish --supersede": "RELEASE_BAKING",
    patch: "patched",
    rebase: "rebased",
    start: "RELEASE_RUNNING",
    "start below": "RELEASE_RUNNING",
    percentage: "RELEASE_BAKING",
    hold: "-",
    resume: "release-resumed",
    promote: "release-completed",
    revert: "release-reverted",
    time: "-",
    proof: "-",
    "guard off": "guard-off",
    "guard on": "-",
    restore: "release-reverted, version-restored",
  },
  completed: {
    publish: "version-published",
    "publish --release": "version-published, release-started",
    "publish --supersede": "version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "NOTHING_HELD",
    "start below": "NOTHING_HELD",
    percentage: "RELEASE_ENDED",
    hold: "RELEASE_ENDED",
    resume: "RELEASE_ENDED",
    promote: "RELEASE_ENDED",
    revert: "NOTHING_TO_REVERT",
    time: "-",
    proof: "-",
    "guard off": "RELEASE_ENDED",
    "guard on": "RELEASE_ENDED",
    restore: "version-restored",
  },
  reverted: {
    publish: "version-published",
    "publish --release": "version-published, release-started",
    "publish --supersede": "version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "NOTHING_HELD",
    "start below": "NOTHING_HELD",
    percentage: "RELEASE_ENDED",
    hold: "RELEASE_ENDED",
    resume: "RELEASE_ENDED",
    promote: "RELEASE_ENDED",
    revert: "- (the earlier receipt)",
    time: "-",
    proof: "-",
    "guard off": "RELEASE_ENDED",
    "guard on": "RELEASE_ENDED",
    restore: "version-restored",
  },
  superseded: {
    publish: "RELEASE_RUNNING",
    "publish --release": "RELEASE_RUNNING",
    "publish --supersede": "release-superseded, version-published, release-started",
    patch: "patched",
    rebase: "rebased",
    start: "RELEASE_RUNNING",
    "start below": "RELEASE_RUNNING",
    percentage: "RELEASE_ENDED",
    hold: "RELEASE_ENDED",
    resume: "RELEASE_ENDED",
    promote: "RELEASE_ENDED",
    revert: "release-reverted",
    time: "release-held",
    proof: "percentage-set",
    "guard off": "RELEASE_ENDED",
    "guard on": "RELEASE_ENDED",
    restore: "release-reverted, version-restored",
  },
};
