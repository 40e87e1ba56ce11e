import { SluiceError } from "@sluice/core";

/** Throws CLOSED where a publish is not wanted any more. */
export function throwIfGivenUp(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new SluiceError("CLOSED", "the publish was given up before it was done; nothing was kept");
}
