import { SluiceError } from "../error.ts";
import { jsonDepthMax } from "./canonical-json.ts";
import { type JsonValue, setMember } from "./json-value.ts";
import { survivesAsDouble } from "./number-text.ts";
import { formatPointer } from "./pointer.ts";

/** What is wrong with a JSON text: that it is none, or that it is one which says something other than what would be kept. */
export type JsonFaultKind = "syntax" | "repeatedKey" | "lossyNumber" | "loneSurrogate" | "tooDeep";

/** The first fault in a JSON text. */
export interface JsonFault {
  readonly kind: JsonFaultKind;
  /** What was expected and what came, without the place. */
  readonly reason: string;
  /** RFC 6901 pointer of the value that has the fault; `""` is the whole text. */
  readonly path: string;
  /** Characters (UTF-16 units) from the start of the text, from 0. */
  readonly position: number;
}

/**
 * Parses JSON and refuses what `JSON.parse` would swallow: repeated keys of an object and numbers that do not survive as
 * a double (`12345678901234567890`; `1.0` and `1e2` are fine), lone surrogates, and nesting deeper than `depthMax`
 * (default 64). `-0` becomes 0. `__proto__` is a member like any other.
 * Throws INVALID_JSON with `details` `{ kind, path, position }`.
 */
export function parseStrictJson(text: string, options: { depthMax?: number } = {}): JsonValue {
  const result = readStrictJson(text, options.depthMax ?? jsonDepthMax);
  if (result.fault === undefined) return result.value;
  const { kind, reason, path, position } = result.fault;
  // People count from 1.
  const place = `at character ${position + 1}${path === "" ? "" : ` in ${path}`}`;
  throw new SluiceError("INVALID_JSON", `${reason}, ${place}`, { details: { kind, path, position } });
}

/** The same as a value, for readers that go on after a fault. */
export function readStrictJson(
  text: string,
  depthMax: number,
): { readonly value: JsonValue; readonly fault?: undefined } | { readonly fault: JsonFault } {
  try {
    return { value: new StrictParser(text, depthMax).parse() };
  } catch (error) {
    if (error instanceof FaultFound) return { fault: error.fault };
    throw error;
  }
}

class FaultFound extends Error {
  readonly fault: JsonFault;

  constructor(fault: JsonFault) {
    super(fault.reason);
    this.fault = fault;
  }
}

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const dot = 0x2e;
const zero = 0x30;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Recursive descent over the UTF-16 units of one text; recursion is bounded by `depthMax`. */
class StrictParser {
  private readonly text: string;
  private readonly depthMax: number;
  private readonly path: (string | number)[] = [];
  private position = 0;

  constructor(text: string, depthMax: number) {
    this.text = text;
    this.depthMax = depthMax;
  }

  parse(): JsonValue {
    this.skipSpace();
    const value = this.value(0);
    this.skipSpace();
    if (this.position < this.text.length) this.unexpected("the end of the text");
    return value;
  }

  private value(depth: number): JsonValue {
    switch (this.text.charCodeAt(this.position)) {
      case quote:
        return this.string();
      case openBrace:
        return this.object(this.deeper(depth));
      case openBracket:
        return this.array(this.deeper(depth));
      case 0x74:
        return this.word("true", true);
      case 0x66:
        return this.word("false", false);
      case 0x6e:
        return this.word("null", null);
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonValue {
    const object: Record<string, JsonValue> = {};
    if (this.opensEmpty(closeBrace)) return object;
    for (;;) {
      this.member(object, depth);
      this.skipSpace();
      if (this.takes(closeBrace)) return object;
      if (!this.takes(comma)) this.unexpected('"," or "}"');
      this.skipSpace();
    }
  }

  private member(object: Record<string, JsonValue>, depth: number): void {
    const start = this.position;
    if (this.text.charCodeAt(start) !== quote) this.unexpected("a key in double quotes");
    const key = this.string();
    this.path.push(key);
    if (Object.hasOwn(object, key)) {
      this.fault("repeatedKey", `expected each key once, came ${JSON.stringify(clip(key))} again`, start);
    }
    this.skipSpace();
    if (!this.takes(colon)) this.unexpected('":"');
    this.skipSpace();
    setMember(object, key, this.value(depth));
    this.path.pop();
  }

  private array(depth: number): JsonValue {
    const values: JsonValue[] = [];
    if (this.opensEmpty(closeBracket)) return values;
    for (;;) {
      this.path.push(values.length);
      values.push(this.value(depth));
      this.path.pop();
      this.skipSpace();
      if (this.takes(closeBracket)) return values;
      if (!this.takes(comma)) this.unexpected('"," or "]"');
      this.skipSpace();
    }
  }

  private string(): string {
    const { text } = this;
    const start = this.position;
    let escaped = false;
    let surrogates = false;
    let index = start + 1;
    for (; ; index++) {
      // Past the end this is NaN, which no comparison holds for but the one below.
      const unit = text.charCodeAt(index);
      if (unit === quote) break;
      if (unit === backslash) {
        escaped = true;
        index++;
      } else if (!(unit >= 0x20)) {
        this.position = index;
        this.unexpected(
          index >= text.length
            ? "the closing quote of a string"
            : String.raw`a control character as an escape such as \n`,
        );
      } else if (unit >= 0xd800 && unit <= 0xdfff) {
        surrogates = true;
      }
    }
    this.position = index + 1;
    const value = escaped ? this.unescaped(start, index + 1) : text.slice(start + 1, index);
    if ((escaped || surrogates) && !value.isWellFormed()) {
      this.fault("loneSurrogate", "expected well-formed Unicode, came a lone surrogate", start);
    }
    return value;
  }

  private unescaped(start: number, end: number): string {
    try {
      return JSON.parse(this.text.slice(start, end)) as string;
    } catch {
      return this.fault("syntax", String.raw`expected an escape such as \n or \u00e9, came another`, start);
    }
  }

  private number(): number {
    const { text } = this;
    const start = this.position;
    if (text.charCodeAt(start) === minus) this.position++;
    if (!this.takes(zero)) this.digits(this.position === start ? "a value" : "a digit");
    let plain = true;
    if (this.takes(dot)) this.digits("a digit");
    if ((text.charCodeAt(this.position) | 0x20) === 0x65) {
      plain = false;
      this.position++;
      const sign = text.charCodeAt(this.position);
      if (sign === minus || sign === 0x2b) this.position++;
      this.digits("a digit");
    }
    const token = text.slice(start, this.position);
    const value = Number(token);
    // 15 significant digits always survive; only the rest is worth a look.
    if (!(plain && token.length <= 15) && !survivesAsDouble(token, value)) {
      const kept = Number.isFinite(value) ? `would be kept as ${value}` : "is out of range";
      this.fault(
        "lossyNumber",
        `expected a number that a double holds exactly, came ${clip(token)}, which ${kept}`,
        start,
      );
    }
    return value === 0 ? 0 : value;
  }

  private digits(expected: string): void {
    const start = this.position;
    while (isDigit(this.text.charCodeAt(this.position))) this.position++;
    if (this.position === start) this.unexpected(expected);
  }

  private word<T extends JsonValue>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.position)) {
      const [came = ""] = /^\w{1,20}/.exec(this.text.slice(this.position, this.position + 20)) ?? [];
      this.fault("syntax", `expected ${word}, came ${JSON.stringify(came)}`, this.position);
    }
    this.position += word.length;
    return value;
  }

  private deeper(depth: number): number {
    if (depth >= this.depthMax) {
      this.fault("tooDeep", `expected at most ${this.depthMax} levels of nesting, came one more`, this.position);
    }
    return depth + 1;
  }

  private opensEmpty(close: number): boolean {
    this.position++;
    this.skipSpace();
    return this.takes(close);
  }

  private takes(unit: number): boolean {
    if (this.text.charCodeAt(this.position) !== unit) return false;
    this.position++;
    return true;
  }

  private skipSpace(): void {
    for (;;) {
      const unit = this.text.charCodeAt(this.position);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.position++;
    }
  }

  private unexpected(expected: string): never {
    const code = this.text.codePointAt(this.position);
    const came = code === undefined ? "the end of the text" : JSON.stringify(String.fromCodePoint(code));
    this.fault("syntax", `expected ${expected}, came ${came}`, this.position);
  }

  private fault(kind: JsonFaultKind, reason: string, position: number): never {
    throw new FaultFound({ kind, reason, path: formatPointer(this.path), position });
  }
}

function isDigit(unit: number): boolean {
  return unit >= zero && unit <= 0x39;
}

/** Long texts do not belong in messages. */
function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100).toWellFormed()}…`;
}
