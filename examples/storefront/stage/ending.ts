/** The one way in which the demo ends, however it comes to it. */
export interface Ending {
  /** Tidies up and leaves with an exit code; `why` is null where it is the expected end. What comes second is ignored. */
  begin(code: number, why: string | null): void;
}

/** How often it is looked whether npm is still there, in milliseconds. */
const parentMs = 500;

/** Makes an ending that Ctrl-C, its relatives and errors that nobody caught begin too. `interruptedCode` is Ctrl-C's. */
export function createEnding(options: {
  readonly interruptedCode: number;
  readonly tidy: (code: number, why: string | null) => Promise<void>;
}): Ending {
  const { interruptedCode, tidy } = options;
  let begun = false;

  function begin(code: number, why: string | null): void {
    if (begun) return;
    begun = true;
    tidy(code, why).then(
      () => process.exit(code),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  }

  process.on("SIGINT", () => begin(interruptedCode, "ended by Ctrl-C"));
  process.on("SIGTERM", () => begin(interruptedCode, "ended by SIGTERM"));
  process.on("SIGHUP", () => begin(interruptedCode, "the terminal is gone"));
  process.on("uncaughtException", (error) => begin(1, error.stack ?? error.message));
  // npm that is ended takes its shell with it, and the shell tells nobody.
  const parent = process.ppid;
  if (process.env["npm_lifecycle_event"] !== undefined) {
    setInterval(() => {
      if (process.ppid !== parent) begin(1, "npm is gone");
    }, parentMs).unref();
  }
  return { begin };
}
