/** From a request to a loaded model and encoded data: all that can be wrong with a run's input is found here. */
import { type Dataset, readDataset } from "../../../data/dataset.ts";
import type { EncodedDataset } from "../../../data/encode.ts";
import type { Finding } from "../../../health/finding.ts";
import { checkPrompts } from "../../../train/check-prompts.ts";
import { type Manner, mannerOf, type Probe, probesOf } from "../../../train/probes.ts";
import type { Io } from "../../io.ts";
import { openDatasetFiles } from "../../node/dataset-files.ts";
import { checkFolder } from "../../node/files.ts";
import { type OpenSession, openSession } from "../open-session.ts";
import type { RunRequest } from "./request.ts";

export interface NamedDataset extends EncodedDataset {
  /** The file. */
  readonly name: string;
}

export interface PreparedRun extends OpenSession {
  readonly request: RunRequest;
  readonly train: NamedDataset;
  readonly valid: NamedDataset | null;
  /** Questions of the validation set (of the training set without one), for sample answers. */
  readonly probes: readonly Probe[];
  /** What the voice is measured by; null without validation questions. */
  readonly manner: Manner | null;
  /** About the records. */
  readonly findings: readonly Finding[];
}

const PROBES = 3;

/** Nothing is written. Files are read before the model, which takes longer. */
export async function prepareRun(request: RunRequest, io: Io, signal: AbortSignal): Promise<PreparedRun> {
  await checkFolder("--adapter-path", request.adapterPath);
  const files = await openDatasetFiles(request.data, request.valid);
  const dataset = await readDataset({ train: files.train, valid: files.valid });
  const open = await openSession(io, { model: request.model, quantize: request.quantize, training: true }, signal);
  const { train, valid } = dataset;
  const probes = probesOf((valid ?? train).records, PROBES);
  const manner = mannerOf(train.records, valid?.records ?? []);
  const encoded = await encodeBoth(open, dataset, request);
  return { ...open, request, probes, manner, findings: await checkPrompts(open.session, train.records), ...encoded };
}

async function encodeBoth({ session }: OpenSession, { train, valid }: Dataset, { config }: RunRequest) {
  const encode = async (set: Dataset["train"]) => ({ ...(await session.encode(set, config)), name: set.name });
  return { train: await encode(train), valid: valid ? await encode(valid) : null };
}
