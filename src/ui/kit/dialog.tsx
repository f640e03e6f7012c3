/** A question that waits for an answer: the browser's modal dialog, which keeps focus inside and gives it back. */
import { type ReactNode, useEffect, useId, useRef } from "react";
import { IconButton } from "./button.tsx";
import "./dialog.css";

export interface DialogProps {
  readonly title: string;
  readonly open: boolean;
  /** Called by Escape, the cross and a press outside. */
  readonly onClose: () => void;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** A modal. Children are rendered only while it is open. */
export function Dialog({ title, open, onClose, actions, children }: DialogProps) {
  const name = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (!element || element.open === open) return;
    if (open) {
      element.showModal();
      // The cross would come first, and open its tooltip behind the dialog.
      element.querySelector("h2")?.focus();
    } else element.close();
  }, [open]);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does what a press outside does.
    <dialog
      ref={dialog}
      className="k-dialog"
      aria-labelledby={name}
      // Escape: the close event comes only later, when the next press may have opened it again.
      onCancel={(event) => event.target === event.currentTarget && onClose()}
      onClose={() => open && onClose()}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      {open && (
        <div className="k-dialog-body">
          <div className="k-dialog-head">
            <h2 id={name} tabIndex={-1}>
              {title}
            </h2>
            <IconButton label="Close" icon="cross" onPress={onClose} />
          </div>
          {children}
          {actions && <footer>{actions}</footer>}
        </div>
      )}
    </dialog>
  );
}
