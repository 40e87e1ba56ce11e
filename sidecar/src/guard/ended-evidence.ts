import type { EvidenceAnswer } from "@sluice/core/api";
import type { Logger } from "pino";
import type { EventLog } from "../store/port.ts";

/** Releases that have ended and whose evidence is kept, the newest. */
export const endedEvidenceMax = 50;

/** The document beside the log that says whose evidence is kept, the oldest first. */
const indexName = "ended-evidence";

/** What guards saw of releases that have ended. */
export interface EndedEvidence {
  /** Takes up what was kept. */
  start(): Promise<void>;
  /** Keeps what was seen of a release, beside the log; that of the longest ended one goes. */
  keep(answer: EvidenceAnswer): void;
  /** Undefined where nothing is kept of it that can be read. */
  get(release: string): Promise<EvidenceAnswer | undefined>;
  /** Ends when what was given is kept, or could not be. */
  close(): Promise<void>;
}

/** Keeps nothing at first. A store that does not take a document costs what would be in it after a restart, and is said. */
export function createEndedEvidence(dependencies: {
  documents: Pick<EventLog, "getDocument" | "putDocument" | "deleteDocument">;
  logger: Logger;
}): EndedEvidence {
  const { documents, logger } = dependencies;
  /** Of those that ended since the start, so that they can be read while the store is away. */
  const recent = new Map<string, EvidenceAnswer>();
  let kept: string[] = [];
  let keeping: Promise<void> = Promise.resolve();

  async function put(release: string): Promise<void> {
    // So many others ended while the store was away that this one would be gone again.
    const answer = recent.get(release);
    if (answer === undefined) return;
    await documents.putDocument(documentNameOf(answer.release), JSON.stringify(answer));
    const all = [...kept.filter((id) => id !== answer.release), answer.release];
    const gone = all.slice(0, -endedEvidenceMax);
    kept = all.slice(-endedEvidenceMax);
    await documents.putDocument(indexName, JSON.stringify(kept));
    for (const id of gone) await documents.deleteDocument(documentNameOf(id));
  }

  return {
    async start() {
      try {
        kept = JSON.parse((await documents.getDocument(indexName)) ?? "[]") as string[];
      } catch (error) {
        logger.warn({ err: error }, "which ended releases have evidence could not be read; it is not shown any more");
      }
    },
    keep(answer) {
      const { release } = answer;
      recent.delete(release);
      recent.set(release, answer);
      for (const oldest of recent.keys()) {
        if (recent.size <= endedEvidenceMax) break;
        recent.delete(oldest);
      }
      keeping = keeping
        .then(() => put(release))
        .catch((error: unknown) =>
          logger.warn({ err: error, release }, "the evidence of an ended release could not be kept"),
        );
    },
    async get(release) {
      const known = recent.get(release);
      if (known !== undefined || !kept.includes(release)) return known;
      try {
        const json = await documents.getDocument(documentNameOf(release));
        return json === undefined ? undefined : (JSON.parse(json) as EvidenceAnswer);
      } catch (error) {
        logger.warn({ err: error, release }, "the evidence of an ended release could not be read");
        return undefined;
      }
    },
    close: () => keeping,
  };
}

function documentNameOf(release: string): string {
  return `evidence:${release}`;
}
