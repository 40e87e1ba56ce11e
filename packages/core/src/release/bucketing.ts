import { murmur3 } from "../version/murmur3.ts";
import { everybodyThousandths } from "./plan.ts";

/** Which side of a release a view is on. */
export type Arm = "candidate" | "control";

/**
 * The bucket, 0 to 99,999, of a targeting key in a release.
 * MurmurHash3 (x86, 32 bit, seed 0) of `salt:targetingKey` in UTF-8, scaled to 100,000; the same on every host and in every language.
 */
export function bucketOf(salt: string, targetingKey: string): number {
  return Math.floor((murmur3(`${salt}:${targetingKey}`) * everybodyThousandths) / 0x1_0000_0000);
}

/** The arm of a bucket at a percentage in thousandths. Raising the percentage only adds buckets to the candidate. */
export function armOf(bucket: number, thousandths: number): Arm {
  return bucket < thousandths ? "candidate" : "control";
}
