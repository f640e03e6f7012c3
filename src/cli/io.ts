/** What a command has of the world outside: two streams, a GPU, and Ctrl-C. Tests bring their own. */
import type { WebGpuDevice } from "../gpu/webgpu.ts";
import type { Output } from "./progress.ts";

export interface Io {
  /** Results: what a pipe should get. */
  readonly out: Output;
  /** Errors and passing remarks. */
  readonly err: Output;
  openDevice(): Promise<WebGpuDevice>;
  /** Calls `stop` at the first Ctrl-C (or SIGTERM); the second ends the process at once. Returns how to undo that. */
  onInterrupt(stop: () => void): () => void;
  /** Gives back what was opened. */
  close(): void;
}

/** Exit status of a program that was interrupted. */
export const INTERRUPTED = 130;

/** The process's own streams, adapter and signals. */
export function processIo(): Io {
  let device: WebGpuDevice | undefined;
  // A reader that has seen enough (`lorikeet inspect … | head`) is no failure.
  process.stdout.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return {
    out: process.stdout,
    err: process.stderr,
    async openDevice() {
      // Only now: commands without a GPU also run where Dawn cannot be loaded.
      device ??= await (await import("./node/gpu.ts")).openTuned();
      return device;
    },
    onInterrupt(stop) {
      let asked = false;
      const handle = () => {
        if (asked) process.exit(INTERRUPTED);
        asked = true;
        stop();
      };
      process.on("SIGINT", handle);
      process.on("SIGTERM", handle);
      return () => {
        process.off("SIGINT", handle);
        process.off("SIGTERM", handle);
      };
    },
    close: () => device?.destroy(),
  };
}
