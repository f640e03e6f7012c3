/** A place for files: drop them or a folder on it, or choose with the buttons. */
import { type DragEvent, useId, useRef, useState } from "react";
import { Button } from "./button.tsx";
import { filesOfDrop, filesOfInput, type PathFile } from "./dropped-files.ts";
import { Icon } from "./icon.tsx";
import "./file-drop.css";

export interface FileDropProps {
  readonly label: string;
  readonly hint?: string | undefined;
  /** As the accept attribute: ".jsonl,.json,.csv". A drop is not held to it; the caller judges what came. */
  readonly accept?: string | undefined;
  readonly multiple?: boolean;
  /** Offers a button for folders, and takes dropped ones either way. */
  readonly folder?: boolean;
  readonly onFiles: (files: readonly PathFile[]) => void;
  readonly onError?: ((error: Error) => void) | undefined;
  readonly busy?: boolean;
}

/** The drop zone with its buttons, which are the way by keyboard. */
export function FileDrop({ label, hint, accept, multiple, folder, onFiles, onError, busy = false }: FileDropProps) {
  const name = useId();
  const [depth, setDepth] = useState(0);
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setDepth(0);
    if (busy) return;
    filesOfDrop(event.dataTransfer.items).then(
      (files) => files.length > 0 && onFiles(files),
      (cause: unknown) => onError?.(cause instanceof Error ? cause : new Error(String(cause))),
    );
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form's.
    <div
      className="k-drop"
      role="group"
      aria-labelledby={name}
      aria-busy={busy}
      data-over={depth > 0}
      onDragEnter={(event) => {
        event.preventDefault();
        setDepth((now) => now + 1);
      }}
      onDragOver={(event) => event.preventDefault()}
      onDragLeave={() => setDepth((now) => Math.max(0, now - 1))}
      onDrop={onDrop}
    >
      <Icon name={busy ? "spinner" : "upload"} />
      <p className="k-drop-label" id={name}>
        {label}
      </p>
      {hint && <p className="k-soft k-small">{hint}</p>}
      <div className="k-row">
        <Chooser words={multiple ? "Choose files" : "Choose a file"} {...{ accept, multiple, busy, onFiles }} />
        {folder && <Chooser words="Choose a folder" directory {...{ busy, onFiles }} />}
      </div>
    </div>
  );
}

interface ChooserProps {
  readonly words: string;
  readonly accept?: string | undefined;
  readonly multiple?: boolean | undefined;
  readonly directory?: boolean;
  readonly busy: boolean;
  readonly onFiles: (files: readonly PathFile[]) => void;
}

function Chooser({ words, accept, multiple, directory = false, busy, onFiles }: ChooserProps) {
  const input = useRef<HTMLInputElement | null>(null);
  const attach = (element: HTMLInputElement | null) => {
    input.current = element;
    if (element) element.webkitdirectory = directory;
  };
  const take = () => {
    const element = input.current;
    if (!element?.files) return;
    const files = filesOfInput(element.files);
    // The same file may be chosen again.
    element.value = "";
    if (files.length > 0) onFiles(files);
  };
  return (
    <>
      <input ref={attach} type="file" hidden aria-label={words} accept={accept} multiple={multiple} onChange={take} />
      <Button icon={directory ? "folder" : "file"} disabled={busy} onPress={() => input.current?.click()}>
        {words}
      </Button>
    </>
  );
}
