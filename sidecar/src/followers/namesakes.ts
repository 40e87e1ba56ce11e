import type { Registry } from "./registry.ts";

/** That sidecars share a name, as reasons for people. */
export function namesakeFaults(registry: Pick<Registry, "namesakes">): readonly string[] {
  return registry.namesakes().map(({ name, count }) => {
    return `${count} sidecars are called ${name}, and what one does counts for the other: start each with a --name of its own`;
  });
}
