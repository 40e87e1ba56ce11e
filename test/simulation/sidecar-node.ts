import { createSidecar } from "../../sidecar/src/sidecar.ts";
import type { Disk } from "./disk.ts";
import { createNodeLogger } from "./logger.ts";
import type { Serve } from "./network.ts";
import { createNode, type Ground, type Node, type Program } from "./node.ts";

/** A sidecar's program, which answers in process too. */
export type SidecarProgram = Program & { readonly serve: Serve };

/** A host with a sidecar. */
export type SidecarNode = Node<SidecarProgram>;

/** Makes a sidecar's host. Without a directory it keeps nothing from one run to the next. */
export function createSidecarNode(
  ground: Ground,
  host: string,
  options: {
    readonly origins: readonly string[];
    readonly directory: string | null;
    readonly disk: Disk | null;
    /** Called with everything that the program logs. */
    readonly onSaid: (message: string) => void;
  },
): SidecarNode {
  const { origins, directory, disk, onSaid } = options;
  const logger = createNodeLogger(host, ground.trace, ground.fatal, onSaid);
  return createNode(ground, host, {
    disk,
    async launch({ clock, random, joined, run }) {
      const { fetch } = joined;
      const sidecar = await createSidecar({
        origins,
        instance: `${host}-${run}`,
        name: host,
        directory,
        fetch,
        clock,
        random: random.next,
        logger,
      });
      return { serve: (request) => sidecar.app.fetch(request), close: () => sidecar.close() };
    },
  });
}
