/** The built-in model, which lies beside the page under demo/. Each file is fetched once. */
import { type ByteSource, type ModelSource, memorySource } from "../../core/bytes.ts";
import { getBytes } from "../../hub/http.ts";
import type { TransferMeter } from "../../hub/transfer.ts";

export interface DemoOptions {
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
  readonly meter?: TransferMeter;
}

const LABEL = "Built-in demo";
const FILES = [
  "config.json",
  "generation_config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
] as const;

/** @param base absolute address of the folder the page lies in, with or without a slash at its end. */
export function demoSource(base: string, { fetch: ask, signal, meter }: DemoOptions = {}): ModelSource {
  const folder = new URL("demo/", base.endsWith("/") ? base : `${base}/`);
  const opened = new Map<string, Promise<ByteSource>>();
  const fetchFile = async (path: string) => {
    const bytes = await getBytes(new URL(path, folder).href, `${LABEL}/${path}`, {
      fetch: ask ?? ((input, init) => fetch(input, init)),
      ...(signal === undefined ? {} : { signal }),
      ...(meter === undefined ? {} : { meter }),
      attempts: 3,
      retryDelayMs: 500,
      stallMs: 60_000,
    });
    return memorySource(`${LABEL}/${path}`, bytes);
  };
  return {
    label: LABEL,
    async list() {
      return [...FILES];
    },
    async open(path) {
      if (!FILES.some((file) => file === path)) return null;
      const file = opened.get(path) ?? fetchFile(path);
      opened.set(path, file);
      return file.catch((error) => {
        opened.delete(path); // the next call tries again
        throw error;
      });
    },
  };
}
