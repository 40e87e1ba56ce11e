import type { Admin, Upload } from "@sluice/admin";
import type { Receipt } from "@sluice/core/api";
import { type Change, contentHashOf, type Items } from "./content.ts";
import type { Random } from "./random.ts";
import { type DatasetName, uploadOf } from "./shop.ts";

/** What of an answer is judged. */
export interface Answer {
  readonly outcome: string;
  readonly sequence?: number | null;
  readonly number?: number;
  readonly contentHash?: string;
  readonly receipt?: Receipt | null;
}

/** Something that somebody wants done, once. */
export interface Operation {
  /** The name under which the log has it, and its idempotency key. */
  readonly id: string;
  readonly what: string;
  /** Events that it may come to at most: more would mean that it happened twice. Null where that is allowed. */
  readonly eventsMax: number | null;
  readonly changes: readonly Change[] | null;
  /** The content hash of what it publishes. */
  readonly publishes: string | null;
  /** Whether a publish is to start a release in the same breath. */
  readonly starts: boolean;
  /** The dataset whose release it takes back, and the release where it names one. */
  readonly reverts: { readonly dataset: DatasetName; readonly release: string | null } | null;
  run(admin: Admin): Promise<Answer>;
}

type Given = Pick<Operation, "what" | "run"> & Partial<Operation>;

/** Makes an operation; what is left out is no, and one event. */
export function operation(id: string, given: Given): Operation {
  return { id, eventsMax: 1, changes: null, publishes: null, starts: false, reverts: null, ...given };
}

/** What a publish asks for. */
export interface PublishRequest {
  readonly release: boolean;
  readonly thousandths?: number;
  readonly supersede: boolean;
  readonly acceptQuarantined: boolean;
}

/** A publish. It has no idempotency key, since the same content twice is one version. */
export function publish(
  id: string,
  random: Random,
  dataset: DatasetName,
  items: Items,
  request: PublishRequest,
): Operation {
  const { type, body } = uploadOf(random, items);
  return operation(id, {
    what: `publish ${dataset}, ${items.size} items ${JSON.stringify(request)}`,
    eventsMax: null,
    publishes: contentHashOf(items),
    starts: request.release && !request.acceptQuarantined,
    run: (admin) => admin.publish(dataset, { format: type, stream: pieces(body) }, request),
  });
}

async function* pieces(body: string): Upload["stream"] {
  const bytes = new TextEncoder().encode(body);
  for (let start = 0; start < bytes.length; start += 1_000) yield bytes.subarray(start, start + 1_000);
}
