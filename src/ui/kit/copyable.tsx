/** Text to take along: a block with a button that copies it and says so. */
import { useEffect, useId, useRef, useState } from "react";
import { Button } from "./button.tsx";
import "./copyable.css";

const SHOWN_MS = 2000;

export interface CopyableProps {
  readonly label: string;
  readonly text: string;
  /** Breaks long lines instead of scrolling sideways. */
  readonly wrap?: boolean;
}

/** A block of code or configuration with its copy button. */
export function Copyable({ label, text, wrap = false }: CopyableProps) {
  const name = useId();
  const block = useRef<HTMLPreElement>(null);
  return (
    <figure className="k-copyable" aria-labelledby={name}>
      <figcaption>
        <span id={name}>{label}</span>
        <CopyButton text={text} onRefused={() => selectAll(block.current)} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <pre ref={block} data-wrap={wrap} tabIndex={0}>
        {text}
      </pre>
    </figure>
  );
}

type CopyState = "ready" | "copied" | "refused";
const WORDS: Readonly<Record<CopyState, string>> = {
  ready: "",
  copied: "Copied",
  refused: "Selected; copy with the keyboard",
};

/** Copies `text`, which may be made only then; where the browser refuses, `onRefused` selects it for the person. */
export function CopyButton({
  text,
  label = "Copy",
  onRefused,
}: {
  readonly text: string | (() => string);
  readonly label?: string;
  readonly onRefused?: () => void;
}) {
  const [state, setState] = useState<CopyState>("ready");
  useEffect(() => {
    if (state === "ready") return;
    const timer = setTimeout(() => setState("ready"), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = () =>
    void navigator.clipboard.writeText(typeof text === "string" ? text : text()).then(
      () => setState("copied"),
      () => {
        setState("refused");
        onRefused?.();
      },
    );
  return (
    <span className="k-copy">
      <span role="status" className="k-small k-soft">
        {WORDS[state]}
      </span>
      <Button kind="quiet" icon={state === "copied" ? "check" : "copy"} onPress={copy}>
        {label}
      </Button>
    </span>
  );
}

function selectAll(element: HTMLElement | null): void {
  if (element) getSelection()?.selectAllChildren(element);
}
