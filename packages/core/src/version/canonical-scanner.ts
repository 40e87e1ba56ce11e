import { MemberOrder } from "./member-order.ts";
import { survivesAsDouble } from "./number-text.ts";
import { copyUtf8Sequence } from "./utf8-sequence.ts";

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const slash = 0x2f;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const words: Readonly<Record<"true" | "false" | "null", Uint8Array>> = {
  true: asciiBytes("true"),
  false: asciiBytes("false"),
  null: asciiBytes("null"),
};

/** So many significant digits always survive as a double, and are its shortest form. */
const plainNumberBytes = 15;

/** Numbers that are written with more bytes than this are left to the strict reader. */
const numberBytesMax = 40;

/**
 * Walks through the bytes of JSON and writes the canonical text (RFC 8785) beside them, no string in between. It answers
 * false, without a reason, for whatever it is not sure of: that is left to the strict parser, which gives the same text or the fault.
 */
export class CanonicalScanner {
  /** What has been written so far, up to `end`. */
  bytes: Uint8Array = new Uint8Array(64 * 1024);
  end = 0;
  /** What is read, from `at` up to `textEnd`. */
  text: Uint8Array = this.bytes;
  at = 0;
  textEnd = 0;
  private readonly depthMax: number;
  private readonly members = new MemberOrder();

  constructor(depthMax: number) {
    this.depthMax = depthMax;
  }

  /** Takes other bytes to read, of which nothing is written yet. */
  begin(text: Uint8Array, start: number, end: number): void {
    // No text has a longer canonical one, but for a few numbers, which are left to the strict parser.
    if (end - start > this.bytes.length) this.bytes = new Uint8Array(2 * (end - start));
    this.text = text;
    this.at = start;
    this.textEnd = end;
    this.end = 0;
    this.members.clear();
  }

  /** A value that stands in `depth` arrays and objects. */
  value(depth: number): boolean {
    this.skipSpace();
    switch (this.text[this.at] as number) {
      case quote:
        return this.string();
      case openBrace:
        return depth < this.depthMax && this.object(depth + 1);
      case openBracket:
        return depth < this.depthMax && this.array(depth + 1);
      case 0x74:
        return this.word(words.true);
      case 0x66:
        return this.word(words.false);
      case 0x6e:
        return this.word(words.null);
      default:
        return this.number();
    }
  }

  /** Reads a mark, space before it skipped. */
  takes(byte: number): boolean {
    // Nearly always there is no space.
    if (this.text[this.at] !== byte) {
      this.skipSpace();
      if (this.text[this.at] !== byte) return false;
    }
    if (this.at >= this.textEnd) return false;
    this.at++;
    return true;
  }

  skipSpace(): void {
    while (this.at < this.textEnd && isSpace(this.text[this.at] as number)) this.at++;
  }

  private string(): boolean {
    const { text, bytes, textEnd } = this;
    let at = this.at + 1;
    let end = this.end;
    bytes[end++] = quote;
    while (at < textEnd) {
      const byte = text[at] as number;
      if (byte === quote) {
        bytes[end++] = quote;
        this.at = at + 1;
        this.end = end;
        return true;
      }
      if (byte >= 0x80) {
        const length = copyUtf8Sequence(text, at, textEnd, bytes, end);
        if (length === 0) return false;
        at += length;
        end += length;
      } else if (byte === backslash) {
        const escaped = text[at + 1] as number;
        if (at + 1 >= textEnd || !isShortEscape(escaped)) return false;
        if (escaped !== slash) bytes[end++] = backslash;
        bytes[end++] = escaped;
        at += 2;
      } else {
        if (byte < 0x20) return false;
        bytes[end++] = byte;
        at++;
      }
    }
    return false;
  }

  private array(depth: number): boolean {
    this.at++;
    this.puts(openBracket);
    if (this.takes(closeBracket)) return this.puts(closeBracket);
    for (;;) {
      if (!this.value(depth)) return false;
      if (this.takes(closeBracket)) return this.puts(closeBracket);
      if (!this.takes(comma)) return false;
      this.puts(comma);
    }
  }

  private object(depth: number): boolean {
    const mark = this.members.mark();
    this.at++;
    this.puts(openBrace);
    if (this.takes(closeBrace)) return this.puts(closeBrace);
    let sorted = true;
    for (;;) {
      const start = this.end;
      if (!this.memberKey()) return false;
      const keyEnd = this.end;
      if (sorted) {
        const order = this.members.compareLast(mark, this.bytes, start, keyEnd);
        if (order === 0) return false;
        sorted = order < 0;
      }
      if (!this.takes(colon)) return false;
      this.puts(colon);
      if (!this.value(depth)) return false;
      this.members.add(start, keyEnd, this.end);
      if (this.takes(closeBrace)) break;
      if (!this.takes(comma)) return false;
      this.puts(comma);
    }
    if (!sorted && !this.members.sort(mark, this.bytes)) return false;
    this.members.release(mark);
    return this.puts(closeBrace);
  }

  /** A key in quotes, without escapes and without what UTF-16 sorts otherwise than UTF-8 does. */
  private memberKey(): boolean {
    this.skipSpace();
    const { text, bytes, textEnd } = this;
    if (text[this.at] !== quote) return false;
    let at = this.at + 1;
    let end = this.end;
    bytes[end++] = quote;
    while (at < textEnd) {
      const byte = text[at] as number;
      if (byte < 0x80) {
        if (byte < 0x20 || byte === backslash) return false;
        bytes[end++] = byte;
        at++;
        if (byte !== quote) continue;
        this.at = at;
        this.end = end;
        return true;
      }
      const length = byte < 0xee ? copyUtf8Sequence(text, at, textEnd, bytes, end) : 0;
      if (length === 0) return false;
      at += length;
      end += length;
    }
    return false;
  }

  private number(): boolean {
    const { text, bytes } = this;
    const start = this.at;
    let at = start;
    if (text[at] === minus) at++;
    const whole = at;
    while (isDigit(text[at])) at++;
    const isZero = text[whole] === zero;
    if (at === whole || (isZero && at > whole + 1)) return false;
    let canonicalEnd = at;
    // -0 has another canonical form, and so have numbers below 0.000001.
    let plain = !isZero || whole === start;
    if (text[at] === dot) {
      const fraction = ++at;
      while (isDigit(text[at])) at++;
      if (at === fraction) return false;
      canonicalEnd = at;
      while (text[canonicalEnd - 1] === zero) canonicalEnd--;
      if (canonicalEnd === fraction) canonicalEnd--;
      plain = !isZero || hasDigitSoon(text, fraction, canonicalEnd);
    }
    if (!plain || at - start > plainNumberBytes || ((text[at] ?? 0) | 0x20) === 0x65) {
      return this.unusualNumber(start);
    }
    let end = this.end;
    for (let index = start; index < canonicalEnd; index++) bytes[end++] = text[index] as number;
    this.at = at;
    this.end = end;
    return true;
  }

  /** What the strict parser would make of a number. */
  private unusualNumber(start: number): boolean {
    let at = start;
    while (isNumberByte(this.text[at])) at++;
    if (at - start > numberBytesMax) return false;
    const text = String.fromCharCode(...this.text.subarray(start, at));
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return false;
    const value = Number(text);
    const canonical = String(value === 0 ? 0 : value);
    if (!survivesAsDouble(text, value) || canonical.length > text.length) return false;
    for (let index = 0; index < canonical.length; index++) this.puts(canonical.charCodeAt(index));
    this.at = at;
    return true;
  }

  private word(word: Uint8Array): boolean {
    for (let index = 0; index < word.length; index++) {
      if (this.text[this.at + index] !== word[index]) return false;
      this.bytes[this.end + index] = word[index] as number;
    }
    this.at += word.length;
    this.end += word.length;
    return true;
  }

  private puts(byte: number): true {
    this.bytes[this.end++] = byte;
    return true;
  }
}

/** The bytes of a text of ASCII characters. */
export function asciiBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Escapes of two bytes: their canonical form is themselves, but for a slash, which stands for itself. */
function isShortEscape(byte: number): boolean {
  switch (byte) {
    case quote:
    case backslash:
    case slash:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return true;
    default:
      return false;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= 0x39;
}

/** Whether one of the first six decimals is another digit than 0. */
function hasDigitSoon(text: Uint8Array, fraction: number, end: number): boolean {
  for (let at = fraction; at < end && at < fraction + 6; at++) if (text[at] !== zero) return true;
  return false;
}

function isNumberByte(byte: number | undefined): boolean {
  return isDigit(byte) || byte === minus || byte === dot || byte === 0x2b || byte === 0x65 || byte === 0x45;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
