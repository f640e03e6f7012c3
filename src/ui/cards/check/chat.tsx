/** A conversation with the tuned model. */
import { useEffect, useRef, useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Status } from "../../kit/status.tsx";
import { ANSWER_TOKENS } from "../../state/actions.ts";
import type { ChatTurn } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { AskField } from "./ask-field.tsx";
import { endingOf, endingWords } from "./check-text.ts";
import { type Memory, type MemoryProps, withTurn } from "./memory.ts";

interface ChatProps extends MemoryProps {
  readonly onStop: () => void;
}

export function Chat({ memory, onMemory, onStop }: ChatProps) {
  const { actions } = usePage();
  const chat = useAppState((state) => state.chat);
  const answering = useAppState((state) => state.answering);
  const [text, setText] = useState("");
  const say = (question: string) => {
    setText("");
    onMemory(withTurn(memory, chat.length, false));
    void actions.say(question, memory);
  };
  const clear = () => {
    actions.clearChat();
    onMemory({ stoppedTurns: new Set() });
  };
  return (
    <Section
      title="Chat with the tuned model"
      actions={
        chat.length > 0 && (
          <Button kind="quiet" icon="trash" disabled={answering !== null} onPress={clear}>
            Clear
          </Button>
        )
      }
    >
      {chat.length > 0 && <Turns chat={chat} memory={memory} answering={answering === "chat"} />}
      <AskField
        {...{ label: chat.length > 0 ? "Your next words" : "Your first words", rows: 1, value: text }}
        {...{ onChange: setText, words: "Send", kind: "plain", onAsk: say, onStop }}
        answering={answering === "chat"}
        occupied={answering !== null}
      />
    </Section>
  );
}

interface TurnsProps {
  readonly chat: readonly ChatTurn[];
  readonly memory: Memory;
  readonly answering: boolean;
}

function Turns({ chat, memory, answering }: TurnsProps) {
  const list = useRef<HTMLOListElement>(null);
  const last = chat.at(-1);
  // The newest words stay in sight.
  useEffect(() => {
    const element = list.current;
    if (element && last) element.scrollTop = element.scrollHeight;
  }, [last]);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls must be reachable by keyboard. */}
      <ol className="c-check-chat" ref={list} tabIndex={0} aria-label="Conversation">
        {chat.map((turn, index) => {
          const writing = answering && index === chat.length - 1;
          const ending = endingOf(turn.ended, writing, memory.stoppedTurns.has(index));
          const words = endingWords(ending, ANSWER_TOKENS);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added at the end.
            <li key={index}>
              <p className="c-check-said" data-by="person">
                <span className="k-hidden">You: </span>
                {turn.question}
              </p>
              <div className="c-check-said" data-by="model">
                <span className="k-hidden">Tuned model: </span>
                {turn.answer && <p className="c-check-text">{turn.answer}</p>}
                {words && <p className="k-soft k-small">{words}</p>}
              </div>
            </li>
          );
        })}
      </ol>
      <Status text={answering ? "The tuned model is answering." : (last?.answer ?? "")} />
    </>
  );
}
