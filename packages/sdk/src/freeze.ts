type Primitive = string | number | bigint | boolean | symbol | null | undefined;
// What Object.freeze does not make immutable, or what a mapped type would take apart.
type Opaque =
  | Date
  | RegExp
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView
  | ((...args: never) => unknown);

/** What a read gives: the type of the schema's output, read-only all the way down, as the value itself is frozen. */
export type Frozen<T> = T extends Primitive | Opaque
  ? T
  : T extends object
    ? { readonly [Name in keyof T]: Frozen<T[Name]> }
    : T;

/**
 * Freezes a value with everything that it holds and returns it, so that a caller that writes to it gets a TypeError.
 * Typed arrays, which cannot be frozen, are left as they are; so are functions. Getters are not called.
 */
export function deepFreeze<T>(value: T): T {
  freeze(value, undefined);
  return value;
}

/**
 * The same for what JSON.parse gave, at a tenth of the cost: there are no getters, symbols or circles in it, and nothing that is
 * frozen already.
 */
export function freezeParsed(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const member of Array.isArray(value) ? (value as readonly unknown[]) : Object.values(value))
    freezeParsed(member);
  Object.freeze(value);
}

function freeze(value: unknown, seen: Set<object> | undefined): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (Object.isFrozen(value)) {
    // A schema may freeze what it gives, but only on the surface. Only such values can form a circle that never ends.
    if (seen?.has(value) === true) return;
    freezeMembers(value, (seen ?? new Set()).add(value));
  } else {
    Object.freeze(value);
    freezeMembers(value, seen);
  }
}

function freezeMembers(value: object, seen: Set<object> | undefined): void {
  if (Array.isArray(value)) {
    for (const member of value as readonly unknown[]) freeze(member, seen);
    return;
  }
  for (const name of Reflect.ownKeys(value)) {
    freeze(Object.getOwnPropertyDescriptor(value, name)?.value, seen);
  }
}
