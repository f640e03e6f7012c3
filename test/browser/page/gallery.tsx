/** Every part of the kit in its states, with invented data: what the gallery's tests open and people look at. */
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import "../../../src/ui/kit/base.css";
import { Badge } from "../../../src/ui/kit/badge.tsx";
import { Button, IconButton } from "../../../src/ui/kit/button.tsx";
import { Card, type CardState } from "../../../src/ui/kit/card.tsx";
import { PageFrame, type Step } from "../../../src/ui/kit/page-frame.tsx";
import { Asking } from "./gallery-asking.tsx";
import { Charts, Stage } from "./gallery-charts.tsx";
import { Doing, Saying } from "./gallery-saying.tsx";
import { Showing } from "./gallery-showing.tsx";
import { tools } from "./gallery-tools.ts";

const STEPS: readonly Step[] = [
  { id: "asking", label: "Model", state: "done", note: "Demo, 988 MB" },
  { id: "showing", label: "Data", state: "problem", note: "3 problems" },
  { id: "stage", label: "Train", state: "active" },
  { id: "saying", label: "Check", state: "busy" },
  { id: "doing", label: "Download", state: "todo" },
];

interface Part {
  readonly id: string;
  readonly title: string;
  readonly state: CardState;
  readonly summary: string;
  readonly content: () => React.ReactNode;
}

const PARTS: readonly Part[] = [
  {
    id: "asking",
    title: "Asking",
    state: "success",
    summary: "Qwen2.5-0.5B-Instruct · 988 MB · fits",
    content: Asking,
  },
  { id: "showing", title: "Showing", state: "error", summary: "3 of 812 records cannot be used", content: Showing },
  { id: "stage", title: "Train", state: "loading", summary: "Step 412 of 600 · loss 1.42", content: Stage },
  {
    id: "charts",
    title: "Charts",
    state: "partial",
    summary: "Pictures of counts, layers and values",
    content: Charts,
  },
  { id: "saying", title: "Saying", state: "partial", summary: "Notices, badges, progress, facts", content: Saying },
  { id: "doing", title: "Doing", state: "empty", summary: "Buttons, dialogs, explanations", content: Doing },
];

function Gallery() {
  const [closed, setClosed] = useState<readonly string[]>([]);
  const toggle = (id: string) => (open: boolean) =>
    setClosed((before) => (open ? before.filter((one) => one !== id) : [...before, id]));
  return (
    <PageFrame
      title="Lorikeet"
      trust={
        <Badge tone="good" icon="lock">
          Everything stays in this tab
        </Badge>
      }
      tools={<Theme />}
      steps={STEPS}
      footer={<span>Invented data. Nothing here trains.</span>}
    >
      <Card
        id="closed"
        title="Model"
        state="success"
        summary="Qwen2.5-0.5B-Instruct · 988 MB · fits"
        open={false}
        onToggle={() => {}}
      >
        never shown
      </Card>
      {PARTS.map(({ id, title, state, summary, content: Content }) => (
        <Card
          key={id}
          {...{ id, title, state, summary }}
          open={!closed.includes(id)}
          onToggle={toggle(id)}
          actions={id === "stage" && <TrainActions />}
        >
          <Content />
        </Card>
      ))}
    </PageFrame>
  );
}

function TrainActions() {
  return (
    <>
      <Button kind="primary" icon="pause" shortcut="Space" onPress={() => {}}>
        Pause
      </Button>
      <Button icon="stop" onPress={() => {}}>
        Stop and save
      </Button>
    </>
  );
}

function Theme() {
  const set = (theme: string) => () => {
    document.documentElement.dataset.theme = theme;
  };
  return (
    <>
      <IconButton label="Light ground" icon="sun" onPress={set("light")} />
      <IconButton label="Dark ground" icon="moon" onPress={set("dark")} />
    </>
  );
}

Object.assign(globalThis, tools);

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <Gallery />
    </StrictMode>,
  );
