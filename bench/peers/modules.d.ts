// What the bench uses of its peers. The product's check reads this, so that it does not have to install them.

declare module "lmdb" {
  interface Database<Value, Key> {
    get(key: Key): Value | undefined;
    put(key: Key, value: Value): Promise<boolean>;
  }
  export function open<Value, Key>(options: { readonly path: string }): Database<Value, Key>;
}

declare module "ioredis" {
  interface Pipeline {
    get(key: string): Pipeline;
    exec(): Promise<[error: Error | null, text: string | null][] | null>;
  }
  export class Redis {
    constructor(options: { readonly host: string; readonly port: number });
    get(key: string): Promise<string | null>;
    mset(pairs: readonly string[]): Promise<"OK">;
    dbsize(): Promise<number>;
    pipeline(): Pipeline;
  }
}

declare module "lru-cache" {
  export class LRUCache<Key, Value> {
    constructor(options: { readonly max: number });
    get(key: Key): Value | undefined;
    set(key: Key, value: Value): this;
  }
}
