/** `lorikeet inspect`: what is in an adapter, layer by layer. Needs no GPU and no model. */

import { formatCount, formatNumber, formatSetting } from "../../core/units.ts";
import { auditAdapter, type FactorAudit } from "../../lora/audit.ts";
import { importAdapter } from "../../lora/import.ts";
import { formatTable } from "../format.ts";
import { folderSource } from "../node/folder.ts";
import { JSON_OUTPUT } from "./flags.ts";
import { runnable } from "./runnable.ts";

const INSPECT = {
  name: "inspect",
  summary: "Shows the layers of an adapter, their sizes and norms.",
  positionals: [{ name: "ADAPTER_DIR", meaning: "Folder of an adapter, MLX's or PEFT's." }],
  flags: [JSON_OUTPUT],
} as const;

export const inspect = runnable(INSPECT, async ({ values, positionals }, io) => {
  const [folder = ""] = positionals;
  const adapter = await importAdapter(folderSource(folder));
  const audit = auditAdapter(adapter);
  if (values.json) {
    const base_model = adapter.base_model ?? null;
    io.out.write(`${JSON.stringify({ base_model, dropout: adapter.dropout, ...audit }, null, 2)}\n`);
    return 0;
  }
  const header = ["layer", "in", "out", "parameters", "‖A‖", "‖B‖", "‖ΔW‖"];
  const lines = [
    formatTable(audit.factors.map(row), { header, align: "<>>>>>>" }),
    "",
    `rank ${audit.rank}, alpha ${formatSetting(audit.alpha)}, scale ${formatSetting(audit.scale)}, ` +
      `dropout ${formatSetting(adapter.dropout)}`,
    `${formatCount(audit.layers)} layers, ${formatCount(audit.tensors)} tensors, ${formatCount(audit.parameters)} parameters`,
    ...(adapter.base_model ? [`trained on ${adapter.base_model}`] : []),
    ...(audit.zero ? ["every layer is zero: the adapter changes nothing"] : []),
  ];
  io.out.write(`${lines.join("\n")}\n`);
  return 0;
});

const row = ({ module, in_features, out_features, parameters, norm_A, norm_B, norm_delta }: FactorAudit) => [
  module,
  ...[in_features, out_features, parameters].map(formatCount),
  ...[norm_A, norm_B, norm_delta].map((norm) => formatNumber(norm)),
];
