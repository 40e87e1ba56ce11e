import type { Context, Instance } from "./context.ts";
import { jsonText } from "./text.ts";

/** The exit code of a process that Ctrl-C ended at once. */
const interruptedCode = 130;

/**
 * Runs an instance until Ctrl-C or SIGTERM, then closes it; a second signal ends the process at once.
 * `what` says on a terminal what it does; elsewhere the instance's own log does.
 */
export async function runInstance(context: Context, what: string, start: () => Promise<Instance>): Promise<void> {
  const { io, onInterrupt, exit } = context;
  let interrupts = 0;
  const interruption = Promise.withResolvers<void>();
  const off = onInterrupt(() => {
    interrupts += 1;
    if (interrupts > 1) exit(interruptedCode);
    interruption.resolve();
  });
  try {
    const instance = await start();
    if (context.json) io.stdout.write(`${jsonText({ url: instance.url })}\n`);
    else if (io.stdout.isTTY)
      io.stdout.write(`sluice ${what} at ${context.style.bold(instance.url)}; Ctrl-C ends it\n`);
    await interruption.promise;
    if (io.stdout.isTTY && !context.json) io.stderr.write("closing; Ctrl-C again ends it at once\n");
    await instance.close();
  } finally {
    off();
  }
}
