/** All logits of a batch, for the `logits` command, for verification and for tests: rows in chunks, never in training. */
import type { Batch } from "../data/batches.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { alignUp, sliceRows } from "../gpu/tensor.ts";
import { type CausalLM, headWeight } from "../models/model.ts";
import { allColumns, recordNt } from "../ops/matmul.ts";
import { newTape } from "./step.ts";
import { positionsNeeded, uploadTokens } from "./token-batch.ts";

/** Rows start on multiples of 64, so that slices are bindable. */
const CHUNK_ROWS = 64;

/** Each z becomes c·tanh(z/c), in place; c = 0 leaves them. What a head's product gives is not yet what its model says. */
export function capLogits(logits: Float32Array, softcap: number): Float32Array {
  if (softcap === 0) return logits;
  for (let i = 0; i < logits.length; i++) logits[i] = softcap * Math.tanh(logits[i]! / softcap);
  return logits;
}

/** f32 [N, V], row by row, soft-capped where the model is. A GPU→CPU wait. */
export async function computeLogits(
  device: Device,
  model: CausalLM,
  batch: Pick<Batch, "input_ids" | "positions" | "starts">,
): Promise<Float32Array> {
  const vocabulary = model.config.vocab_size;
  const stride = alignUp(vocabulary, 4);
  const count = batch.input_ids.length;
  model.rope.ensure(device, positionsNeeded(batch.positions));
  const program = new Program();
  const hidden = model.forward(newTape(program, "off"), uploadTokens(program, batch, model.config.sliding_window));
  const chunks: Promise<Float32Array>[] = [];
  for (let begin = 0; begin < count; begin += CHUNK_ROWS) {
    const rows = Math.min(CHUNK_ROWS, count - begin);
    const logits = program.tensor([rows, stride], "logits");
    recordNt(program, allColumns(sliceRows(hidden, begin, rows)), rows, headWeight(model), allColumns(logits));
    chunks.push(program.readFloats(logits));
  }
  await device.run(program);
  const out = new Float32Array(count * vocabulary);
  let at = 0;
  for (const chunk of await Promise.all(chunks)) {
    for (let row = 0; row * stride < chunk.length; row++, at += vocabulary) {
      out.set(chunk.subarray(row * stride, row * stride + vocabulary), at);
    }
  }
  return capLogits(out, model.finalSoftcap);
}
