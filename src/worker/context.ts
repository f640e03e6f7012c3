/** What the engine's parts share. */
import type { WebGpuDevice } from "../gpu/webgpu.ts";
import type { EngineEvent } from "./protocol.ts";
import type { Store } from "./storage/store.ts";

export interface Context {
  readonly store: Store;
  /** Address of the folder the page lies in, with a slash at its end. */
  readonly base: string;
  /** The Hub, or a mirror of it. */
  readonly hub: string;
  /** Tells the page of every request as well. */
  readonly fetch: typeof fetch;
  openDevice(): Promise<WebGpuDevice>;
  /** Chooses the forms of its kernels. */
  tune(device: WebGpuDevice): Promise<void>;
  publish(event: EngineEvent): void;
}

/** A fetch that tells of every request: the person can read the list. */
export function toldFetch(publish: Context["publish"], ask: typeof fetch): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    try {
      const response = await ask(input, init);
      const length = response.headers.get("Content-Length");
      publish({ type: "request", url, bytes: length === null ? null : Number(length) });
      return response;
    } catch (error) {
      publish({ type: "request", url, bytes: null });
      throw error;
    }
  };
}
