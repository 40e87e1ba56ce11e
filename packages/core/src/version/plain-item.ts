import { asciiBytes, CanonicalScanner } from "./canonical-scanner.ts";
import { copyUtf8Sequence } from "./utf8-sequence.ts";

/** What a plain reader accepts; everything beyond it is left to the strict reader. */
export interface PlainLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** Levels of nesting of a value. */
  readonly depthMax: number;
}

/**
 * Reads lines of an upload from their bytes without making a string of any, several times faster than the strict reader: it gives
 * that one's answer or none. It knows nothing of errors. A line that is in any way unusual is not plain: an escape that is
 * written otherwise in canonical form, a repeated or escaped member, a lossy number, too long, too deep, no JSON.
 */
export interface PlainReader {
  /** The last plain line: its key from 0 to `keyEnd`, the canonical text of its value from there to `end`. Good until the next one. */
  readonly bytes: Uint8Array;
  readonly keyEnd: number;
  readonly end: number;
  /** Whether the bytes from `start` to `end`, the line's end left out, are a plain `{"key": …, "value": …}`. */
  read(text: Uint8Array, start: number, end: number): boolean;
}

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const keyMember = asciiBytes('"key"');
const valueMember = asciiBytes('"value"');

/** Makes a reader. It keeps as much memory as the longest line has had. */
export function createPlainReader({ keyBytesMax, valueBytesMax, depthMax }: PlainLimits): PlainReader {
  const scanner = new CanonicalScanner(depthMax);
  let keyEnd = 0;

  const takesMember = (member: Uint8Array): boolean => {
    scanner.skipSpace();
    for (let index = 0; index < member.length; index++) {
      if (scanner.text[scanner.at + index] !== member[index]) return false;
    }
    scanner.at += member.length;
    return scanner.takes(colon);
  };

  return {
    get bytes() {
      return scanner.bytes;
    },
    get keyEnd() {
      return keyEnd;
    },
    get end() {
      return scanner.end;
    },
    read(text, start, end) {
      scanner.begin(text, start, end);
      if (!scanner.takes(openBrace) || !takesMember(keyMember)) return false;
      scanner.skipSpace();
      if (!readKey(scanner) || scanner.end > keyBytesMax) return false;
      keyEnd = scanner.end;
      if (!scanner.takes(comma) || !takesMember(valueMember)) return false;
      if (!scanner.value(0) || !scanner.takes(closeBrace)) return false;
      scanner.skipSpace();
      return scanner.at === end && scanner.end - keyEnd <= valueBytesMax;
    },
  };
}

/** Copies an item's key: at least a byte, no quotes, escapes or control characters. */
function readKey(scanner: CanonicalScanner): boolean {
  const { text, bytes, textEnd } = scanner;
  if (text[scanner.at] !== quote) return false;
  let at = scanner.at + 1;
  let end = scanner.end;
  while (at < textEnd) {
    const byte = text[at] as number;
    if (byte === quote) {
      scanner.at = at + 1;
      scanner.end = end;
      return end > 0;
    }
    if (byte < 0x20 || byte === 0x7f || byte === backslash) return false;
    if (byte < 0x80) {
      bytes[end++] = byte;
      at++;
    } else {
      // U+0080 to U+009F are control characters.
      if (byte === 0xc2 && (text[at + 1] as number) < 0xa0) return false;
      const length = copyUtf8Sequence(text, at, textEnd, bytes, end);
      if (length === 0) return false;
      at += length;
      end += length;
    }
  }
  return false;
}
