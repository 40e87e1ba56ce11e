import { z } from "zod";
import type { ErrorCode } from "../error.ts";
import { isErrorCode } from "../error.ts";

/** The media type of every error answer (RFC 9457). */
export const problemMediaType = "application/problem+json";

/** An error as it crosses a wire. */
export interface Problem {
  /** `urn:sluice:` and the code in lower case. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export const problemSchema: z.ZodType<Problem> = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  code: z.custom<ErrorCode>(isErrorCode, "an error code of Sluice"),
  detail: z.string(),
  details: z.record(z.string(), z.unknown()),
});
