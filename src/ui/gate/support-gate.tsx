/** What stands above the cards: one quiet line where everything is well, a notice nobody misses where nothing can be trained. */
import { lazy, type ReactNode, Suspense } from "react";
import type { Opening } from "../../worker/protocol.ts";
import { Button } from "../kit/button.tsx";
import { Details } from "../kit/details.tsx";
import { Icon } from "../kit/icon.tsx";
import { ErrorNotice, Notice } from "../kit/notice.tsx";
import { useAppState } from "../state/page.tsx";
import { blockedAdvice, blockedTitle, gateOf, LOOKING, readyDetail, reservations } from "./gate-text.ts";
import "./gate.css";

const SupportRows = lazy(async () => ({ default: (await import("./support-rows.tsx")).SupportRows }));

export function SupportGate() {
  const opening = useAppState((state) => state.opening);
  const broken = useAppState((state) => state.broken);
  const gate = gateOf(opening, broken);
  switch (gate.kind) {
    case "looking":
      return (
        <Frame>
          <p className="c-gate-line" role="status">
            <Icon name="spinner" /> {LOOKING}…
          </p>
        </Frame>
      );
    case "broken":
      return (
        <Frame>
          <ErrorNotice error={gate.error} title={gate.title} actions={<Again words="Reload the page" />} />
        </Frame>
      );
    case "blocked":
      return (
        <Frame>
          <Blocked opening={gate.opening} />
        </Frame>
      );
    case "ready":
      return (
        <Frame>
          <Ready opening={gate.opening} />
        </Frame>
      );
  }
}

function Frame({ children }: { readonly children: ReactNode }) {
  return (
    <section className="c-gate" aria-label="This browser">
      {children}
    </section>
  );
}

/** Nothing less than a reload finds a newer driver or a changed setting. */
function Again({ words }: { readonly words: string }) {
  return (
    <Button kind="primary" icon="refresh" onPress={() => location.reload()}>
      {words}
    </Button>
  );
}

function Ready({ opening }: { readonly opening: Opening }) {
  const notes = reservations(opening);
  return (
    <>
      <Details
        summary={
          <span className="c-gate-line">
            <Icon name="check-circle" />
            <span>
              <span className="c-gate-well">This browser is ready:</span> {readyDetail(opening)}
            </span>
          </span>
        }
      >
        <Rows opening={opening} />
      </Details>
      {notes.length > 0 && (
        <ul className="c-gate-notes">
          {notes.map((note) => (
            <li key={note}>
              <Icon name="warning" label="Note" />
              <span>{note}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Blocked({ opening }: { readonly opening: Opening }) {
  const failed = opening.selfTests.filter(({ passed }) => !passed);
  return (
    <>
      <Notice tone="bad" title={blockedTitle(opening)} actions={<Again words="Look again" />}>
        {failed.length > 0 && (
          <ul className="c-gate-failed">
            {failed.map(({ name, guards, evidence }) => (
              <li key={name}>
                <strong>{name}</strong>: {guards}
                <code>{evidence}</code>
              </li>
            ))}
          </ul>
        )}
        {blockedAdvice(opening).map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </Notice>
      <Details summary="What was found here">
        <Rows opening={opening} />
      </Details>
    </>
  );
}

function Rows({ opening }: { readonly opening: Opening }) {
  return (
    <Suspense fallback={<p className="k-soft">Opening…</p>}>
      <SupportRows opening={opening} />
    </Suspense>
  );
}
