import { z } from "zod";
import type { Actor } from "../release/event.ts";
import { actorSchema } from "./log.ts";

/** A release that one host has taken back for itself: it goes on everywhere else. */
export interface HereRevert {
  readonly release: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly by: Actor;
  readonly reason: string;
}

/**
 * All that one host has taken back for itself. It belongs to the instance of that name alone, and whoever follows it keeps the highest
 * version that it has heard of, wherever it connects next.
 */
export interface HereReverts {
  /** The name of the instance. */
  readonly host: string;
  /** Higher with each change: at least the host's wall clock in milliseconds, so that one that has forgotten begins above it. */
  readonly version: number;
  /** Empty after the last was lifted. */
  readonly reverts: readonly HereRevert[];
}

/** A host may have taken back this many releases. */
const revertsMax = 100;

/** This many hosts may be told of in one frame or confirmation. */
export const hereHostsMax = 100;

const hereRevertSchema: z.ZodType<HereRevert> = z.object({
  release: z.string().min(1).max(200),
  at: z.number().min(0),
  by: actorSchema,
  reason: z.string().max(2_000),
});

const hereRevertsSchema: z.ZodType<HereReverts> = z.object({
  host: z.string().min(1).max(200),
  version: z.int().min(1),
  reverts: z.array(hereRevertSchema).max(revertsMax),
});

export const hereSchema: z.ZodType<readonly HereReverts[]> = z.array(hereRevertsSchema).max(hereHostsMax);
