import type { Clock, Event, LoggedEvent, NamespaceState, SourceDefinition } from "@sluice/core";
import { own, takenBackText } from "@sluice/core";
import type { SourceStatus } from "@sluice/core/api";
import type { Logger } from "pino";
import type { Publisher } from "../publisher.ts";
import { cursorName } from "./cursor.ts";
import { createFileSource } from "./file-source.ts";
import { createHttpSource } from "./http-source.ts";
import type { Documents, Source, SourceDependencies } from "./port.ts";
import type { WatchFile } from "./watch.ts";

/** The part of the command shell that sources need. */
export interface SourceCommands {
  state(): NamespaceState;
  subscribe(listener: { events(events: readonly LoggedEvent[], before: NamespaceState): void }): () => void;
}

/** What the sources of an origin need. */
export interface SourcesDependencies {
  readonly commands: SourceCommands;
  readonly publisher: Pick<Publisher, "offer">;
  readonly documents: Documents;
  readonly fetch: typeof globalThis.fetch;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  readonly logger: Logger;
  /** Default: `node:fs` watch. */
  readonly watch?: WatchFile;
  /** Called after the status of a source has changed. */
  readonly onStatus?: () => void;
}

/** All sources of an origin; they come and go with the log. */
export interface Sources {
  /** Starts what the state names and follows the log from there. */
  start(): void;
  /** How the sources of a dataset fare, by id. Never touches the network. */
  status(dataset: string): readonly SourceStatus[];
  /**
   * What has come of its sources while something of a dataset was out that is taken back now, in a sentence: it waits for a person
   * and ends with the command that starts it, but for an immediate dataset's; null where nothing has.
   */
  waiting(dataset: string): string | null;
  /** Looks now at one source. */
  poke(dataset: string, source: string): void;
  /** Breaks off what the sources are at; ends when none is at work. */
  close(): Promise<void>;
}

/** One place for a source. What goes and comes under the same id does so one after the other. */
interface Slot {
  source: Source | undefined;
  /** Ends when the place is free of what stood in it. */
  free: Promise<void>;
}

/** Makes the sources; none is started. */
export function createSources(dependencies: SourcesDependencies): Sources {
  const { commands, documents, logger } = dependencies;
  const slots = new Map<string, Map<string, Slot>>();
  let closed = false;
  let unsubscribe: (() => void) | undefined;

  function slotOf(dataset: string, id: string): Slot {
    const ofDataset = slots.get(dataset) ?? new Map<string, Slot>();
    slots.set(dataset, ofDataset);
    const slot = ofDataset.get(id) ?? { source: undefined, free: Promise.resolve() };
    ofDataset.set(id, slot);
    return slot;
  }

  function add(dataset: string, definition: SourceDefinition): void {
    const slot = slotOf(dataset, definition.id);
    const source = createSource(dependencies, dataset, definition);
    slot.source = source;
    const start = (): void => {
      if (!closed && slot.source === source) source.start();
    };
    slot.free = slot.free.then(start);
  }

  function remove(dataset: string, id: string): void {
    const slot = slotOf(dataset, id);
    const { source } = slot;
    slot.source = undefined;
    slot.free = slot.free
      .then(() => source?.close())
      .then(() => documents.deleteDocument(cursorName(dataset, id)))
      .catch((error: unknown) => logger.warn({ err: error, dataset, source: id }, "a source left something behind"));
  }

  function pokeAll(dataset: string | undefined): void {
    if (dataset === undefined) return;
    for (const { source } of slots.get(dataset)?.values() ?? []) source?.poke();
  }

  function follow(event: Event, before: NamespaceState): void {
    if (event.type === "source-added") add(event.dataset, event.source);
    else if (event.type === "source-removed") remove(event.dataset, event.source);
    else pokeAll(looksAnew(event, before));
  }

  return {
    start() {
      for (const { name, sources } of Object.values(commands.state().datasets)) {
        for (const definition of Object.values(sources)) add(name, definition);
      }
      unsubscribe = commands.subscribe({
        events(events, before) {
          for (const { event } of events) follow(event, before);
        },
      });
    },
    status(dataset) {
      const present = [...(slots.get(dataset)?.values() ?? [])].flatMap(({ source }) => source ?? []);
      return present.map((source) => source.status()).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    waiting(dataset) {
      const state = own(commands.state().datasets, dataset);
      if (state === undefined || state.release !== null || takenBackText(state) === null) return null;
      const { candidate } = state;
      const start = `starts only when a person says so: sluice release start ${dataset}`;
      if (candidate?.publishedBy.kind === "source") {
        const accept = candidate.quarantinedChanges === null ? "" : " --accept-quarantined";
        return `v${candidate.publish} from source ${candidate.publishedBy.name} is held and ${start}${accept}`;
      }
      // It is looked at anew in this very moment, and its version has a number when that is over.
      const present = [...(slots.get(dataset)?.values() ?? [])].flatMap(({ source }) => source?.status() ?? []);
      const parked = present.find(({ state: its }) => its === "parked");
      if (parked === undefined) return null;
      const brought = `what source ${parked.id} brought meanwhile`;
      return state.policy === "immediate"
        ? `${brought} goes live at once, ${dataset} being immediate; end that with: sluice source remove ${dataset} ${parked.id}`
        : `${brought} is held and ${start}`;
    },
    poke: (dataset, id) => slots.get(dataset)?.get(id)?.source?.poke(),
    async close() {
      closed = true;
      unsubscribe?.();
      const all = [...slots.values()].flatMap((ofDataset) => [...ofDataset.values()]);
      await Promise.all(all.map(async ({ source, free }) => [await source?.close(), await free]));
    },
  };
}

/** The dataset whose sources look anew: a parked version may go on now, and what was reverted or lifted fares otherwise. */
function looksAnew(event: Event, before: NamespaceState): string | undefined {
  if (event.type === "quarantine-lifted") return event.dataset;
  const ended = ["release-completed", "release-reverted", "release-superseded"].includes(event.type);
  return ended && "release" in event && event.release !== null
    ? own(before.releases, event.release)?.dataset
    : undefined;
}

function createSource(dependencies: SourcesDependencies, dataset: string, definition: SourceDefinition): Source {
  const { commands, ...others } = dependencies;
  const given: SourceDependencies = { ...others, dataset, definition, state: () => commands.state() };
  const { fetch, watch } = dependencies;
  return definition.url.startsWith("file:")
    ? createFileSource({ ...given, ...(watch === undefined ? {} : { watch }) })
    : createHttpSource({ ...given, fetch });
}
