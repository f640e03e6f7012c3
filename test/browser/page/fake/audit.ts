/** An invented audit of an adapter, with a layer that changes nothing and one that stands far out. */
import type { AdapterAudit } from "../../../../src/worker/protocol.ts";

const MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

const MARKED: Readonly<Record<string, Partial<AdapterAudit["factors"][number]>>> = {
  "model.layers.1.mlp.up_proj": { norm_delta: 0, zero: true, norm_B: 0, singular_values: [0], effective_rank: 0 },
  "model.layers.2.self_attn.v_proj": { norm_delta: 0.9, outlier: true, robust_z: 7.2, effective_rank: 1.2 },
};

export const AUDIT: AdapterAudit = {
  ...{ rank: 8, alpha: 16, scale: 2, layers: 28, tensors: 56, parameters: 294_912, finite: true, zero: false },
  factors: [0, 1, 2, 3].flatMap((block) =>
    MODULES.map((module, i) => ({
      module: `model.layers.${block}.${i < 4 ? "self_attn" : "mlp"}.${module}`,
      ...{ in_features: 256, out_features: 256, rank: 8, parameters: 4096, finite: true, zero: false },
      ...{ norm_A: 1, norm_B: 1, norm_delta: 0.05 + 0.07 * block + 0.011 * ((i * 5) % 7) },
      ...{
        singular_values: [0.04, 0.02],
        spectral_norm: 0.04,
        effective_rank: 1.9 + block,
        robust_z: null,
        outlier: false,
      },
      ...MARKED[`model.layers.${block}.${i < 4 ? "self_attn" : "mlp"}.${module}`],
    })),
  ),
};
