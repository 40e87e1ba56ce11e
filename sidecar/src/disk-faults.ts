import { isSluiceError, messageOf } from "@sluice/core";
import type { Replica, ReplicaCounts } from "@sluice/replica";

/** A disk that takes it at the next try is no news, in milliseconds. */
const faultMsMin = 1_000;

/** What is wrong with the disk of a host that follows, a sentence each; it is every dataset's fault there. */
export function diskFaults(
  host: string,
  replica: Pick<Replica, "diskFault"> & { counts(): Pick<ReplicaCounts, "blobsInMemory"> },
): readonly string[] {
  const faults: string[] = [];
  const fault = replica.diskFault();
  if (fault !== null && fault.lastsMs >= faultMsMin) {
    const why = isSluiceError(fault.error, "DISK_FULL") ? "no room is left" : messageOf(fault.error);
    faults.push(
      `the disk of ${host} has taken nothing for ${Math.floor(fault.lastsMs / 1_000)} s (${why}): reverts are in effect on ${host}, but not confirmed, and a restart of it may forget them`,
    );
  }
  const { blobsInMemory } = replica.counts();
  if (blobsInMemory > 0) {
    const files = blobsInMemory === 1 ? "1 file of versions is" : `${blobsInMemory} files of versions are`;
    faults.push(`${files} held in the memory of ${host} alone, since its disk does not take more`);
  }
  return faults;
}
