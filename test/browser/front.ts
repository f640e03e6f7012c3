/**
 * A server before the site, so that a stand-in for the Hub lies on the page's own host: the page's policy lets nothing
 * else through. What is asked under /hub goes to the stand-in, with every cut of its connections; the rest to the site.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServedSite } from "./site.ts";

export const HUB_PATH = "/hub";

export async function frontOf(behind: ServedSite, hubEndpoint: string): Promise<ServedSite> {
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? "/";
    const toHub = path.startsWith(`${HUB_PATH}/`);
    const target = toHub ? `${hubEndpoint}${path.slice(HUB_PATH.length)}` : `${behind.origin}${path}`;
    pass(target, incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: (at) => `${origin}/${at.replace(/^\//, "")}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await behind.close();
    },
  };
}

function pass(target: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { host: _, ...headers } = incoming.headers;
  const cut = () => outgoing.destroy();
  const forward = request(target, { method: incoming.method, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.on("error", cut).on("aborted", cut);
    answer.pipe(outgoing);
  });
  forward.on("error", cut);
  outgoing.on("close", () => forward.destroy());
  incoming.pipe(forward);
}
