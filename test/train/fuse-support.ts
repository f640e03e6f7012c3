/** Fusing into a folder in memory whose writer may be faulty: what a test wraps, production code knows nothing of. */
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { openSafetensors, type TensorData, writeSafetensors } from "../../src/formats/safetensors.ts";
import { type AdapterFactor, transpose } from "../../src/lora/adapter.ts";
import { type FuseRequest, type FuseResult, type FuseStore, fuseAndProve } from "../../src/train/fuse/fuse.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { fixtureAdapter } from "./support.ts";

/** What a fault makes of a file; null: the file is not written. */
export type Fault = (path: string, bytes: Uint8Array) => Promise<Uint8Array | null> | Uint8Array | null;

/** A folder in memory whose writer may be faulty. */
export function store(fault: Fault = (_, bytes) => bytes): FuseStore & { readonly files: Map<string, Uint8Array> } {
  const files = new Map<string, Uint8Array>();
  return {
    files,
    get written() {
      return memoryModel(
        "fused",
        [...files].map(([path, bytes]) => ({ path, bytes })),
      );
    },
    async write(path, chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(new Uint8Array(chunk));
      const written = await fault(path, new Uint8Array(Buffer.concat(parts)));
      if (written) files.set(path, written);
    },
  };
}

/** A fault in the tensors of model.safetensors. */
export const inTensors =
  (change: (tensors: TensorData[]) => TensorData[]): Fault =>
  async (path, bytes) => {
    if (path !== "model.safetensors") return bytes;
    const file = await openSafetensors(memorySource(path, bytes));
    const tensors: TensorData[] = [];
    for (const info of file.tensors.values()) {
      const { name, dtype, shape } = info;
      tensors.push({ name, dtype, shape, bytes: await file.read(info) });
    }
    return writeSafetensors(change(tensors), file.metadata);
  };

/** A fault in one tensor's bytes. */
export const inTensor = (wanted: string, change: (bytes: Uint8Array) => Uint8Array): Fault =>
  inTensors((tensors) =>
    tensors.map((tensor) => (tensor.name === wanted ? { ...tensor, bytes: change(tensor.bytes) } : tensor)),
  );

export interface Fused extends FuseResult {
  readonly target: ReturnType<typeof store>;
  /** "name: evidence" of every check that did not pass. */
  readonly failed: readonly string[];
}

/** The tiny llama with its random adapter, unless `changes` says otherwise. */
export async function fuseWith(fault?: Fault, changes: Partial<FuseRequest> = {}): Promise<Fused> {
  const target = store(fault);
  const request = {
    device: await testDevice(),
    source: fixtureFolder("llama"),
    adapter: await fixtureAdapter("random"),
  };
  const result = await fuseAndProve({ ...request, ...changes }, target);
  const failed = result.checks.filter(({ passed }) => !passed).map(({ name, evidence }) => `${name}: ${evidence}`);
  return { ...result, target, failed };
}

/** A square layer's weight [64, 64]. */
export const SQUARE = "model.layers.0.self_attn.q_proj.weight";

/** The factor whose product is the transposed one: A and B the wrong way round, on a square layer of the right shapes. */
export const turned = (factor: AdapterFactor): AdapterFactor => ({
  ...factor,
  A: transpose(factor.B, factor.out_features, factor.rank),
  B: transpose(factor.A, factor.rank, factor.in_features),
});
