import type { JobRequest, Jobs } from "./jobs.ts";
import type { ReadOptions, ReadSummary } from "./upload-reader.ts";

/** What a thread of the workbench is asked, of one bench each. */
export type BenchCall =
  | { readonly kind: "open"; readonly directory: string | null }
  | { readonly kind: "begin"; readonly options: ReadOptions }
  | { readonly kind: "push"; readonly bytes: Uint8Array }
  | { readonly kind: "seal" }
  | { readonly kind: "run"; readonly job: JobRequest }
  | { readonly kind: "close" };

export type BenchRequest = BenchCall & { readonly id: number; readonly bench: number };

/** What each call is answered with. A pushed buffer comes back, to be filled again. */
export interface BenchAnswers {
  readonly open: null;
  readonly begin: null;
  readonly push: { readonly items: number; readonly bytes: Uint8Array };
  readonly seal: ReadSummary;
  readonly run: Jobs[keyof Jobs]["output"];
  readonly close: null;
}
