/**
 * A throw-away adapter on a model, and bare updates of it: no schedule, no validation, no guard, nothing kept. For the
 * rate finder and `diagnose`, which want to see what an update does. Whatever was on the model is put back at the end.
 */
import { layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { type AttachedLora, attachLora, detachAdapter, freeLora } from "../lora/attach.ts";
import type { CausalLM } from "../models/model.ts";
import { Adamw, type UpdateReport } from "../optim/adamw.ts";
import type { TrainConfig } from "./config.ts";
import { sum } from "./evaluate.ts";
import { modelFacts } from "./facts.ts";
import { longestBatch, planMemory } from "./memory-plan.ts";
import { planUpdates, type UpdatePlan } from "./schedule-plan.ts";
import { recordMicroBatch } from "./step.ts";
import { positionsNeeded } from "./token-batch.ts";

export interface TrialInput {
  readonly device: Device;
  readonly model: CausalLM;
  /** Its rate, schedule and length do not count. */
  readonly config: TrainConfig;
  readonly train: readonly Example[];
}

export interface TrialUpdate {
  /** Mean over the supervised tokens, before the update; natural log. */
  readonly loss: number;
  /** Global norm before clipping. */
  readonly gradNorm: number;
  /** False when loss or gradient were not finite. */
  readonly finite: boolean;
}

export class Trial {
  readonly lora: AttachedLora;
  readonly optimizer: Adamw;
  private readonly input: TrialInput;
  private readonly plan: UpdatePlan;
  private readonly checkpointing: boolean;
  private readonly before: { putBack(): void };
  private step = 0;

  private constructor(input: TrialInput, checkpointing: boolean) {
    const { device, model, config, train } = input;
    this.input = input;
    this.checkpointing = checkpointing;
    this.plan = planUpdates(
      train.map(({ ids }) => ids.length),
      config,
    );
    this.before = detachAdapter(model.tree);
    this.lora = attached(input, this.before);
    this.optimizer = new Adamw(device, this.lora.parameters, this.lora.gradients!);
  }

  /** Attaches a fresh adapter from the configuration's seed. Throws ModelError when a target matches nothing. */
  static async begin(input: TrialInput): Promise<Trial> {
    return new Trial(input, await wantsCheckpointing(input));
  }

  /** The next update of the configuration's order, at this rate; its report is waited for. */
  async update(learningRate: number): Promise<TrialUpdate> {
    const { device, model, config, train } = this.input;
    const { lora, step, checkpointing } = this;
    const batches = this.plan.at(step).microBatches.map((indices) => layFlat(indices.map((i) => train[i]!)));
    const updateTokens = batches.reduce((count, { rows }) => count + rows.length, 0);
    const losses: Promise<Float32Array>[] = [];
    let report: Promise<UpdateReport> | null = null;
    for (const [i, batch] of batches.entries()) {
      model.rope.ensure(device, positionsNeeded(batch.positions));
      lora.dropoutSeed = Math.imul(config.seed + 1, 0x85ebca6b) + step * batches.length + i;
      const program = new Program();
      if (i === 0) program.clear(lora.gradients!);
      losses.push(program.readFloats(recordMicroBatch(program, model, batch, { updateTokens, checkpointing })));
      if (i === batches.length - 1) report = this.optimizer.record(program, { ...config, learningRate });
      await device.run(program);
    }
    this.step += 1;
    const nll = (await Promise.all(losses)).reduce((total, values) => total + sum(values), 0);
    const { gradNorm, finite } = (await report)!;
    const loss = nll / updateTokens;
    return { loss, gradNorm, finite: finite && Number.isFinite(loss) };
  }

  /** Takes the adapter off, frees it and its optimizer, and puts back what was on the model before. */
  free(): void {
    const { device, model } = this.input;
    detachAdapter(model.tree);
    this.optimizer.free(device);
    freeLora(device, this.lora);
    this.before.putBack();
  }
}

function attached({ device, model, config }: TrialInput, before: { putBack(): void }): AttachedLora {
  try {
    return attachLora(model.tree, device, { ...config, trainable: true });
  } catch (error) {
    before.putBack();
    throw error;
  }
}

async function wantsCheckpointing({ device, model, config, train }: TrialInput): Promise<boolean> {
  if (config.checkpointing !== "auto") return config.checkpointing === "on";
  const lengths = train.map(({ ids, supervised }) => ({ tokens: ids.length, supervised }));
  const { checkpointing } = await planMemory({
    config: model.config,
    element: modelFacts(model).element,
    train: config,
    lengths: longestBatch(lengths, config),
    limits: device.limits,
  });
  return checkpointing;
}
