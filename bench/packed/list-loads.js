// Preloaded where it is asked which modules stand on the way to a first read, and who asked for each.
import { registerHooks } from "node:module";

globalThis.loadedUrls = [];
registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    globalThis.loadedUrls.push({ url: resolved.url, parent: context.parentURL ?? "" });
    return resolved;
  },
});
