/** `lorikeet inspect`: what is in an adapter, layer by layer, as table, picture and JSON. Needs no GPU and no model. */

import { formatCount, formatNumber, formatSetting } from "../../core/units.ts";
import { type Adapter, scaleOf } from "../../lora/adapter.ts";
import { type AdapterAudit, auditAdapter, type FactorAudit } from "../../lora/audit.ts";
import { uniformAdapter } from "../../lora/uniform.ts";
import { formatTable } from "../format.ts";
import { layerPicture } from "../layer-picture.ts";
import { readAdapter } from "../node/adapter-place.ts";
import { ADAPTER_PLACE, JSON_OUTPUT } from "./flags.ts";
import { runnable } from "./runnable.ts";

const INSPECT = {
  name: "inspect",
  summary: "Shows the layers of an adapter: size and effective rank of each change, and which ones stand out.",
  positionals: [ADAPTER_PLACE],
  flags: [
    {
      name: "model",
      kind: "text",
      unit: "DIR|org/name|demo",
      meaning: "The base model; a GGUF file of a llama has its rows in an order that only the model's heads tell.",
    },
    JSON_OUTPUT,
  ],
} as const;

export const inspect = runnable(INSPECT, async ({ values, positionals }, io) => {
  const [place = ""] = positionals;
  const adapter = await readAdapter(place, values.model, { evenBroken: true });
  const audit = auditAdapter(adapter);
  const status = audit.finite ? 0 : 1;
  if (values.json) {
    const base_model = adapter.base_model ?? null;
    io.out.write(`${JSON.stringify({ base_model, dropout: adapter.dropout, ...audit }, null, 2)}\n`);
    return status;
  }
  const header = ["layer", "in", "out", "parameters", "‖A‖", "‖B‖", "‖ΔW‖", "largest σ", "eff. rank"];
  const lines = [
    formatTable(audit.factors.map(row), { header, align: "<>>>>>>>><" }),
    ...pictures(audit, io.out.columns ?? 80),
    "",
    `rank ${audit.rank}, alpha ${formatSetting(audit.alpha)}, scale ${formatSetting(audit.scale)}, ` +
      `dropout ${formatSetting(adapter.dropout)}`,
    ...layerNumbers(adapter),
    `${formatCount(audit.layers)} layers, ${formatCount(audit.tensors)} tensors, ${formatCount(audit.parameters)} parameters`,
    ...(adapter.base_model ? [`trained on ${adapter.base_model}`] : []),
    ...remarks(audit, adapter),
  ];
  io.out.write(`${lines.join("\n")}\n`);
  return status;
});

/** A line where layers have ranks or scales of their own. */
function layerNumbers(adapter: Adapter): string[] {
  const { notes } = uniformAdapter(adapter);
  if (notes.length === 0) return [];
  const range = (values: readonly number[]) =>
    [...new Set([Math.min(...values), Math.max(...values)])].map(formatSetting).join(" to ");
  const ranks = range(adapter.factors.map(({ rank }) => rank));
  return [`layers differ: rank ${ranks}, scale ${range(adapter.factors.map((factor) => scaleOf(adapter, factor)))}`];
}

const row = (factor: FactorAudit) => [
  factor.module,
  ...[factor.in_features, factor.out_features, factor.parameters].map(formatCount),
  ...[factor.norm_A, factor.norm_B, factor.norm_delta, factor.spectral_norm].map((norm) => formatNumber(norm)),
  formatNumber(factor.effective_rank, 3),
  ...mark(factor),
];

/** The last cell: none where all is usual. */
function mark(factor: FactorAudit): string[] {
  if (!factor.finite) return ["not finite"];
  if (factor.zero) return ["zero"];
  if (!factor.outlier) return [];
  return [factor.robust_z! > 0 ? "much larger than its kind" : "much smaller than its kind"];
}

/** Each with an empty line before it. */
function pictures({ factors, rank }: AdapterAudit, width: number): string[] {
  const of = (title: string, value: (factor: FactorAudit) => number, full?: number) => {
    const layers = factors.map((factor) => ({ module: factor.module, value: value(factor) }));
    const lines = layerPicture(layers, { title, width, ...(full === undefined ? {} : { full }) });
    return lines.length > 0 ? ["", ...lines] : [];
  };
  return [
    ...of("size of each change, ‖ΔW‖", ({ norm_delta }) => norm_delta),
    ...of(`effective rank, of ${rank}`, ({ effective_rank }) => effective_rank, rank),
  ];
}

/** What a reader must not miss, in words. */
function remarks(audit: AdapterAudit, { scale }: Adapter): string[] {
  const names = (which: (factor: FactorAudit) => boolean) => audit.factors.filter(which).map(({ module }) => module);
  const [broken, zero, outlying] = [names(({ finite }) => !finite), names((f) => f.zero), names((f) => f.outlier)];
  return [
    ...(broken.length > 0 ? [`not finite, so this adapter is broken: ${broken.join(", ")}`] : []),
    ...(audit.zero
      ? [
          scale === 0
            ? "the scale is 0: the adapter changes nothing"
            : "every layer is zero: the adapter changes nothing",
        ]
      : zero.length > 0
        ? [`zero, so these layers change nothing: ${zero.join(", ")}`]
        : []),
    ...(outlying.length > 0
      ? [`far from others of their kind (robust z of log ‖ΔW‖ beyond 3.5): ${outlying.join(", ")}`]
      : []),
  ];
}
