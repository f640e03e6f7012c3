/**
 * A throw-away adapter on a model, and bare updates of it, made as training makes them: no schedule, no validation, no
 * guard, nothing kept. For the rate finder and `diagnose`, which want to see what an update does. Whatever was on the
 * model is put back at the end.
 */
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import { type AttachedLora, attachLora, detachAdapter, freeLora } from "../lora/attach.ts";
import type { CausalLM } from "../models/model.ts";
import { Adamw } from "../optim/adamw.ts";
import type { TrainConfig } from "./config.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { Blocks } from "./memory-parts.ts";
import { planFor } from "./memory-plan.ts";
import { planUpdates, type UpdatePlan } from "./schedule-plan.ts";
import { type SettledUpdate, Updates } from "./update.ts";

export interface TrialInput {
  readonly device: Device;
  readonly model: CausalLM;
  /** Its rate, schedule and length do not count. */
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  /** Memory of this machine, where there is an idea of it. */
  readonly budget?: MemoryBudget | undefined;
}

export class Trial {
  readonly lora: AttachedLora;
  readonly optimizer: Adamw;
  private readonly input: TrialInput;
  private readonly plan: UpdatePlan;
  private readonly updates: Updates;
  private readonly before: { putBack(): void };
  private step = 0;

  private constructor(input: TrialInput, lora: AttachedLora, before: { putBack(): void }, blocks: Blocks) {
    const { device, config, train } = input;
    this.input = input;
    this.plan = planUpdates(
      train.map(({ ids }) => ids.length),
      config,
    );
    this.before = before;
    this.lora = lora;
    this.optimizer = new Adamw(device, this.lora.parameters, this.lora.gradients!);
    this.updates = new Updates({ ...input, lora: this.lora, blocks }, this.optimizer);
  }

  /** Attaches a fresh adapter from the configuration's seed. Throws ModelError when a target matches nothing. */
  static async begin(input: TrialInput): Promise<Trial> {
    const { blocks } = await planFor(input, input.config, input.train, input.budget ?? null);
    const before = detachAdapter(input.model.tree);
    return new Trial(input, await attached(input, before), before, blocks);
  }

  /** The next update of the configuration's order, as training makes it, at this rate; its report is waited for. */
  async update(learningRate: number): Promise<SettledUpdate["event"]> {
    const { step, plan, updates } = this;
    this.step += 1;
    const { event } = await updates.settle(await updates.submit(step, plan.at(step), learningRate, NO_FACTORS));
    return event;
  }

  /** Takes the adapter off, frees it and its optimizer, and puts back what was on the model before. */
  free(): void {
    const { device, model } = this.input;
    detachAdapter(model.tree);
    this.updates.free();
    this.optimizer.free(device);
    freeLora(device, this.lora);
    this.before.putBack();
  }
}

const NO_FACTORS = { readFactors: false };

async function attached({ device, model, config }: TrialInput, before: { putBack(): void }): Promise<AttachedLora> {
  try {
    return await attachLora(model.tree, device, { ...config, trainable: true });
  } catch (error) {
    before.putBack();
    throw error;
  }
}
