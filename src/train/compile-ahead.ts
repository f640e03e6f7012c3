/** Kernels of a training step, compiled while the weights are still on their way. */
import type { Device } from "../gpu/device.ts";
import type { Command } from "../gpu/program.ts";
import type { CausalLM } from "../models/model.ts";
import { resolveConfig } from "./config.ts";
import { estimateUpdate } from "./estimate.ts";
import { modelFacts } from "./facts.ts";

/** No kernel depends on the length of a record, but few rows have kernels of their own. */
const LENGTHS = [{ tokens: 64, supervised: 32 }];

/** For a model whose weights have their places, of any kind of adapter and any length of records. */
export async function compileAhead(device: Device, model: CausalLM): Promise<void> {
  let all: readonly Command[] = [];
  const onCommands = (commands: readonly Command[]) => {
    all = commands;
  };
  const { element } = modelFacts(model);
  const train = resolveConfig({}, "compiling ahead");
  const input = { config: model.config, element, train, lengths: LENGTHS, recomputed: 0, limits: device.limits };
  await estimateUpdate({ ...input, onCommands });
  await device.prepare(all);
}
