import type { ReleasePhase, SluiceError } from "@sluice/core";
import type { Impatient } from "./impatience.ts";
import type { Refusal } from "./view.ts";

/** What a client tells its listeners. */
export interface ClientEvents {
  /** A dataset's prepared versions changed: by a publish, a patch or the end of a release. */
  readonly version: { readonly dataset: string; readonly stable: number | null; readonly candidate: number | null };
  /** A release started, moved its percentage, was promoted, or ended. */
  readonly release: {
    readonly release: string;
    readonly dataset: string;
    readonly phase: ReleasePhase;
    /** Percentage in thousandths, 0 to 100,000. */
    readonly thousandths: number;
  };
  /**
   * New views do not see this release's candidate any more: purge what was made from it. Once for each release, and again where what
   * one host had taken back for itself was lifted meanwhile.
   */
  readonly reverted: {
    readonly release: string;
    readonly dataset: string;
    /** The publish that was taken back. */
    readonly publish: number;
    /** Null where the revert ran ahead of the log. */
    readonly reason: string | null;
  };
  /** The last contact with the log's owner is older than `staleAfterMs`. Once until the next contact. */
  readonly stale: { readonly ageMs: number };
  readonly connected: { readonly url: string | null };
  readonly disconnected: { readonly error: SluiceError | null };
  /** This process does not take a candidate, because an item of it breaks the application's schema. Once for each release. */
  readonly refused: Refusal;
  /**
   * Those who ask give up before the plan's `slowMs` is over, twenty of them after about the same time: slow requests count nowhere
   * then. Give them more time than `slowMs`, or the next plan a lower one. Once for each release.
   */
  readonly impatient: Impatient;
}

/** Calls listeners, in the order in which they came. */
export interface Events {
  /** Adds a listener and gives what removes it. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void;
  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void;
}

type Listeners = { readonly [Name in keyof ClientEvents]: Set<(event: ClientEvents[Name]) => void> };

/**
 * Makes an emitter. Whoever emits is in the middle of taking up a new state, so a listener that throws stops neither that nor the
 * other listeners: its error comes out as an uncaught exception.
 */
export function createEvents(): Events {
  const listeners: Listeners = {
    version: new Set(),
    release: new Set(),
    reverted: new Set(),
    stale: new Set(),
    connected: new Set(),
    disconnected: new Set(),
    refused: new Set(),
    impatient: new Set(),
  };
  return {
    on(name, listener) {
      // Each call is a listener of its own, though it may be the same function.
      const own: typeof listener = (event) => listener(event);
      listeners[name].add(own);
      return () => void listeners[name].delete(own);
    },
    emit(name, event) {
      // A copy, since a listener may add another one.
      for (const listener of listeners[name].values().toArray()) {
        try {
          listener(event);
        } catch (error) {
          queueMicrotask(() => {
            throw error;
          });
        }
      }
    },
  };
}
