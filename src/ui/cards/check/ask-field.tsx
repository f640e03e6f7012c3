/** A field for a question with its buttons: Enter sends, Shift and Enter begin a new line. */
import type { FormEvent, KeyboardEvent } from "react";
import { Button } from "../../kit/button.tsx";
import { TextField } from "../../kit/fields.tsx";

interface AskFieldProps {
  readonly label: string;
  readonly placeholder?: string;
  readonly rows: number;
  readonly value: string;
  readonly onChange: (text: string) => void;
  /** The sending button. */
  readonly words: string;
  readonly kind: "primary" | "plain";
  readonly onAsk: (text: string) => void;
  /** This field's question is being answered; another's is. */
  readonly answering: boolean;
  readonly occupied: boolean;
  readonly onStop: () => void;
}

export function AskField(props: AskFieldProps) {
  const { label, placeholder, rows, value, onChange, words, kind, onAsk, answering, occupied, onStop } = props;
  const text = value.trim();
  const ready = text !== "" && !answering && !occupied;
  const send = () => {
    if (ready) onAsk(text);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const typing = event.target instanceof HTMLTextAreaElement;
    // Enter also ends the choice of a character in some scripts.
    if (!typing || event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form className="c-check-ask" onSubmit={onSubmit} onKeyDown={onKeyDown}>
      <TextField
        label={label}
        description={rows > 1 && "Enter sends, Shift and Enter begin a new line."}
        multiline
        {...{ rows, value, onChange, placeholder }}
      />
      <div className="c-check-buttons">
        {/* Two elements: a key that asked must not stop the answer when it comes up again. */}
        {answering ? (
          <Button key="stop" kind={kind} icon="stop" shortcut="Esc" onPress={onStop}>
            Stop
          </Button>
        ) : (
          <Button key="send" kind={kind} type="submit" disabled={!ready}>
            {words}
          </Button>
        )}
      </div>
    </form>
  );
}
