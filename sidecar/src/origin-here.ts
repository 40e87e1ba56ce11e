import type { NamespaceState } from "@sluice/core";
import type { HereReverts } from "@sluice/core/api";
import { createHereBook } from "@sluice/replica";
import type { Logger } from "pino";
import type { EventLog } from "./store/port.ts";

/** The document beside the log that holds it. */
const documentName = "here";

/** What an origin takes back for its own host: its own reads, and the applications that follow it directly. */
export interface OriginHere {
  hosts(): readonly HereReverts[];
  /** Active releases of a state that are taken back here. */
  inForce(state: NamespaceState): ReadonlySet<string>;
  /** Puts it into effect at once and ends when the store has it. Throws DISK_FULL or STORE_UNAVAILABLE. */
  take(hosts: readonly HereReverts[]): Promise<void>;
  subscribe(listener: () => void): () => void;
}

/** Takes up what the document says. Where it cannot be read, followers that heed it say so when they confirm. */
export async function createOriginHere(dependencies: {
  readonly documents: Pick<EventLog, "getDocument" | "putDocument">;
  readonly logger: Logger;
}): Promise<OriginHere> {
  const { documents, logger } = dependencies;
  const listeners = new Set<() => void>();
  const book = createHereBook({
    read: async () => JSON.parse((await documents.getDocument(documentName)) ?? "[]") as HereReverts[],
    write: (hosts) => documents.putDocument(documentName, JSON.stringify(hosts)),
  });
  await book.load().catch((error: unknown) => logger.error({ err: error }, "what is reverted here could not be read"));
  return {
    hosts: () => book.hosts(),
    inForce: (state) => book.inForce(state),
    async take(hosts) {
      if (book.merge(hosts)) for (const listener of listeners) listener();
      await book.sync();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
