/** What the guard costs: the same training with and without it, in turns, and the base's checksum beside a step. */
import { Random } from "../../core/random.ts";
import type { Device } from "../../gpu/device.ts";
import { attachLora, freeLora } from "../../lora/attach.ts";
import type { CausalLM } from "../../models/model.ts";
import { resolveConfig } from "../../train/config.ts";
import { fingerprintBase } from "../../train/fingerprint.ts";
import { Trainer } from "../../train/trainer.ts";
import { ROWS, randomExample, randomModel } from "./training-step.ts";

export interface HealthCost {
  /** Time of a step with the guard over that without it. */
  readonly ratio: number;
  readonly guardedSeconds: number;
  readonly plainSeconds: number;
  /** One checksum of all frozen weights; a run takes two. */
  readonly checksumSeconds: number;
}

/** Steps that are timed together: as many as from one snapshot to the next. */
const BLOCK = 8;
const BLOCKS = 2;
const WARM_UP = 2;

export async function benchHealthCost(device: Device, rounds: number): Promise<HealthCost> {
  const random = new Random(1);
  const model = randomModel(device, random);
  const examples = Array.from({ length: ROWS }, () => randomExample(random));
  const blocks: Record<"guarded" | "plain", number[]> = { guarded: [], plain: [] };
  for (let round = 0; round < rounds; round++) {
    // The order turns around, so that a machine that slows down favours neither.
    const order = round % 2 === 0 ? ([false, true] as const) : ([true, false] as const);
    for (const guard of order) {
      blocks[guard ? "guarded" : "plain"].push(...(await timeBlocks(device, model, examples, guard)));
    }
  }
  await device.idle();
  const start = performance.now();
  await fingerprintBase(device, model);
  const checksumSeconds = (performance.now() - start) / 1000;
  // What is added to the fastest block is the other programs' doing.
  const [guardedSeconds, plainSeconds] = [Math.min(...blocks.guarded) / BLOCK, Math.min(...blocks.plain) / BLOCK];
  return { ratio: guardedSeconds / plainSeconds, guardedSeconds, plainSeconds, checksumSeconds };
}

/** Seconds of each block of steps. */
async function timeBlocks(
  device: Device,
  model: CausalLM,
  train: readonly ReturnType<typeof randomExample>[],
  guard: boolean,
): Promise<number[]> {
  const steps = WARM_UP + BLOCKS * BLOCK;
  const knobs = { rank: 8, alpha: 16, batchSize: ROWS, steps, guard, warmup: 0, saveEvery: 0, stepsPerEval: 0 };
  const config = resolveConfig(knobs, "bench");
  const lora = await attachLora(model.tree, device, { ...config, trainable: true });
  const trainer = new Trainer({
    device,
    model,
    lora,
    config,
    train,
    valid: [],
    blocks: { recomputed: 0, all: model.config.num_hidden_layers },
    gate: () => null,
  });
  const seconds: number[] = [];
  try {
    for await (const event of trainer.run()) if (event.type === "step") seconds.push(event.seconds);
  } finally {
    trainer.free();
    freeLora(device, lora);
  }
  const timed = seconds.slice(WARM_UP);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return Array.from({ length: BLOCKS }, (_, i) => sum(timed.slice(i * BLOCK, (i + 1) * BLOCK)));
}
