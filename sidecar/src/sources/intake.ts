import { createHash } from "node:crypto";
import type { DatasetState, ReleaseRequest, SluiceError } from "@sluice/core";
import {
  activeRelease,
  isSluiceError,
  limits,
  messageOf,
  own,
  SluiceError as Failure,
  takenBackText,
} from "@sluice/core";
import type { SourceStatus } from "@sluice/core/api";
import type { Cursor, CursorRefusal } from "./cursor.ts";
import { cursorName, isStale, readCursor } from "./cursor.ts";
import type { Pulled, SourceDependencies, Validators } from "./port.ts";

/** What becomes of what a source pulls, whatever kind of source it is. */
export interface Intake {
  /** Takes up where the last process stopped. Throws STORE_UNAVAILABLE. */
  load(): Promise<void>;
  /** Of the bytes that need not be sent again; null where any bytes are wanted. */
  validators(): Validators | null;
  /** The upstream has what the validators say. */
  unchanged(): void;
  /**
   * Makes a version of what was pulled, refuses it, or parks it while a release stands.
   * Throws SOURCE_FAILED where the body breaks off, and what hinders a publish for a while.
   */
  take(pulled: Pulled, signal: AbortSignal): Promise<void>;
  /** The upstream offers what is none of ours to read, or nothing can be had from it. */
  fail(error: unknown, state: "failing" | "refused"): void;
  status(): SourceStatus;
}

interface Standing {
  readonly state: SourceStatus["state"];
  readonly message: string | null;
}

/** Makes the intake of one source. */
export function createIntake(dependencies: SourceDependencies): Intake {
  const { dataset, definition, publisher, documents, clock, logger, onStatus = () => {} } = dependencies;
  const { id, url, onNew, intervalMs } = definition;
  const name = cursorName(dataset, id);
  let cursor: Cursor | null = null;
  /** The newest bytes that wait for the end of a release. */
  let parked: Validators | null = null;
  let lastSuccessAt: number | null = null;
  let standing: Standing = { state: "starting", message: null };

  const stateOf = (): DatasetState | undefined => own(dependencies.state().datasets, dataset);
  const activeNow = (): ReturnType<typeof activeRelease> => activeRelease(dependencies.state(), dataset);

  function stand(state: Standing["state"], message: string | null): void {
    if (state === "ok") lastSuccessAt = clock.wall();
    standing = { state, message };
    onStatus();
  }

  /** The cursor where the same bytes would fare the same again. */
  function current(): Cursor | null {
    const state = stateOf();
    return cursor === null || (state !== undefined && isStale(cursor, state)) ? null : cursor;
  }

  async function move(next: Omit<Cursor, "url" | "lastSuccessAt">): Promise<void> {
    cursor = { url, ...next, lastSuccessAt };
    try {
      await documents.putDocument(name, JSON.stringify(cursor));
    } catch (error) {
      logger.warn({ err: error, dataset, source: id }, "a source could not write down how far it has come");
    }
  }

  function standFor(refused: CursorRefusal | null): void {
    if (refused === null) stand("ok", heldText());
    else
      stand(
        "refused",
        refused.offered === 1 ? refused.message : `${refused.message} (offered ${refused.offered} times)`,
      );
  }

  /** Why nothing of this source starts by itself although it releases what is new; null where it does. */
  function heldText(): string | null {
    const state = stateOf();
    if (onNew === "hold" || state?.policy !== "canary" || activeNow() !== undefined) return null;
    const since = takenBackText(state);
    if (since === null) return null;
    const { candidate } = state;
    const isOwn = candidate?.publishedBy.kind === "source" && candidate.publishedBy.name === id;
    return `${isOwn ? `v${candidate.publish}` : "what is new"} is held until a person starts it: ${since}`;
  }

  /** Bytes that were dealt with: by this source, or by a process before it that did not come to write it down. */
  function isSeen(bytesHash: string): boolean {
    if (current()?.bytesHash === bytesHash) return true;
    // What was reverted is on no line any more: it is published again, in order to be refused where everybody can see it.
    const state = stateOf();
    return [state?.stable, state?.candidate].some((line) => line?.origin.bytesHash === bytesHash);
  }

  async function seen(bytesHash: string, validators: Validators): Promise<void> {
    const again = cursor?.bytesHash === bytesHash ? cursor.refused : null;
    const refused = again === null ? null : { ...again, offered: again.offered + 1 };
    standFor(refused);
    await move({ validators, bytesHash, refused });
  }

  async function refuse(bytesHash: string | null, error: SluiceError, validators: Validators): Promise<void> {
    const { code, message, details } = error;
    const mark = code === "QUARANTINED" && typeof details["publish"] === "number" ? details["publish"] : null;
    const refused = { code, message, mark, offered: 1 };
    await move({ validators, bytesHash, refused });
    standFor(refused);
  }

  function park(validators: Validators): void {
    parked = validators;
    const active = activeNow();
    const waits = active === undefined ? "the release ends" : `the release of v${active.candidatePublish} ends`;
    stand("parked", `a new version waits until ${waits}`);
  }

  async function offer({ body, format, validators }: Pulled, signal: AbortSignal): Promise<void> {
    const by = { kind: "source", name: id } as const;
    const upload = { dataset, by, body, format, request: requestOf(stateOf(), onNew), source: id, signal };
    const offered = await publisher.offer(upload, isSeen);
    switch (offered.kind) {
      case "seen":
        return seen(offered.bytesHash, validators);
      case "refused":
        return refuse(offered.bytesHash, offered.error, validators);
      case "published":
        stand("ok", heldText() ?? offered.answer.message);
        return move({ validators, bytesHash: offered.bytesHash, refused: null });
    }
  }

  return {
    async load() {
      cursor = await readCursor(documents, name, url);
      lastSuccessAt = cursor?.lastSuccessAt ?? null;
    },
    validators: () => (parked !== null && activeNow() !== undefined ? parked : (current()?.validators ?? null)),
    unchanged() {
      if (parked !== null && activeNow() !== undefined) park(parked);
      else standFor(cursor?.refused ?? null);
    },
    async take(pulled, signal) {
      if (activeNow() !== undefined) {
        // Only whether it is new counts now; the newest is pulled anew when the release ends.
        const bytesHash = await hashOf(pulled.body);
        if (!isSeen(bytesHash)) return park(pulled.validators);
        parked = null;
        return seen(bytesHash, pulled.validators);
      }
      parked = null;
      try {
        await offer(pulled, signal);
      } catch (error) {
        if (!isSluiceError(error, "RELEASE_RUNNING", "RELEASE_BAKING")) throw error;
        park(pulled.validators);
      }
    },
    fail(error, state) {
      const message = messageOf(error);
      logger.warn({ err: error, dataset, source: id }, "a source brought nothing");
      stand(state, message);
    },
    status: () => ({ id, url, onNew, intervalMs, ...standing, lastSuccessAt }),
  };
}

/**
 * A source never takes the place of what runs, and never brings back by itself what was reverted. After something was taken back
 * `decide` holds what it brings.
 */
function requestOf(dataset: DatasetState | undefined, onNew: "hold" | "release"): ReleaseRequest | null {
  if (dataset?.policy !== "canary" || onNew === "hold") return null;
  return { thousandths: null, supersede: false, acceptQuarantined: false };
}

async function hashOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limits.uploadBytesMax) {
      throw new Failure("LIMIT_EXCEEDED", `expected at most ${limits.uploadBytesMax} bytes, came more`);
    }
    hash.update(chunk);
  }
  return hash.digest("hex");
}
