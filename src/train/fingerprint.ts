/**
 * Proof that training left the model alone: a checksum of every frozen tensor as it lies on the device, before and after.
 * The one trainer this project was made against changed all weights of a model and called it an adapter.
 */
import { deviceError, modelError } from "../core/errors.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { type Tensor, tensorBytes } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import { wantedTensors } from "../models/load.ts";
import type { CausalLM } from "../models/model.ts";
import { type ChecksumPiece, recordChecksums } from "../ops/checksum.ts";

/** What the frozen weights were at one moment. Plain data: it passes a worker boundary. */
export interface BaseFingerprint {
  /** Hub name of every frozen tensor → its checksum, 16 hexadecimal digits. */
  readonly tensors: ReadonlyMap<string, string>;
  /** Bytes that were read, each once. */
  readonly bytes: number;
}

interface NamedPiece extends ChecksumPiece {
  readonly name: string;
}

/**
 * Checksums of all weights, biases, embeddings and norms, with or without an adapter on the model: the adapter's own
 * factors are not among them. One program, one GPU→CPU wait. Throws ModelError when a tensor has no weights yet.
 */
export async function fingerprintBase(device: Device, model: CausalLM): Promise<BaseFingerprint> {
  const pieces = frozenPieces(model);
  const program = new Program();
  const reading = program.read(recordChecksums(program, pieces));
  await device.run(program);
  const bytes = await reading;
  const sums = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * pieces.length);
  // Each word counts with its place, so that not even weights of zero add up to nothing.
  if (sums.every((sum) => sum === 0)) {
    throw deviceError(
      "the checksums of the base are all zero: the GPU has computed nothing",
      "Reload the page, or start again; the graphics driver may need an update.",
      "device-lost",
    );
  }
  const lanes = new Map<string, [number, number]>();
  for (const [i, { name }] of pieces.entries()) {
    const [one, two] = lanes.get(name) ?? [0, 0];
    lanes.set(name, [(one + sums[2 * i]!) >>> 0, (two + sums[2 * i + 1]!) >>> 0]);
  }
  return {
    tensors: new Map([...lanes].map(([name, pair]) => [name, pair.map(hex).join("")])),
    bytes: pieces.reduce((sum, { tensor }) => sum + tensorBytes(tensor), 0),
  };
}

/** Names of the tensors whose bits differ, and of those that only one of the two has, in the model's order. */
export function changedTensors(before: BaseFingerprint, after: BaseFingerprint): string[] {
  const names = new Set([...before.tensors.keys(), ...after.tensors.keys()]);
  return [...names].filter((name) => before.tensors.get(name) !== after.tensors.get(name));
}

function frozenPieces(model: CausalLM): NamedPiece[] {
  return wantedTensors(model).flatMap(({ name, leaf, part }) => {
    const held = part === "bias" ? (leaf.kind === "linear" ? leaf.bias : null) : leaf.weight;
    if (!held) throw modelError(`${name} has no weights yet, so there is nothing to take a checksum of`);
    return isWeight(held) ? shardPieces(name, held) : [{ name, tensor: held, firstWord: 0 }];
  });
}

const isWeight = (held: Weight | Tensor): held is Weight => "shards" in held;

/** Shards in their places, so that the checksum does not depend on where a device's limits cut a matrix. */
function shardPieces(name: string, { shards }: Weight): NamedPiece[] {
  let firstWord = 0;
  return shards.map(({ tensor }) => {
    const piece = { name, tensor, firstWord };
    firstWord += tensorBytes(tensor) / 4;
    return piece;
  });
}

const hex = (word: number): string => word.toString(16).padStart(8, "0");
