/** `--data FILE | DIR` (JSON lines, JSON, CSV, TSV or Parquet) and `--valid FILE` → named byte sources. */

import { stat } from "node:fs/promises";
import path from "node:path";
import type { ByteSource } from "../../core/bytes.ts";
import { configError } from "../../core/errors.ts";
import type { DatasetFiles } from "../../data/dataset.ts";
import { fileSource } from "./folder.ts";

/**
 * What `--data` names: one file, or a folder with train.jsonl and, if present, valid.jsonl and test.jsonl (or the same as
 * .json, .csv, .tsv or .parquet). `valid`, the path of `--valid`, goes before the folder's own.
 * @throws ConfigError when a path does not exist or a folder has no train file.
 */
export async function openDatasetFiles(data: string, valid?: string): Promise<DatasetFiles> {
  const validFile = valid === undefined ? undefined : await openFile("--valid", valid);
  const info = await infoOf(data);
  if (!info?.isDirectory()) return { train: await openFile("--data", data), valid: validFile };
  const train = await inFolder(data, "train");
  if (train === undefined) {
    throw configError(
      `--data ${data}: expected train.jsonl in the folder, found none`,
      "Name the file itself, or rename it to train.jsonl (with valid.jsonl and test.jsonl beside it if you have them).",
    );
  }
  return { train, valid: validFile ?? (await inFolder(data, "valid")), test: await inFolder(data, "test") };
}

async function openFile(flag: string, file: string): Promise<ByteSource> {
  const info = await infoOf(file);
  if (info?.isFile()) return fileSource(file, info.size);
  throw configError(`${flag} ${file}: expected a file, got ${info ? "a folder" : "nothing there"}`, "Check the path.");
}

async function inFolder(folder: string, name: string): Promise<ByteSource | undefined> {
  for (const extension of ["jsonl", "json", "csv", "tsv", "parquet"]) {
    const file = path.join(folder, `${name}.${extension}`);
    const info = await infoOf(file);
    if (info?.isFile()) return fileSource(file, info.size);
  }
  return undefined;
}

const infoOf = (file: string) => stat(file).catch(() => null);
