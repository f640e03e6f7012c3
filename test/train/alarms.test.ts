/**
 * How often the guard is wrong. Healthy runs across what is advised: none may be stopped, put back or called bad. And
 * planted faults over five seeds: how often each is caught. The README's table is what this prints with LORIKEET_LONG=1;
 * without, only a part of the runs is made.
 */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fileSource, folderSource } from "../../src/cli/node/folder.ts";
import { demoFolder } from "../../src/cli/node/package.ts";
import type { ModelSource } from "../../src/core/bytes.ts";
import { readDataset } from "../../src/data/dataset.ts";
import type { Example } from "../../src/data/encode.ts";
import { type KnobName, resolveConfig } from "../../src/train/config.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import {
  breaksGradient,
  type Fault,
  fallsSilent,
  hurries,
  linearAt,
  plantedDevice,
  skipsTensors,
  writesTo,
} from "../support/planted.ts";
import { contraryTo, goldenExamples } from "./support.ts";

const SEEDS = [0, 1, 2, 3, 4];
const STEPS = 28;
const LONG = process.env.LORIKEET_LONG === "1";
/** Milliseconds: on a slow machine the demo's runs take an hour. */
const TIMEOUT = LONG ? 7_200_000 : 300_000;
const STORIES = fileURLToPath(new URL("../../../shared/data/stories260K", import.meta.url));

interface Material {
  readonly name: string;
  source(): ModelSource;
  examples(session: TrainingSession): Promise<readonly Example[]>;
  /** Across the band that the step-size check calls good for a model of this size, at scale 2. */
  readonly rates: readonly number[];
  readonly batchSize: number;
}

const tiny = (family: string): Material => ({
  name: `tiny ${family}`,
  source: () => fixtureFolder(family),
  examples: () => goldenExamples(family),
  ...{ rates: [6e-4, 3e-3, 6e-3, 1.2e-2, 2.5e-2], batchSize: 2 },
});
const TINY = [tiny("llama"), tiny("llama-tied"), tiny("qwen2")];

const DEMO: Material = {
  name: "demo",
  source: () => folderSource(demoFolder()),
  examples: async (session) => {
    const file = path.join(demoFolder(), "train.jsonl");
    const { train } = await readDataset({ train: fileSource(file, (await stat(file)).size) });
    return (await session.encode(train, { maxSeqLength: 512, maskPrompt: true })).examples;
  },
  ...{ rates: [3e-4, 1e-3, 3e-3, 6e-3, 1e-2], batchSize: 4 },
};

const STORIES260K: Material = {
  name: "stories260K",
  source: () => folderSource(STORIES),
  examples: async (session) => {
    const text = (n: number) =>
      `The fox lived in the red barn number ${n}. Every day the fox ate ${["soup", "corn"][n % 2]} and sang.`;
    const records = Array.from(
      { length: 48 },
      (_, n) => ({ kind: "text", form: "text", line: n + 1, text: text(n) }) as const,
    );
    return (await session.encode({ name: "text", records, forms: {} }, { maxSeqLength: 128, maskPrompt: true }))
      .examples;
  },
  ...{ rates: [1e-3, 3e-3, 5e-3, 1e-2, 2e-2], batchSize: 4 },
};

async function eventsOf(
  session: TrainingSession,
  train: readonly Example[],
  knobs: Partial<Record<KnobName, unknown>>,
) {
  const config = resolveConfig({ steps: STEPS, stepsPerEval: 0, saveEvery: 0, ...knobs }, "test");
  const events: TrainEvent[] = [];
  for await (const event of session.train({ config, train, valid: [] })) events.push(event);
  return events;
}

/** What would have disturbed somebody: rollbacks, stops, bad or warning words. */
const disturbances = (events: readonly TrainEvent[]) =>
  events.flatMap((event) => {
    if (event.type === "health" && (event.level === "bad" || event.level === "warn")) return [event.text];
    if (event.type === "done" && event.endedEarly) return [event.endedEarly];
    return [];
  });

/** Five seeds, each with another rate and another rank. */
const RANKS = [4, 8, 16, 32, 8];
const settingsOf = ({ rates, batchSize }: Material) =>
  SEEDS.map((seed, i) => ({ seed, learningRate: rates[i]!, rank: RANKS[i]!, alpha: 2 * RANKS[i]!, batchSize }));

/** A line of the table, at once: the next may take long. */
const told = (line: string) => process.stdout.write(`${line}\n`);

describe("healthy runs are left alone", () => {
  const check = async (material: Material, variants: readonly Partial<Record<KnobName, unknown>>[]) => {
    const session = new TrainingSession(await testDevice());
    await session.load(material.source());
    const train = await material.examples(session);
    const wrong: string[] = [];
    let runs = 0;
    for (const variant of variants) {
      for (const settings of settingsOf(material)) {
        const events = await eventsOf(session, train, { ...settings, ...variant });
        const said = disturbances(events);
        if (said.length > 0) wrong.push(`${JSON.stringify({ ...settings, ...variant })}: ${said.join(" / ")}`);
        runs += 1;
      }
    }
    session.removeAdapter();
    told(`${material.name}: ${runs} healthy runs, ${wrong.length} alarms`);
    expect(wrong).toEqual([]);
  };

  const VARIANTS = [{}, { warmup: 0, lrSchedule: "constant", batchSize: 1 }, { dropout: 0.1, maxGradNorm: 0 }];
  it.each(TINY)("$name", { timeout: TIMEOUT }, (material) => check(material, LONG ? VARIANTS : VARIANTS.slice(0, 1)));

  it("one with a batch that contradicts all others", { timeout: TIMEOUT }, async () => {
    const session = new TrainingSession(await testDevice());
    await session.load(fixtureFolder("llama"));
    const train = await goldenExamples();
    const hard = [...train, ...train, contraryTo(train[0]!)];
    const wrong: string[] = [];
    const seeds = LONG ? SEEDS : SEEDS.slice(0, 2);
    for (const seed of seeds) {
      const events = await eventsOf(session, hard, { seed, learningRate: 1e-2, batchSize: 1, steps: 48 });
      wrong.push(...disturbances(events));
    }
    session.removeAdapter();
    told(`with a hard batch: ${seeds.length} healthy runs, ${wrong.length} alarms`);
    expect(wrong).toEqual([]);
  });

  it.skipIf(!LONG)("the demo (LORIKEET_LONG=1)", { timeout: TIMEOUT }, () => check(DEMO, [{}, { steps: 56 }]));
  it.skipIf(!LONG || !existsSync(STORIES))("stories260K (LORIKEET_LONG=1, and its files)", { timeout: TIMEOUT }, () =>
    check(STORIES260K, VARIANTS),
  );
});

const Q = "model.layers.0.self_attn.q_proj";
const BURST = 16;

describe("planted faults are caught, over five seeds", () => {
  type Made = { readonly events: readonly TrainEvent[]; readonly error: unknown };
  const cases: readonly [
    name: string,
    fault: (session: () => TrainingSession) => Fault,
    caught: (made: Made) => boolean,
  ][] = [
    [
      "an optimizer that skips one B",
      (session) => skipsTensors(() => [linearAt(session().model.tree, Q).leaf.lowRank!.B]),
      ({ error }) => String(error).includes(`${Q}.lora_B`),
    ],
    [
      "a base weight written to",
      (session) => writesTo(() => linearAt(session().model.tree, Q).leaf.weight!.shards[0]!.tensor, 3),
      ({ events }) => events.some((event) => event.type === "done" && event.baseChanged.includes(`${Q}.weight`)),
    ],
    [
      "Inf in one gradient",
      () => breaksGradient(Number.POSITIVE_INFINITY, [5]),
      ({ events }) => events.some((event) => event.type === "health" && event.kind === "skipped" && event.step <= 8),
    ],
    [
      "a GPU that falls silent",
      () => fallsSilent(4),
      ({ error }) => (error as { code?: string } | null)?.code === "device-lost",
    ],
    [
      "steps 200 times too large for two updates",
      () => hurries(200, BURST, BURST + 1),
      ({ events }) =>
        events.some((event) => event.type === "health" && event.rollback !== undefined && event.step <= BURST + 13),
    ],
  ];

  it.each(cases)("%s", { timeout: TIMEOUT }, async (name, fault, caught) => {
    const train = await goldenExamples();
    let [found, without] = [0, 0];
    const seeds = LONG ? SEEDS : SEEDS.slice(0, 1);
    for (const seed of seeds) {
      for (const planted of [true, false]) {
        const own: Fault = (commands, update) => planted && fault(() => session)(commands, update);
        const session: TrainingSession = new TrainingSession(plantedDevice(await testDevice(), own));
        await session.load(fixtureFolder("llama"));
        const knobs = { seed, learningRate: 1e-2, warmup: 0, lrSchedule: "constant", batchSize: 2, steps: BURST + 16 };
        const made = await eventsOf(session, train, knobs).then(
          (events) => ({ events, error: null }),
          (error) => ({ events: [], error }),
        );
        if (caught(made)) planted ? found++ : without++;
        session.removeAdapter();
      }
    }
    told(`${name}: caught ${found} of ${seeds.length}, without the fault ${without}`);
    expect([found, without]).toEqual([seeds.length, 0]);
  });
});
