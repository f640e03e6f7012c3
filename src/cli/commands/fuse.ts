/** `lorikeet fuse`: a base and an adapter made one model, which gets its name only when it is proved to be that. */
import { modelError } from "../../core/errors.ts";
import { formatBytes, formatCount, formatSetting, formatShare } from "../../core/units.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { summed } from "../../lora/combine.ts";
import type { ModelFacts } from "../../train/facts.ts";
import { type FuseRequest, type FuseResult, fuseAndProve } from "../../train/fuse/fuse.ts";
import type { FusedForm } from "../../train/fuse/plan.ts";
import type { Io } from "../io.ts";
import { findModel } from "../node/model-place.ts";
import { readWeighted } from "../node/weighted-adapters.ts";
import { commandLine } from "../shell.ts";
import { ADAPTERS, JSON_OUTPUT, MODEL } from "./flags.ts";
import { FusedFolder } from "./fusing/fused-folder.ts";
import { createMeter } from "./open-session.ts";
import { runnable } from "./runnable.ts";
import { checkLines } from "./training/closing.ts";
import { type Fact, factLines } from "./training/describe.ts";

const FUSE = {
  name: "fuse",
  summary: "Merges an adapter into its base model, proves the result, and only then gives it its name.",
  flags: [
    MODEL,
    { ...ADAPTERS, required: true },
    {
      name: "out",
      group: "Files",
      kind: "text",
      unit: "DIR",
      required: true,
      meaning: "Folder to write the model to; a new or an empty one.",
    },
    {
      name: "requantize",
      kind: "boolean",
      meaning:
        "Keep a quantised base quantised, with its bits and groups; codes are coarse and lose most of an adapter.",
    },
    JSON_OUTPUT,
  ],
  foreign: {
    "save-path": "use --out",
    "export-gguf": "GGUF cannot be written; llama.cpp's convert_hf_to_gguf.py reads the folder",
    dequantize: "leave it out: a quantised base is decoded unless --requantize is given",
  },
} as const;

export const fuse = runnable(FUSE, async ({ values }, io) => {
  const folder = new FusedFolder(values.out);
  await folder.check();
  const { source, name, onHub } = await findModel(values.model);
  const adapter = summed(await readWeighted(values.adapterPath, values.model));
  if (onHub) io.err.write(`${name}: no folder of this name here, so from the Hub\n`);
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    const device = await io.openDevice();
    const named = { model: name, adapter: values.adapterPath.join(" + "), json: values.json === true };
    const requantize = values.requantize === true;
    return await fuseInto(folder, { device, source, adapter, requantize, signal: stop.signal }, named, io);
  } finally {
    release();
  }
});

/** As the user named them. */
interface Named {
  readonly model: string;
  readonly adapter: string;
  readonly json: boolean;
}

/**
 * Fuses into `folder`, prints what was found, and returns the exit status. Throws ModelError, and leaves nothing behind,
 * when any check fails.
 */
export async function fuseInto(
  folder: FusedFolder,
  request: Pick<FuseRequest, "device" | "source" | "adapter" | "requantize" | "signal">,
  named: Named,
  io: Io,
): Promise<number> {
  const width = io.out.columns ?? 100;
  const say = (facts: readonly Fact[]) => {
    if (!named.json) io.out.write(factLines(facts, width));
  };
  const meters = createMeters(io);
  try {
    const onBase = (facts: ModelFacts) => {
      meters.clear();
      say(inputFacts(request, facts, named));
    };
    const result = await fuseAndProve({ ...request, onBase, onProgress: meters.show }, folder);
    meters.clear();
    say([["checks", ...checkLines({ checks: [...result.checks] })], ...roundingFacts(result)]);
    const failed = result.checks.filter(({ passed }) => !passed);
    // Only a folder that has its name by then is told of.
    if (failed.length === 0) await folder.place();
    if (named.json)
      io.out.write(`${JSON.stringify({ out: failed.length > 0 ? null : folder.out, ...result }, null, 2)}\n`);
    if (failed.length > 0) throw unproved(failed.map(({ name }) => name));
    for (const warning of warnings(result)) io.err.write(`warning: ${warning}\n`);
    say([["model", `${folder.out} (${formatBytes(result.bytes)} of weights in ${result.files.join(", ")})`]]);
    say([["try it", commandLine(["generate", "--model", folder.out, "--prompt", "…"])]]);
    return 0;
  } catch (error) {
    meters.clear();
    await folder.discard();
    throw error;
  }
}

function inputFacts(
  { device, adapter }: Pick<FuseRequest, "device" | "adapter">,
  facts: ModelFacts,
  named: Named,
): Fact[] {
  const { family, parameters, element, bytes } = facts;
  return [
    ["device", device.name],
    ["base", `${named.model}: ${family}, ${formatCount(parameters)} parameters in ${element}, ${formatBytes(bytes)}`],
    ["adapter", `${named.adapter}: ${adapterText(adapter)}`],
  ];
}

const adapterText = ({ factors, rank, scale }: Adapter): string =>
  `${formatCount(factors.length)} layers, rank ${rank}, scale ${formatSetting(scale)}`;

/** Above this share the fine-tune is as good as gone. */
const MOST = 0.5;

function roundingFacts({ form, lost, layers }: FuseResult): Fact[] {
  const worst = layers.toSorted((a, b) => b.lost - a.lost)[0];
  if (!worst) return [];
  const what = form === "codes" ? "to the nearest codes " : "";
  return [
    [
      "rounding",
      `${what}blots out ${formatShare(lost)} of the change; most in ${worst.module}: ${formatShare(worst.lost)}`,
    ],
  ];
}

/** What rounds, and what to do instead. */
const ROUNDING: Readonly<Record<FusedForm, { readonly what: string; readonly instead: string }>> = {
  "as the base": {
    what: "rounding to the base's type",
    instead: "Keep the adapter beside its base, or fuse into a base with F32 weights.",
  },
  decoded: { what: "rounding to half precision", instead: "Keep the adapter beside its base." },
  codes: {
    what: "rounding to the base's codes",
    instead: "Keep the adapter beside its base, or leave --requantize out.",
  },
};

function warnings({ form, lost, blind }: FuseResult): string[] {
  const { what, instead } = ROUNDING[form];
  if (lost > MOST) return [`${what} leaves ${formatShare(Math.max(0, 1 - lost))} of what the adapter adds. ${instead}`];
  if (!blind) return [];
  return [`the adapter's effect on the probes is no larger than rounding's, which may hide it. ${instead}`];
}

function unproved(failed: readonly string[]) {
  return modelError(
    `no model was written: the check "${failed.join('", "')}" failed`,
    "The disk may be full or damaged; if it happens again, this is a fault of Lorikeet. Please report it.",
  );
}

/** A meter for each thing that is done, one after another. */
function createMeters(io: Io) {
  let now: { readonly what: string; readonly meter: ReturnType<typeof createMeter> } | null = null;
  const clear = () => {
    now?.meter.clear();
    now = null;
  };
  return {
    clear,
    show(what: string, done: number, total: number) {
      if (now?.what !== what) {
        clear();
        now = { what, meter: createMeter(io.err, what) };
      }
      now.meter.show(done, total);
    },
  };
}
