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
  /** Where the members stood in their text that came first, second and so on in the object that was last sorted. */
  private lastOrder = new Int32Array(membersMax);
  private lastCount = 0;

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
    const count = (this.top - mark) / wordsOfMember;
    if (count > membersMax) return false;
    // Line after line has its members in the same order, so that the last one's is mostly the one.
    if (!this.isLastOrder(mark, count, bytes) && !this.findOrder(mark, count, bytes)) return false;
    const from = this.members[mark] as number;
    const length = (this.members[this.top - 1] as number) - from;
    if (length > this.moved.length) this.moved = new Uint8Array(2 * length);
    const { members, moved, lastOrder } = this;
    moved.set(bytes.subarray(from, from + length));
    let end = from;
    for (let place = 0; place < count; place++) {
      const index = mark + wordsOfMember * (lastOrder[place] as number);
      if (place > 0) bytes[end++] = comma;
      const memberEnd = (members[index + 2] as number) - from;
      for (let at = (members[index] as number) - from; at < memberEnd; at++) bytes[end++] = moved[at] as number;
    }
    return true;
  }

  /** Whether the members are in strict order when they are put as the last ones were. */
  private isLastOrder(mark: number, count: number, bytes: Uint8Array): boolean {
    if (count !== this.lastCount) return false;
    for (let place = 1; place < count; place++) {
      if (this.compare(mark, this.lastOrder[place - 1] as number, this.lastOrder[place] as number, bytes) >= 0) {
        return false;
      }
    }
    return true;
  }

  /** Sorts by insertion: objects have few members. False where a key comes twice. */
  private findOrder(mark: number, count: number, bytes: Uint8Array): boolean {
    const { lastOrder } = this;
    // Until it is found there is none.
    this.lastCount = 0;
    for (let member = 0; member < count; member++) {
      let place = member;
      for (; place > 0; place--) {
        const order = this.compare(mark, lastOrder[place - 1] as number, member, bytes);
        if (order === 0) return false;
        if (order < 0) break;
        lastOrder[place] = lastOrder[place - 1] as number;
      }
      lastOrder[place] = member;
    }
    this.lastCount = count;
    return true;
  }

  /** Compares the keys of two members since `mark`. */
  private compare(mark: number, a: number, b: number, bytes: Uint8Array): number {
    const { members } = this;
    const left = mark + wordsOfMember * a;
    const right = mark + wordsOfMember * b;
    return compareKeys(
      bytes,
      members[left] as number,
      members[left + 1] as number,
      members[right] as number,
      members[right + 1] as number,
    );
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
