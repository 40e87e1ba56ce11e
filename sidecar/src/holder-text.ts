import type { Actor } from "@sluice/core";

/** Who holds a release, as people call it: an alert holds by its fingerprint too, which says nothing to them. */
export function holderText({ kind, name }: Actor): string {
  return `${kind} ${kind === "alert" ? name.replace(/ [0-9a-f]{8,64}$/i, "") : name}`;
}
