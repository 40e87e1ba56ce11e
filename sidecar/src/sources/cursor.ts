import type { DatasetState } from "@sluice/core";
import { z } from "zod";
import type { Documents, Validators } from "./port.ts";

/** Why bytes were refused, and how often they were offered. */
export interface CursorRefusal {
  readonly code: string;
  readonly message: string;
  /** The reverted publish whose mark refused them; null where it was something else. */
  readonly mark: number | null;
  readonly offered: number;
}

/** How far a source has come: the bytes that it dealt with last. */
export interface Cursor {
  readonly url: string;
  readonly validators: Validators;
  /** SHA-256; null where they were refused before their end. */
  readonly bytesHash: string | null;
  /** Null where they became a version. */
  readonly refused: CursorRefusal | null;
  /** Milliseconds since the Unix epoch; null before the first. */
  readonly lastSuccessAt: number | null;
}

const cursorSchema: z.ZodType<Cursor> = z.object({
  url: z.string(),
  validators: z.object({ etag: z.string().nullable(), lastModified: z.string().nullable() }),
  bytesHash: z.string().nullable(),
  refused: z.object({ code: z.string(), message: z.string(), mark: z.int().nullable(), offered: z.int() }).nullable(),
  lastSuccessAt: z.number().nullable(),
});

/** The name of a source's document. */
export function cursorName(dataset: string, source: string): string {
  return `source:${dataset}:${source}`;
}

/**
 * Reads a cursor; null where there is none for this URL. It only saves work, so what cannot be read counts as none.
 * Throws STORE_UNAVAILABLE.
 */
export async function readCursor(documents: Documents, name: string, url: string): Promise<Cursor | null> {
  const text = await documents.getDocument(name);
  if (text === undefined) return null;
  const parsed = cursorSchema.safeParse(jsonOf(text));
  return parsed.success && parsed.data.url === url ? parsed.data : null;
}

/** Whether the same bytes would fare otherwise now: what they became was reverted, or the mark that refused them was lifted. */
export function isStale({ bytesHash, refused }: Cursor, { quarantine }: DatasetState): boolean {
  if (refused === null) return quarantine.some((mark) => mark.bytesHash === bytesHash);
  return refused.mark !== null && !quarantine.some(({ publish }) => publish === refused.mark);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
