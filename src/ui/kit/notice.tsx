/** What happened, why, and what to do about it. */
import type { ReactNode } from "react";
import { Icon } from "./icon.tsx";
import { TONES, type Tone } from "./tone.ts";
import "./notice.css";

export interface NoticeProps {
  readonly tone: Tone;
  readonly title: string;
  readonly children?: ReactNode;
  /** Buttons that do the next sensible thing. */
  readonly actions?: ReactNode;
}

/** A message in its place. Problems are announced at once, the rest is read where it stands. */
export function Notice({ tone, title, children, actions }: NoticeProps) {
  return (
    <div className="k-notice" data-tone={tone} role={tone === "bad" ? "alert" : undefined}>
      <Icon name={TONES[tone].icon} />
      <div className="k-notice-text">
        <p className="k-notice-title">
          <span className="k-hidden">{TONES[tone].word}: </span>
          {title}
        </p>
        {children}
      </div>
      {actions && <div className="k-notice-actions">{actions}</div>}
    </div>
  );
}

export interface ErrorNoticeProps {
  readonly error: { readonly message: string; readonly hint?: string | undefined; readonly code?: string | undefined };
  /** What failed, when the message does not say so itself. */
  readonly title?: string | undefined;
  readonly actions?: ReactNode;
}

/** An error shown whole: lists of problems keep their lines, the hint stands out. */
export function ErrorNotice({ error, title, actions }: ErrorNoticeProps) {
  const [first = "", ...rest] = error.message.split("\n");
  const body = title === undefined ? rest.join("\n") : error.message;
  return (
    <Notice tone="bad" title={title ?? first} actions={actions}>
      {body && <pre className="k-notice-lines">{body}</pre>}
      {error.hint && <p>{error.hint}</p>}
    </Notice>
  );
}
