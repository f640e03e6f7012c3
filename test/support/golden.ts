/** The project's own oracle data: tiny random models run through transformers and peft (test/fixtures/README.md). */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folderSource } from "../../src/cli/node/folder.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import type { Batch } from "../../src/data/batches.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));

export const fixturePath = (path: string): string => `${fixtures}${path}`;
export const fixtureFolder = (path: string) => folderSource(fixturePath(path));
export const fixtureJson = (path: string) => JSON.parse(readFileSync(fixturePath(path), "utf8"));

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Every tensor of a fixture file as f32 (or exact small integers). */
export async function fixtureTensors(path: string): Promise<Map<string, NamedTensor>> {
  const file = await openSafetensors(memorySource(path, readFileSync(fixturePath(path))));
  const entries = await Promise.all(
    [...file.tensors.values()].map(async (info) => {
      const values = toFloat32(await file.read(info), info.dtype);
      return [info.name, { shape: info.shape, values }] as const;
    }),
  );
  return new Map(entries);
}

export interface PaddedBatch {
  readonly ids: Int32Array;
  readonly mask: Int32Array;
  readonly labels: Int32Array;
  readonly rows: number;
  readonly width: number;
}

/** `main`, `train` (batch `index` of 4), … of inputs.safetensors. */
export function paddedBatch(inputs: Map<string, NamedTensor>, name: string, index = 0): PaddedBatch {
  const pick = (part: string) => {
    const tensor = inputs.get(`${name}.${part}`)!;
    const [rows, width] = tensor.shape.slice(-2) as [number, number];
    return {
      rows,
      width,
      values: Int32Array.from(tensor.values).subarray(index * rows * width, (index + 1) * rows * width),
    };
  };
  const { rows, width, values: ids } = pick("input_ids");
  return { ids, mask: pick("attention_mask").values, labels: pick("labels").values, rows, width };
}

/** Right-padded rows → our flat batch; `only` keeps some rows. Written apart from src/data, as a second opinion. */
export function flatten(padded: PaddedBatch, only?: readonly number[]): Batch {
  const flat = { ids: [] as number[], positions: [] as number[], starts: [] as number[], labels: [] as number[] };
  for (let row = 0; row < padded.rows; row++) {
    if (only && !only.includes(row)) continue;
    const start = flat.ids.length;
    for (let column = 0; column < padded.width; column++) {
      const at = row * padded.width + column;
      if (padded.mask[at] !== 1) continue;
      flat.ids.push(padded.ids[at]!);
      flat.positions.push(column);
      flat.starts.push(start);
      flat.labels.push(padded.labels[at]!);
    }
  }
  const rows: number[] = [];
  const targets: number[] = [];
  for (let token = 0; token + 1 < flat.ids.length; token++) {
    if (flat.starts[token] !== flat.starts[token + 1] || flat.labels[token + 1]! < 0) continue;
    rows.push(token);
    targets.push(flat.labels[token + 1]!);
  }
  return {
    input_ids: Uint32Array.from(flat.ids),
    positions: Uint32Array.from(flat.positions),
    starts: Uint32Array.from(flat.starts),
    labels: Int32Array.from(flat.labels),
    rows: Uint32Array.from(rows),
    targets: Uint32Array.from(targets),
    examples: [],
  };
}

/** The rows of a padded [rows, width, V] tensor where the mask is 1, laid flat. */
export function unpadRows(tensor: NamedTensor, padded: PaddedBatch): Float32Array {
  const columns = tensor.shape.at(-1)!;
  const kept = [...padded.mask.keys()].filter((at) => padded.mask[at] === 1);
  const out = new Float32Array(kept.length * columns);
  for (const [row, at] of kept.entries())
    out.set(tensor.values.subarray(at * columns, (at + 1) * columns), row * columns);
  return out;
}
