/** `lorikeet bench --peers …`: the flags, and the comparison in place of the ordinary measurements. */
import { configError } from "../../core/errors.ts";
import type { Flag } from "../args.ts";
import { checkPeers } from "../bench/peers/names.ts";
import { TOKENS } from "../bench/peers/product-sizes.ts";
import { runPeers } from "../bench/peers/run.ts";
import { showPeers } from "../bench/peers/show.ts";
import type { Io } from "../io.ts";
import { demoFolder } from "../node/package.ts";
import { DATA, MODEL } from "./flags.ts";
import { openSession } from "./open-session.ts";

const GROUP = "Comparison";

export const PEER_FLAGS = [
  {
    name: "peers",
    group: GROUP,
    kind: "list",
    meaning:
      "Compare with these instead, in the same run and on the same adapter: jax-js (products and a training step), tfjs (products), transformers.js (decoding), mlx (mlx_lm.lora of the PATH, a fine-tuning).",
  },
  {
    name: "tokens",
    group: GROUP,
    kind: "list",
    meaning: `Tokens of the products to compare; by default ${TOKENS.join(" and ")}, on a software adapter ${TOKENS[0]} alone, since the rest takes many minutes there.`,
  },
  { ...MODEL, group: GROUP, required: false, default: "demo", meaning: "Model to compare with mlx-lm on." },
  {
    ...DATA,
    group: GROUP,
    required: false,
    unit: "DIR",
    meaning: "Its data: a folder with train.jsonl and valid.jsonl; by default the demo's.",
  },
] as const satisfies readonly Flag[];

interface PeerValues {
  readonly repeats: number;
  readonly steps: number;
  readonly peers: readonly string[];
  readonly tokens?: readonly string[];
  readonly model: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** Returns the exit status: 0 only when every system that was asked for could be compared with. */
export async function comparePeers(values: PeerValues, io: Io): Promise<number> {
  const peers = checkPeers(values.peers);
  const given = values.tokens?.map(tokenCount);
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    const device = await io.openDevice();
    // Only now: the libraries find the adapter where the engine found it.
    const { nodeGpu } = await import("../node/gpu.ts");
    const software = device.gpu.adapterInfo.isFallbackAdapter;
    const result = await runPeers(nodeGpu(), device, {
      peers,
      tokens: given ?? (software ? TOKENS.slice(0, 1) : TOKENS),
      rounds: values.repeats,
      steps: values.steps,
      signal: stop.signal,
      onProgress: (what) => io.err.write(`comparing: ${what}\n`),
      async openMlxInput() {
        const { session, name } = await openSession(io, { model: values.model }, stop.signal);
        return { session, model: name, data: values.data ?? demoFolder() };
      },
    });
    io.out.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : `${showPeers(result)}\n`);
    return result.problems.length === 0 ? 0 : 1;
  } finally {
    release();
  }
}

function tokenCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0 && count % 4 === 0) return count;
  throw configError(`--tokens: expected multiples of 4, got "${text}"`, `for example --tokens ${TOKENS.join(",")}`);
}
