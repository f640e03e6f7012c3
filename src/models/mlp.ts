/** The gated MLP of a decoder block. */
import type { Tape } from "../autograd/tape.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Linear, linear, project } from "../nn/linear.ts";
import { glu } from "../ops/glu.ts";
import type { Family } from "./decoder.ts";

export type Mlp = { gate_proj?: Linear; up_proj?: Linear; gate_up_proj?: Linear; down_proj: Linear };

export function mlpModules(config: ModelConfig, { biases: { mlp: bias }, fused }: Family): Mlp {
  const { hidden_size: C, intermediate_size: F } = config;
  const one = () => linear(C, F, { bias, group: "gate_up" });
  const projections = fused
    ? { gate_up_proj: linear(C, 2 * F, { bias, parts: [F, F] }) }
    : { gate_proj: one(), up_proj: one() };
  return { ...projections, down_proj: linear(F, C, { bias }) };
}

/** x [N, C] → activation(gate(x)) · up(x), [N, F]; down_proj is the caller's. */
export function feed(tape: Tape, { gate_up_proj, gate_proj, up_proj }: Mlp, x: Tensor, config: ModelConfig): Tensor {
  const [gate, up] = project(tape, gate_up_proj ? [gate_up_proj] : [gate_proj!, up_proj!], x);
  const activation = config.hidden_act === "silu" ? "silu" : "gelu_tanh";
  return tape.apply(glu, [gate!, up!], { activation })[0]!;
}
