import { AsyncLocalStorage } from "node:async_hooks";

/** The value that belongs to the asynchronous work that is going on, a request for example. */
export interface Context<T> {
  current(): T | undefined;
  /** Runs `fn`, and all that it starts, with the value as the current one. */
  runWith<R>(value: T, fn: () => R): R;
}

/** Makes a context of its own: two clients in one process do not see each other's views. */
export function createContext<T>(): Context<T> {
  const storage = new AsyncLocalStorage<T>();
  return {
    current: () => storage.getStore(),
    runWith: (value, fn) => storage.run(value, fn),
  };
}
