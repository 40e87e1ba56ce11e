import { type DatasetState, filesOfBase, type Line } from "@sluice/core";
import type { Lines, ReadableVersion, Shelf } from "@sluice/replica";

/** How many part files a sentence names. */
const namedMax = 3;

/** What is looked at of a version. */
type Held = Pick<ReadableVersion, "number" | "base">;

/** Says which versions cannot be read at the place that has their only copy. */
export interface ContentFaults {
  /** A sentence for each line of a dataset that cannot be read, or not whole; none where all is well. */
  faults(dataset: Pick<DatasetState, "name" | "stable" | "candidate">): readonly string[];
}

/** Looks at what is on disk. `broken` names files that were not what they should be when a version was opened. */
export function createContentFaults(from: {
  readonly lines: {
    current(): ReadonlyMap<string, { readonly stable: Held | null; readonly candidate: Held | null }>;
  } & Pick<Lines, "missing">;
  readonly shelf: Pick<Shelf, "damaged">;
  readonly broken: ReadonlySet<string>;
}): ContentFaults {
  const { lines, shelf, broken } = from;

  function faultOf(line: Line | null, version: Held | null): string | undefined {
    if (line === null) return undefined;
    const damaged = shelf.damaged();
    if (version?.number === line.number) {
      const names = filesOfBase(version.base)
        .map(({ name }) => name)
        .filter((name) => damaged.has(name));
      return names.length === 0 ? undefined : text(`items of v${line.publish} cannot be read`, names);
    }
    // Which of them this version needs is not known: it never came to be opened.
    const lost = [...lines.missing().map(({ name }) => name), ...broken, ...damaged.keys()];
    return text(`v${line.publish} cannot be read`, [...new Set(lost)]);
  }

  return {
    faults({ name, stable, candidate }) {
      const its = lines.current().get(name);
      return [faultOf(stable, its?.stable ?? null), faultOf(candidate, its?.candidate ?? null)].filter(
        (fault) => fault !== undefined,
      );
    },
  };
}

function text(what: string, names: readonly string[]): string {
  if (names.length === 0) return what;
  const more = names.length > namedMax ? ` and ${names.length - namedMax} more` : "";
  return `${what}: the only copy of part ${names.slice(0, namedMax).join(", ")}${more} is missing or damaged; publish the file again that it was made of, or stop the instance, put it back into blobs/ from a backup or a sidecar's directory, start again`;
}
