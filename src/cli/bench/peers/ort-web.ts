/**
 * The web build of ONNX Runtime in Node, on Dawn: it computes as in a browser, with WebGPU found at `navigator.gpu`. Three
 * things are missing there and are added: its files from disk, writes from its shared heap, and naps while it waits.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { InferenceSession } from "onnxruntime-web/webgpu";
import { loadPackages } from "./library.ts";
import { Patience, withNap } from "./patience.ts";

export type Ort = typeof import("onnxruntime-web/webgpu");

/** The build with WebGPU inside, as transformers.js takes it. */
const BUILD = "ort-wasm-simd-threaded.asyncify";

/** Throws ConfigError where it is not installed. */
export async function loadOrt(): Promise<Ort> {
  const ort = await loadPackages(["onnxruntime-web"], () => import("onnxruntime-web/webgpu"));
  const folder = path.dirname(createRequire(import.meta.url).resolve("onnxruntime-web/webgpu"));
  const { wasm } = ort.env;
  // All heavy work is the GPU's.
  wasm.numThreads = 1;
  wasm.wasmBinary ??= await readFile(path.join(folder, `${BUILD}.wasm`));
  wasm.wasmPaths = { mjs: pathToFileURL(path.join(folder, `${BUILD}.mjs`)).href };
  return ort;
}

/** What transformers.js sees of it: sessions are opened by the path of a file, as of a runtime for Node. */
export function ortForNode(ort: Ort): object {
  const create = async (file: string, options: InferenceSession.SessionOptions) =>
    napping(await ort.InferenceSession.create(await readFile(file), options), ort);
  return { ...ort, InferenceSession: { create } };
}

/** On a software adapter a session sleeps through most of each token's time, as the engine does. */
function napping(session: InferenceSession, ort: Ort): InferenceSession {
  const patience = new Patience();
  const run = session.run.bind(session) as (feeds: InferenceSession.FeedsType) => Promise<InferenceSession.ReturnType>;
  const napped = async (feeds: InferenceSession.FeedsType) => {
    const device = await ort.env.webgpu.device;
    // The prompt takes another time than a token.
    const single = feeds.input_ids?.dims[1] === 1;
    if (!single || !(device as GPUDevice).adapterInfo.isFallbackAdapter) return run(feeds);
    const start = performance.now();
    const results = await withNap(patience.nap, () => run(feeds));
    patience.learn((performance.now() - start) / 1000);
    return results;
  };
  return Object.assign(session, { run: napped });
}

/** Dawn's binding for Node refuses to write from shared memory, where the heap lies. Returns what takes this back. */
export function copySharedWrites(): () => void {
  const { writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...range) {
    const shared = ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer;
    const copied = shared ? new Uint8Array(data as Uint8Array) : data;
    return writeBuffer.call(this, buffer, offset, copied as GPUAllowSharedBufferSource, ...range);
  };
  return () => Object.assign(GPUQueue.prototype, { writeBuffer });
}
