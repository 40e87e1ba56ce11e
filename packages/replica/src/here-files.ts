import { SluiceError } from "@sluice/core";
import type { HereRevert, HereReverts } from "@sluice/core/api";
import { createOwnFiles } from "./own-files.ts";

/** What hosts have taken back for themselves, as the processes of a directory have it on disk. */
export interface HereFiles {
  /** What every process that was ever here has written. Throws CORRUPT, STORE_UNAVAILABLE. */
  read(): Promise<readonly HereReverts[]>;
  /** Takes the place of what this process has written. The disk has it when this ends. Throws DISK_FULL or STORE_UNAVAILABLE. */
  write(hosts: readonly HereReverts[]): Promise<void>;
  /** Whether there is any. Throws STORE_UNAVAILABLE. */
  any(): boolean;
  /** Removes files of which every position on disk says as much. For the directory's one writer. Throws STORE_UNAVAILABLE. */
  passed(positions: readonly { readonly here?: readonly HereReverts[] }[]): Promise<void>;
}

/** Files `here.TOKEN.NUMBER` of a directory. */
export function createHereFiles(directory: string, token: string): HereFiles {
  const files = createOwnFiles(directory, "here", token);
  return {
    read: async () => (await files.read()).flatMap(({ name, text }) => parsed(name, text)),
    write: (hosts) => files.write(hosts.length > 0 ? JSON.stringify(hosts) : null),
    any: () => files.any(),
    passed: (positions) =>
      files.remove(({ name, text }) =>
        parsed(name, text).every(({ host, version }) =>
          positions.every(({ here = [] }) => here.some((its) => its.host === host && its.version >= version)),
        ),
      ),
  };
}

/** The schemas of the wire take longer to load than a first read, so what they would say is said here. */
function parsed(name: string, text: string): readonly HereReverts[] {
  try {
    const hosts = JSON.parse(text) as readonly HereReverts[];
    if (!hosts.every(isHost)) throw new TypeError("no reverts of a host");
    return hosts;
  } catch (cause) {
    throw new SluiceError("CORRUPT", `${name} does not say what hosts have taken back; it will be heard again`, {
      cause,
    });
  }
}

function isHost({ host, version, reverts }: Partial<HereReverts>): boolean {
  return typeof host === "string" && Number.isSafeInteger(version) && Array.isArray(reverts) && reverts.every(isRevert);
}

function isRevert({ release, at, by, reason }: Partial<HereRevert>): boolean {
  return (
    typeof release === "string" && typeof at === "number" && typeof by?.name === "string" && typeof reason === "string"
  );
}
