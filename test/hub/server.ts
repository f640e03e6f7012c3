/** A Hub in miniature on localhost: one repository, ranges, and the faults a test asks for. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeHub {
  readonly endpoint: string;
  /** Every request so far, with its Range and Authorization headers. */
  readonly log: { url: string; range: string | undefined; authorization: string | undefined }[];
  /** Set by a test: answers a request itself and returns true, or leaves it. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  close(): Promise<void>;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** Serves `files` as "org/model" at COMMIT, under the branch "main". */
export async function startHub(files: Record<string, Uint8Array>): Promise<FakeHub> {
  const server = createServer((request, response) => {
    hub.log.push({ url: request.url!, range: request.headers.range, authorization: request.headers.authorization });
    if (hub.intercept(request, response)) return;
    answer(request, response, files);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hub: FakeHub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: [],
    intercept: () => false,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hub;
}

function answer(request: IncomingMessage, response: ServerResponse, files: Record<string, Uint8Array>): void {
  const url = new URL(request.url!, "http://hub");
  if (url.pathname === "/api/models/org/model/revision/main" && url.searchParams.get("blobs") === "true") {
    const siblings = Object.entries(files).map(([rfilename, bytes]) => ({ rfilename, size: bytes.length }));
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ id: "org/model", sha: COMMIT, siblings }));
    return;
  }
  const file = files[decodeURIComponent(url.pathname.replace(`/org/model/resolve/${COMMIT}/`, ""))];
  if (file === undefined) {
    response.writeHead(404).end("Entry not found");
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (range === null) response.end(file);
  else response.writeHead(206).end(file.subarray(Number(range[1]), Number(range[2]) + 1));
}
