import { defineConfig, type OxlintConfig } from "oxlint";

type Rules = NonNullable<OxlintConfig["rules"]>;
type Pattern = { group: string[]; message: string; importNames?: string[] };
type Path = { name: string; message: string; allowImportNames: string[] };
type Restricted = { name: string; message: string };

// A later override replaces an earlier rule whole, so each folder spells out everything that it may not import.
const imports = (...patterns: Pattern[]): Rules => ({ "eslint/no-restricted-imports": ["error", { patterns }] });
const pureImports = (pattern: Pattern, ...paths: Path[]): Rules => ({
  "eslint/no-restricted-imports": ["error", { patterns: [pattern], paths }],
});
const globals = (...restricted: Restricted[]): Rules => ({
  "eslint/no-restricted-globals": ["error", { globals: restricted, checkGlobalObject: true }],
});
const upward = (names: string[], message: string): Pattern => ({
  group: names.flatMap((name) => [`@sluice/${name}`, `@sluice/${name}/*`]),
  message: `Imports go down only: ${message}`,
});

const aboveReplica = upward(["sdk", "admin", "cli", "sidecar"], "replica -> core.");
const aboveSdk = upward(["admin", "cli", "sidecar"], "sdk -> replica -> core, never admin.");
const aboveAdmin = upward(["replica", "sdk", "cli", "sidecar"], "admin -> core.");
const aboveCli = upward(["replica", "sdk"], "cli -> admin -> core, and the sidecar in order to start it.");
const aboveSidecar = upward(["sdk", "admin", "cli"], "sidecar -> replica -> core, never sdk or cli.");

const hono: Pattern = {
  group: ["hono", "hono/*", "@hono/*"],
  message: "hono stands in sidecar/src app.ts, listen.ts, routes/ and followers, and in packages/sdk/src/hono.ts.",
};
const undici: Pattern = {
  group: ["undici", "undici/*"],
  message: "undici stands behind the injected fetch: packages/replica/src/transport.ts builds it.",
};
const timers: Pattern = {
  group: ["node:timers", "node:timers/*"],
  message: "Time is an argument: take a Clock.",
};
const randomness: Pattern = {
  group: ["node:crypto"],
  importNames: ["randomBytes", "randomFill", "randomFillSync", "randomInt", "randomUUID", "webcrypto"],
  message: "Randomness is an argument: random.ts and the composition root make it.",
};
const coreOnly = pureImports(
  {
    group: ["*", "!./**", "!../**", "!zod", "!node:crypto", "!node:zlib"],
    message: "core is pure: it imports zod and the pure functions of node:crypto and node:zlib.",
  },
  {
    name: "node:crypto",
    allowImportNames: ["createHash", "createHmac", "hash", "timingSafeEqual", "Hash"],
    message: "core is pure: of node:crypto it may use what hashes.",
  },
  { name: "node:zlib", allowImportNames: ["crc32"], message: "core is pure: of node:zlib it may use crc32." },
);

const take =
  (message: string) =>
  (name: string): Restricted => ({ name, message });
const sleeps = ["setTimeout", "setInterval", "setImmediate"].map(take("Time is an argument: take a Clock."));
const ambient = [
  ...sleeps,
  ...["performance", "clearTimeout", "clearInterval", "clearImmediate"].map(take("Time is an argument: take a Clock.")),
  ...["fetch", "WebSocket", "EventSource"].map(take("The network is an argument: take a fetch.")),
  take("Randomness is an argument.")("crypto"),
];
const pureArguments: Rules = {
  ...globals(...ambient),
  "eslint/no-restricted-properties": [
    "error",
    { object: "Math", property: "random", message: "Randomness is an argument." },
    // `new Date(at)` only writes down a time that was given; test/architecture refuses `new Date()`.
    { object: "Date", property: "now", message: "Time is an argument: take a Clock." },
    { object: "AbortSignal", property: "timeout", message: "Time is an argument: take a Clock." },
  ],
};
const unrestricted: Rules = {
  "eslint/no-restricted-globals": "off",
  "eslint/no-restricted-properties": "off",
};

const config: OxlintConfig = defineConfig({
  plugins: ["eslint", "typescript", "import", "unicorn", "oxc", "promise", "vitest"],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  categories: { correctness: "error", suspicious: "error" },
  ignorePatterns: ["**/dist/**", "**/.tsc/**"],
  rules: {
    "eslint/eqeqeq": "error",
    "eslint/max-lines": ["error", { max: 400 }],
    "eslint/no-console": "error",
    "eslint/no-empty": "error",
    "eslint/no-shadow": "off",
    "eslint/no-underscore-dangle": "off",
    "eslint/no-var": "error",
    "eslint/prefer-const": "error",
    "import/no-cycle": "error",
    "import/no-default-export": "error",
    // fast-check is used as `fc.…`, as its own documentation does.
    "import/no-named-as-default": "off",
    "import/no-named-as-default-member": "off",
    "import/no-unassigned-import": "off",
    "typescript/ban-ts-comment": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    // Brands and narrowed JSON need assertions; `any` on the way to one is refused above.
    "typescript/no-unsafe-type-assertion": "off",
    "typescript/only-throw-error": "error",
    "typescript/switch-exhaustiveness-check": "error",
    // An array just made may be sorted in place.
    "unicorn/no-array-sort": "off",
    // A property's body often expects by case.
    "vitest/no-conditional-expect": "off",
    "unicorn/filename-case": ["error", { case: "kebabCase" }],
    // `await` in sequence is often the point: one batch in flight.
    "eslint/no-await-in-loop": "off",
    ...imports(hono, undici),
  },
  overrides: [
    { files: ["packages/core/src/**"], rules: { ...coreOnly, ...pureArguments } },
    {
      files: ["packages/replica/src/**"],
      rules: { ...imports(aboveReplica, hono, undici, timers, randomness), ...pureArguments },
    },
    {
      files: ["packages/sdk/src/**"],
      rules: { ...imports(aboveSdk, hono, undici, timers, randomness), ...pureArguments },
    },
    {
      files: ["packages/admin/src/**"],
      rules: { ...imports(aboveAdmin, hono, undici, timers, randomness), ...pureArguments },
    },
    {
      files: ["packages/cli/src/**"],
      rules: { ...imports(aboveCli, hono, undici), "eslint/no-console": "off" },
    },
    {
      files: ["sidecar/src/**"],
      rules: { ...imports(aboveSidecar, hono, undici, timers, randomness), ...pureArguments },
    },
    { files: [".ci/**"], rules: { "eslint/no-console": "off" } },
    {
      // The bench runs by the machine's own clock, beside libraries that the product does not use.
      files: ["bench/**"],
      rules: { ...unrestricted, "eslint/no-restricted-imports": "off" },
    },
    { files: ["examples/**"], rules: { ...imports(undici), "eslint/no-console": "off" } },

    // Where a restricted thing is at home.
    { files: ["**/clock.ts", "**/system-clock.ts", "**/virtual-clock.ts", "**/random.ts"], rules: unrestricted },
    { files: ["packages/{replica,sdk}/src/random.ts", "sidecar/src/random.ts"], rules: imports(hono, undici, timers) },
    { files: ["packages/replica/src/transport.ts"], rules: imports(aboveReplica, hono, timers, randomness) },
    { files: ["packages/sdk/src/hono.ts"], rules: imports(aboveSdk, undici, timers, randomness) },
    {
      files: [
        "sidecar/src/app.ts",
        "sidecar/src/listen.ts",
        "sidecar/src/routes/**",
        "sidecar/src/followers.ts",
        "sidecar/src/followers/**",
      ],
      rules: imports(aboveSidecar, undici, timers, randomness),
    },
    {
      files: ["sidecar/src/{main,follower,listen}.ts"],
      rules: { ...imports(aboveSidecar, undici), ...unrestricted },
    },

    // Tests may build servers and look at what they own, but they never sleep.
    {
      files: ["**/*.test.ts", "**/*.testing.ts"],
      rules: { ...imports(timers), ...globals(...sleeps), "eslint/no-restricted-properties": "off" },
    },
    { files: ["**/clock.test.ts", "**/system-clock.test.ts"], rules: unrestricted },
    { files: ["test/**"], rules: { ...unrestricted, "eslint/no-restricted-imports": "off" } },
    {
      // Everything in a world is a closure without `this`, and its promises are steps that the world itself waits for.
      files: ["test/simulation/**"],
      rules: {
        "typescript/unbound-method": "off",
        "typescript/only-throw-error": "off",
        "unicorn/consistent-function-scoping": "off",
        "promise/always-return": "off",
        "promise/no-callback-in-promise": "off",
        "eslint/no-unmodified-loop-condition": "off",
      },
    },
    {
      files: ["*.config.{ts,mjs}"],
      rules: { "import/no-default-export": "off", "eslint/no-restricted-imports": "off" },
    },
  ],
});

export default config;
