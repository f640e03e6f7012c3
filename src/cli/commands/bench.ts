/** `lorikeet bench`: matrix products and a whole training step, as ratios to what this adapter or another system can do. */
import { measureMemory, showMemory } from "../bench/memory.ts";
import { runBench, showBench } from "../bench/report.ts";
import { comparePeers, PEER_FLAGS } from "./bench-peers.ts";
import { JSON_OUTPUT } from "./flags.ts";
import { runnable } from "./runnable.ts";

const BENCH = {
  name: "bench",
  summary:
    "Measures matrix products and a training step on this adapter, as ratios to its own peak, or to other systems with --peers.",
  flags: [
    {
      name: "repeats",
      group: "Measurement",
      kind: "integer",
      min: 1,
      default: 3,
      meaning: "Rounds over all layouts; the best of each counts.",
    },
    { name: "steps", group: "Measurement", kind: "integer", min: 1, default: 5, meaning: "Training steps to time." },
    {
      name: "memory",
      group: "Measurement",
      kind: "boolean",
      meaning: "Show what training of known models needs instead, by dry run and without a GPU.",
    },
    ...PEER_FLAGS,
    JSON_OUTPUT,
  ],
} as const;

export const bench = runnable(BENCH, async ({ values }, io) => {
  if (values.memory) {
    const result = await measureMemory();
    io.out.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : `${showMemory(result)}\n`);
    return 0;
  }
  if (values.peers) return comparePeers({ ...values, peers: values.peers }, io);
  const device = await io.openDevice();
  const onProgress = (what: string) => io.err.write(`measuring: ${what}\n`);
  const result = await runBench(device, { repeats: values.repeats, steps: values.steps, onProgress });
  io.out.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : `${showBench(result)}\n`);
  return 0;
});
