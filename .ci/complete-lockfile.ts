// Native tools list one optional package per platform. A registry mirror that lags behind answers 404 for those it
// does not have yet, npm then leaves them out of the lockfile without a word, and `npm ci` refuses that lockfile ("Missing: …
// from lock file"), on every platform. This adds them: the version is the one that the tool names, the platform is in
// the package's name, and the integrity is left to whoever installs there first.
import { readFileSync, writeFileSync } from "node:fs";

interface Locked {
  version?: string;
  integrity?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const root = new URL("../", import.meta.url);
const name = process.argv[2] ?? "package-lock.json";
const path = new URL(name, root);
const lockfile: { packages: Record<string, Locked> } = JSON.parse(readFileSync(path, "utf8"));

const systems: Record<string, string> = { windows: "win32" };
const processors: Record<string, string> = { "64": "x64" };
const libraries: Record<string, string> = { gnu: "glibc", gnueabihf: "glibc", musl: "musl", musleabihf: "musl" };

function platformOf(name: string): Pick<Locked, "os" | "cpu" | "libc"> {
  const found = /(android|darwin|freebsd|linux|openharmony|win32|windows)-(\w+)(?:-(\w+))?$/.exec(name);
  const [system, processor, library] = found?.slice(1) ?? [];
  if (system === undefined || processor === undefined) {
    throw new Error(`${name}: expected a platform at the end of the name`);
  }
  const libc = library === undefined ? undefined : libraries[library];
  return {
    cpu: [processors[processor] ?? processor],
    ...(libc === undefined ? {} : { libc: [libc] }),
    os: [systems[system] ?? system],
  };
}

const added: string[] = [];
for (const locked of Object.values(lockfile.packages)) {
  for (const [dependency, version] of Object.entries(locked.optionalDependencies ?? {})) {
    const key = `node_modules/${dependency}`;
    if (key in lockfile.packages) continue;
    const { cpu, libc, os } = platformOf(dependency);
    lockfile.packages[key] = {
      version,
      ...(cpu && { cpu }),
      ...(locked.dev && { dev: true }),
      ...(libc && { libc }),
      optional: true,
      ...(os && { os }),
    };
    added.push(`${dependency}@${version}`);
  }
}

const packages = Object.fromEntries(Object.entries(lockfile.packages).toSorted(([a], [b]) => a.localeCompare(b, "en")));
writeFileSync(path, `${JSON.stringify({ ...lockfile, packages }, null, 2)}\n`);
console.log(added.length === 0 ? `${name} is complete` : `added to ${name}:\n${added.join("\n")}`);
