// A prime, so that one patch after the other meets items that lie apart.
const stride = 7_919;

/** Which item the patch with a stamp goes to. */
export function stampedIndex(stamp: number, items: number): number {
  return (stamp * stride) % items;
}
