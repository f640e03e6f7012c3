/** A Hub in miniature on localhost: one repository, ranges, and the faults a test asks for. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeHub {
  readonly endpoint: string;
  /** Every request so far, with its Range and Authorization headers. */
  readonly log: { url: string; range: string | undefined; authorization: string | undefined }[];
  /** Set by a test: answers a request itself and returns true, or leaves it. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Set by a test: the next requests for files are broken, one each, in the middle of the body. */
  readonly faults: Fault[];
  /** Body bytes of files handed to the network, broken answers included. */
  sent: number;
  close(): Promise<void>;
}

export interface Fault {
  /** Bytes of the answer that still go out. */
  readonly after: number;
  /** cut: the connection is destroyed; stall: nothing more comes. */
  readonly how: "cut" | "stall";
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** Serves `files` as "org/model" at COMMIT, under the branch "main". */
export async function startHub(files: Record<string, Uint8Array>): Promise<FakeHub> {
  const server = createServer((request, response) => {
    hub.log.push({ url: request.url!, range: request.headers.range, authorization: request.headers.authorization });
    if (hub.intercept(request, response)) return;
    answer(request, response, files, hub);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hub: FakeHub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: [],
    intercept: () => false,
    faults: [],
    sent: 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return hub;
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: Record<string, Uint8Array>,
  hub: FakeHub,
): void {
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
  if (range !== null) response.statusCode = 206;
  const body = range === null ? file : file.subarray(Number(range[1]), Number(range[2]) + 1);
  response.setHeader("Content-Length", body.length);
  const fault = hub.faults.shift();
  const part = body.subarray(0, fault?.after ?? body.length);
  hub.sent += part.length;
  if (fault === undefined) response.end(body);
  else response.write(part, () => fault.how === "cut" && response.destroy());
}
