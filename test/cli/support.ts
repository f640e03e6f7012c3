/** Runs command lines in this process, on the one device of the tests, and keeps what they print. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { onTestFinished } from "vitest";
import { main } from "../../src/cli/lorikeet.ts";
import { testDevice } from "../support/device.ts";
import { fixtureTensors, paddedBatch } from "../support/golden.ts";

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** `interruptAt`: Ctrl-C as soon as this text has been printed. */
export async function lorikeet(argv: readonly string[], { interruptAt }: { interruptAt?: string } = {}): Promise<Ran> {
  const printed = { out: "", err: "" };
  let stop: (() => void) | null = null;
  const stream = (name: "out" | "err") => ({
    columns: 100,
    write(text: string) {
      printed[name] += text;
      if (interruptAt !== undefined && printed[name].includes(interruptAt)) stop?.();
    },
  });
  const status = await main(argv, {
    out: stream("out"),
    err: stream("err"),
    openDevice: testDevice,
    onInterrupt(handler) {
      stop = handler;
      return () => {
        stop = null;
      };
    },
    close() {},
  });
  return { status, ...printed };
}

/** The same, and it must work. */
export async function succeed(...argv: string[]): Promise<Ran> {
  const ran = await lorikeet(argv);
  if (ran.status === 0) return ran;
  throw new Error(`lorikeet ${argv.join(" ")} ended with status ${ran.status}:\n${ran.err}${ran.out}`);
}

/** An empty folder that goes with the test (or, made outside of one, when `keep` says so, with the process's end). */
export function temporaryFolder({ keep = false } = {}): string {
  const folder = mkdtempSync(path.join(tmpdir(), "lorikeet-cli-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (keep) process.on("exit", remove);
  else onTestFinished(remove);
  return folder;
}

export interface TokenRecord {
  readonly input_ids: readonly number[];
  readonly labels: readonly number[];
}

export function writeRecords(file: string, records: readonly object[]): string {
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  return file;
}

/** The rows of the golden batches of this name, without their padding. */
export async function goldenRecords(model: string, name: "main" | "train"): Promise<TokenRecord[]> {
  const inputs = await fixtureTensors(`${model}/inputs.safetensors`);
  const batches = name === "main" ? 1 : inputs.get("train.input_ids")!.shape[0]!;
  return Array.from({ length: batches }, (_, batch) => paddedBatch(inputs, name, batch)).flatMap((padded) =>
    Array.from({ length: padded.rows }, (_, row) => {
      const own = (values: Int32Array) => [...values.subarray(row * padded.width, (row + 1) * padded.width)];
      const length = own(padded.mask).filter((value) => value === 1).length;
      return { input_ids: own(padded.ids).slice(0, length), labels: own(padded.labels).slice(0, length) };
    }),
  );
}

export interface Metrics {
  readonly step: number;
  readonly loss: number;
  readonly grad_norm: number;
  readonly learning_rate: number;
  readonly tokens: number;
  readonly supervised_tokens: number;
  readonly seconds: number;
}

export const readLines = (file: string): Metrics[] =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

export const readJsonFile = (...parts: string[]) => JSON.parse(readFileSync(path.join(...parts), "utf8"));

export const filesIn = (folder: string): string[] => readdirSync(folder).sort();
