/** Keys are sorted by insertion, which for more members than this would take too long. */
const membersMax = 64;

const wordsOfMember = 3;
const comma = 0x2c;

/**
 * Puts members of objects into the order of their keys, in the canonical text that holds them: bytes from `"key"` to the end of
 * the value. Keys stand in quotes, unescaped, and are compared by their bytes.
 */
export class MemberOrder {
  /** Where each member begins, where its key ends, where it ends; of the objects that are open, the innermost last. */
  private members = new Int32Array(64 * wordsOfMember);
  private top = 0;
  private moved = new Uint8Array(256);

  /** Forgets everything. */
  clear(): void {
    this.top = 0;
  }

  /** A place to come back to: the members after it are those of an object that opens now. */
  mark(): number {
    return this.top;
  }

  add(start: number, keyEnd: number, end: number): void {
    if (this.top + wordsOfMember > this.members.length) {
      const wider = new Int32Array(2 * this.members.length);
      wider.set(this.members);
      this.members = wider;
    }
    this.members[this.top++] = start;
    this.members[this.top++] = keyEnd;
    this.members[this.top++] = end;
  }

  /** How the last member since `mark` compares with a key: below 0 where it stands in order before it, and where there is none. */
  compareLast(mark: number, bytes: Uint8Array, start: number, keyEnd: number): number {
    if (this.top === mark) return -1;
    const last = this.top - wordsOfMember;
    return compareKeys(bytes, this.members[last] as number, this.members[last + 1] as number, start, keyEnd);
  }

  /** Ends the object that opened at `mark`. */
  release(mark: number): void {
    this.top = mark;
  }

  /** Sorts the members since `mark` and their text; false where a key comes twice, or where there are more than 64. */
  sort(mark: number, bytes: Uint8Array): boolean {
    const from = this.members[mark] as number;
    const length = (this.members[this.top - 1] as number) - from;
    if (this.top - mark > membersMax * wordsOfMember || !this.sortMarks(mark, bytes)) return false;
    if (length > this.moved.length) this.moved = new Uint8Array(2 * length);
    const { members, moved, top } = this;
    moved.set(bytes.subarray(from, from + length));
    let end = from;
    for (let index = mark; index < top; index += wordsOfMember) {
      if (end > from) bytes[end++] = comma;
      const memberEnd = (members[index + 2] as number) - from;
      for (let at = (members[index] as number) - from; at < memberEnd; at++) bytes[end++] = moved[at] as number;
    }
    return true;
  }

  private sortMarks(mark: number, bytes: Uint8Array): boolean {
    const { members, top } = this;
    for (let next = mark + wordsOfMember; next < top; next += wordsOfMember) {
      const start = members[next] as number;
      const keyEnd = members[next + 1] as number;
      const end = members[next + 2] as number;
      let at = next;
      for (; at > mark; at -= wordsOfMember) {
        const order = compareKeys(bytes, members[at - 3] as number, members[at - 2] as number, start, keyEnd);
        if (order === 0) return false;
        if (order < 0) break;
        members[at] = members[at - 3] as number;
        members[at + 1] = members[at - 2] as number;
        members[at + 2] = members[at - 1] as number;
      }
      members[at] = start;
      members[at + 1] = keyEnd;
      members[at + 2] = end;
    }
    return true;
  }
}

function compareKeys(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): number {
  const length = Math.min(aEnd - a, bEnd - b) - 1;
  for (let index = 1; index < length; index++) {
    const difference = (bytes[a + index] as number) - (bytes[b + index] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - a - (bEnd - b);
}
