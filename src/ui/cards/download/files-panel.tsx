/** The files of the run, a row and a button each. */
import { useEffect, useState } from "react";
import { formatBytes } from "../../../core/units.ts";
import type { RunFile } from "../../../worker/protocol.ts";
import { Button } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { ErrorNotice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { type FileRow, fileRows, MLX_ROW, type Offer } from "./files.ts";

interface FilesPanelProps {
  readonly offer: Offer;
  /** The adapter of a collapsed run is wanted all the same. */
  readonly insisted?: boolean;
}

export function FilesPanel({ offer, insisted = false }: FilesPanelProps) {
  const run = useAppState((state) => state.run);
  const error = useAppState((state) => (state.problem?.card === "download" ? state.problem.error : null));
  const rows = fileRows(run, offer, insisted);
  const sizes = useSizes(run.id, rows);
  const save = useSave(run.id);
  if (rows.length === 0) return null;
  return (
    <Section title="Files">
      {error && save.failed && (
        <ErrorNotice
          error={error}
          title={`${save.failed.title} could not be made`}
          actions={
            <Button icon="refresh" onPress={() => save.failed && save.begin(save.failed)}>
              Try again
            </Button>
          }
        />
      )}
      <ul className="c-download-files">
        {rows.map((row) => (
          <li key={row.id}>
            <div className="c-download-file">
              <p className="c-download-title">
                {row.title} <span className="k-soft">{row.size ?? sizes.get(row.id) ?? ""}</span>
              </p>
              <p className="k-soft k-small">{row.meaning}</p>
            </div>
            <Button
              kind={row.id === MLX_ROW && offer === "whole" ? "primary" : "plain"}
              icon={save.done === row.id ? "check" : "download"}
              busy={save.busy === row.id}
              disabled={save.busy !== null && save.busy !== row.id}
              onPress={() => save.begin(row)}
            >
              {row.button}
            </Button>
          </li>
        ))}
      </ul>
      <p role="status" className="k-hidden">
        {save.done && "Handed to the browser's downloads."}
      </p>
    </Section>
  );
}

/** Saves a row's files one after the other. */
function useSave(id: string | null) {
  const { actions } = usePage();
  const [busy, setBusy] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const [failed, setFailed] = useState<FileRow | null>(null);
  const begin = async (row: FileRow) => {
    if (id === null) return;
    setBusy(row.id);
    setDone(null);
    setFailed(null);
    const whole = await saveAll(row.files, (file) => actions.saveRunFile(id, file));
    setBusy(null);
    if (whole) setDone(row.id);
    else setFailed(row);
  };
  return { busy, done, failed, begin: (row: FileRow) => void begin(row) };
}

/** False at the first that failed; `save` gives null for one. */
async function saveAll(files: readonly RunFile[], save: (file: RunFile) => Promise<unknown>): Promise<boolean> {
  for (const file of files) if ((await save(file)) === null) return false;
  return true;
}

/** Sizes of the small files, which are known only once they are made. */
function useSizes(id: string | null, rows: readonly FileRow[]): ReadonlyMap<string, string> {
  const { actions } = usePage();
  const [sizes, setSizes] = useState<ReadonlyMap<string, string>>(new Map());
  const names = rows.flatMap(({ size, files }) => (size === null ? files : [])).join(" ");
  useEffect(() => {
    let current = true;
    const measure = async () => {
      const found = new Map<string, string>();
      for (const name of names.split(" ") as RunFile[]) {
        const file = await actions.runFile(id ?? "", name).catch(() => null);
        if (file) found.set(name, formatBytes(file.blob.size));
      }
      if (current) setSizes(found);
    };
    if (id !== null && names !== "") void measure();
    return () => {
      current = false;
    };
  }, [actions, id, names]);
  return sizes;
}
