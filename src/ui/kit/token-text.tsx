/** Text as the model sees it: tokens, marked where they carry loss. One listener for all, so thousands cost nothing. */
import { type KeyboardEvent, memo, type PointerEvent, useId, useRef, useState } from "react";
import "./token-text.css";

export interface Token {
  readonly text: string;
  readonly id: number;
  /** Whether training learns to say it. */
  readonly loss: boolean;
  /** A control token of the template. */
  readonly special?: boolean | undefined;
}

export interface TokenTextProps {
  readonly label: string;
  readonly tokens: readonly Token[];
}

/** Arrow keys walk from token to token, hovering picks one; its id is shown under the text. */
export function TokenText({ label, tokens }: TokenTextProps) {
  const note = useId();
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const point = (next: number | null) => {
    const spans = box.current?.children;
    if (at !== null) spans?.[at]?.removeAttribute("data-at");
    if (next !== null) spans?.[next]?.setAttribute("data-at", "");
    setAt(next);
    return next === null ? undefined : spans?.[next];
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") return void point(null);
    const from = at ?? -1;
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: tokens.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    point(Math.min(tokens.length - 1, Math.max(0, to)))?.scrollIntoView({ block: "nearest" });
  };
  const onPointerOver = (event: PointerEvent<HTMLElement>) => {
    const index = Array.prototype.indexOf.call(box.current?.children ?? [], event.target);
    if (index >= 0) point(index);
  };
  const taught = tokens.reduce((count, { loss }) => count + Number(loss), 0);
  return (
    <div className="k-tokens">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form's. */}
      <div
        ref={box}
        className="k-tokens-text"
        role="group"
        aria-label={label}
        aria-describedby={note}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys walk through the tokens.
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerOver={onPointerOver}
        onPointerLeave={() => point(null)}
        onBlur={() => point(null)}
      >
        <Spans tokens={tokens} />
      </div>
      <div className="k-tokens-foot">
        <span>
          <span className="k-token" data-loss="true">
            carries loss
          </span>{" "}
          {taught.toLocaleString("en-US")} of {tokens.length.toLocaleString("en-US")} tokens
        </span>
        <span id={note} role="status">
          {at === null ? "Point at a token, or use the arrow keys." : describe(tokens, at)}
        </span>
      </div>
    </div>
  );
}

const Spans = memo(function Spans({ tokens }: { readonly tokens: readonly Token[] }) {
  return tokens.map(({ text, loss, special }, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a token is its place.
    <span key={i} className="k-token" data-loss={loss} data-special={special}>
      {visible(text)}
    </span>
  ));
});

/** Line breaks are seen and still break. */
const visible = (text: string): string => text.replaceAll("\n", "↵\n");

function describe(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  if (!token) return "";
  return `Token ${at + 1}: ${JSON.stringify(token.text)}, id ${token.id}, ${token.loss ? "carries loss" : "context only"}`;
}
