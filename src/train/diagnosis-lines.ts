/** The evidence of a diagnosis in words: what each of its phases found, as lines for a terminal or a page. */
import { formatBytes, formatCount, formatNumber, formatSetting } from "../core/units.ts";
import type { DiagnosisFacts, TrainingFacts } from "../health/diagnosis.ts";
import type { Adapter } from "../lora/adapter.ts";
import { measureAdapter } from "../lora/audit.ts";
import type { TrainConfig } from "./config.ts";
import type { Bench, Look } from "./diagnosis-bench.ts";
import { countNonZero } from "./diagnosis-facts.ts";
import type { BaseFingerprint } from "./fingerprint.ts";

/** A line of evidence; null: to be read, neither good nor bad. */
export interface EvidenceLine {
  readonly passed: boolean | null;
  readonly text: string;
}

export function trainingLines(
  { batchSize, gradAccumulationSteps, learningRate }: TrainConfig,
  { updates, skipped }: TrainingFacts,
  losses: readonly number[],
): EvidenceLine[] {
  const what = `${updates} updates of ${batchSize * gradAccumulationSteps} records, rate ${formatSetting(learningRate)}`;
  const course = `loss of their batches ${formatNumber(losses[0]!)} → ${formatNumber(losses.at(-1)!)}`;
  const text =
    skipped === 0
      ? "every loss and gradient was finite"
      : `${skipped} of ${updates} updates were not finite and were skipped`;
  return [
    { passed: null, text: `${what}: ${course}` },
    { passed: skipped === 0, text },
  ];
}

export function baselineLines(
  bench: Bench,
  { loss, answers }: Look,
  { tensors, bytes }: BaseFingerprint,
): EvidenceLine[] {
  return [
    {
      passed: true,
      text: `${formatCount(tensors.size)} tensors of the base, ${formatBytes(bytes)}: a checksum of each`,
    },
    { passed: Number.isFinite(loss), text: `loss ${formatNumber(loss)} on ${bench.measured} examples` },
    ...answers.map(({ text }, i) => ({ passed: null, text: `${quoted(bench.questions[i]!.text)} → ${quoted(text)}` })),
  ];
}

type Changes = Pick<DiagnosisFacts, "planned" | "layers" | "baseChanged" | "training">;

export function changeLines(
  { planned, layers, baseChanged, training }: Changes,
  adapter: Adapter,
  base: BaseFingerprint,
) {
  const all = layers.length;
  const [movedB, movedA] = [
    layers.filter((layer) => layer.movedB).length,
    layers.filter((layer) => layer.movedA).length,
  ];
  const share = (which: "A" | "B") => {
    const count = adapter.factors.reduce((sum, factor) => sum + countNonZero(factor[which]), 0);
    return `${formatCount(count)} of ${formatCount(adapter.factors.reduce((sum, factor) => sum + factor[which].length, 0))}`;
  };
  const moved = training ? "moved" : "is not zero";
  const lines: EvidenceLine[] = [
    {
      passed: baseChanged.length === 0,
      text: `base: ${formatCount(base.tensors.size - baseChanged.length)} of ${formatCount(base.tensors.size)} tensors unchanged`,
    },
    {
      passed: all > 0 && all === planned.length,
      text: `LoRA: ${formatCount(all)} of ${formatCount(planned.length)} layers found by name, A and B in each`,
    },
    { passed: movedB === all, text: `B ${moved} in ${movedB} of ${all} layers; numbers that are not 0: ${share("B")}` },
    // The first update moves B alone.
    {
      passed: movedA === all || (training !== null && training.applied < 2),
      text: `A ${moved} in ${movedA} of ${all} layers; numbers that are not 0: ${share("A")}`,
    },
  ];
  return lines;
}

export function answerLines(bench: Bench, before: Look, after: Look, health: NonNullable<DiagnosisFacts["answers"]>) {
  const symptoms = health.symptoms.map(({ kind, text }) => `${kind}: ${text}`);
  const lines: EvidenceLine[] = [
    {
      passed: after.loss <= before.loss,
      text: `loss ${formatNumber(before.loss)} → ${formatNumber(after.loss)} on the same examples`,
    },
    ...after.answers.map(({ text }, i) => ({
      passed: null,
      text: `${quoted(bench.questions[i]!.text)} → ${quoted(text)}`,
    })),
    { passed: health.verdict === "healthy", text: [`answers: ${health.verdict}`, ...symptoms].join("; ") },
    ...health.notes.map((text) => ({ passed: null, text })),
  ];
  return lines;
}

export function stateLines({ layers, training, logitsChange, fileProblem: problem }: DiagnosisFacts, adapter: Adapter) {
  const { factors, scale, rank, alpha, finite } = measureAdapter(adapter);
  const norms = factors.map(({ norm_delta }) => norm_delta);
  const used = layers.filter(({ inForward }) => inForward).length;
  const lines: EvidenceLine[] = [
    {
      passed: finite,
      text: finite ? `every number is finite (${2 * factors.length} tensors)` : "some numbers are not finite",
    },
    { passed: used === layers.length, text: `the model's forward uses ${used} of ${layers.length} layers` },
    {
      passed: null,
      text: `scale ${formatSetting(scale)} (alpha ${formatSetting(alpha)}, rank ${rank}); ‖ΔW‖ ${formatNumber(Math.min(...norms))} to ${formatNumber(Math.max(...norms))}`,
    },
  ];
  if (training) {
    const { m, v, of } = training.moments;
    lines.push({
      passed: m > 0 && v > 0,
      text: `moments that are not 0: m ${formatCount(m)}, v ${formatCount(v)} of ${formatCount(of)}`,
    });
  }
  lines.push({
    passed: logitsChange !== null && logitsChange > 0 && Number.isFinite(logitsChange),
    text: `logits changed by ${(logitsChange ?? 0).toExponential(2)}, relatively`,
  });
  const read = finite
    ? (problem ?? "written in memory and read back, it gives the same logits")
    : "not written: its numbers are not finite";
  lines.push({ passed: finite && problem === null, text: read });
  return lines;
}

const LONGEST = 100;

/** One line, for evidence; the whole answers are not kept. */
function quoted(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return `"${line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line}"`;
}
