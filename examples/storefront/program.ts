// Runs a program that is not this project's as a process of the demo: `program.ts PROGRAM ARGUMENTS...`. It ends with this one.
import { spawn } from "node:child_process";

const [program = "", ...args] = process.argv.slice(2);
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });

child.once("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
child.once("exit", (code) => process.exit(code ?? 1));
process.once("SIGTERM", () => void child.kill("SIGTERM"));
// However this process comes to its end, nobody would end the other one any more.
process.once("exit", () => void child.kill("SIGKILL"));
