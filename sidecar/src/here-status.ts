import { isActive, type NamespaceState, own } from "@sluice/core";
import type { HereReverts, HereStatus } from "@sluice/core/api";
import type { LiveFollower } from "./followers/registry.ts";

/** How many are shown. */
const shownMax = 100;

/** Which hosts keep an active release from themselves, by what is known here and what followers say. */
export function hereStatusOf(
  state: NamespaceState,
  hosts: readonly HereReverts[],
  followers: readonly LiveFollower[],
): readonly HereStatus[] {
  const newest = new Map<string, HereReverts>();
  for (const its of [...hosts, ...followers.flatMap(({ here }) => here)]) {
    if ((newest.get(its.host)?.version ?? 0) < its.version) newest.set(its.host, its);
  }
  const list: HereStatus[] = [];
  for (const { host, reverts } of newest.values()) {
    for (const revert of reverts) {
      const release = own(state.releases, revert.release);
      if (release === undefined || !isActive(release)) continue;
      const heeds = ({ here }: LiveFollower): boolean =>
        here.some((its) => its.host === host && its.reverts.some((each) => each.release === revert.release));
      list.push({ ...revert, host, publish: release.candidatePublish, followers: followers.filter(heeds).length });
    }
  }
  return list.sort((a, b) => a.at - b.at).slice(0, shownMax);
}
