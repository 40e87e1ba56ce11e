import type { Answer, Request } from "./case.ts";

/** Answers the parent's steps one after the other, and ends with it. Called once, in the main module of a case. */
export function serveCase(steps: { readonly [name: string]: (input: never) => unknown }): void {
  const answer = async ({ id, step, input }: Request): Promise<Answer> => {
    try {
      const act = steps[step];
      if (act === undefined) throw new Error(`there is no step ${step}`);
      return { id, output: await act(input as never) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on("message", (request: Request) => {
    void answer(request).then((message) => process.send?.(message));
  });
  process.once("disconnect", () => process.exit(0));
}
