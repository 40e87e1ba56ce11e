export type { Instance } from "./instance.ts";
export type { ServeOptions } from "./main.ts";
export { serve } from "./main.ts";
