/** The gallery's messages and buttons. */
import { useState } from "react";
import { Badge, Verdict } from "../../../src/ui/kit/badge.tsx";
import { Button, LinkButton } from "../../../src/ui/kit/button.tsx";
import { Columns, Row, Section } from "../../../src/ui/kit/card.tsx";
import { Certificate } from "../../../src/ui/kit/certificate.tsx";
import { Copyable } from "../../../src/ui/kit/copyable.tsx";
import { Dialog } from "../../../src/ui/kit/dialog.tsx";
import { Explain } from "../../../src/ui/kit/explain.tsx";
import { Facts, Figures } from "../../../src/ui/kit/facts.tsx";
import { LogView } from "../../../src/ui/kit/log-view.tsx";
import { ErrorNotice, Notice } from "../../../src/ui/kit/notice.tsx";
import { Progress } from "../../../src/ui/kit/progress.tsx";
import { Status } from "../../../src/ui/kit/status.tsx";

const nothing = () => {};
const ERROR = {
  message: `train.jsonl: 3 problems
  line 7: messages.1.role: expected "user" or "assistant", got "bot"
  line 12: expected an object, got an array
  line 40: messages is empty`,
  hint: "Mend these lines or leave them out.",
};
const LINES = Array.from({ length: 260 }, (_, i) => `step ${i + 1}  loss ${(2.3 - i * 0.003).toFixed(3)}`);

/** Notices, progress, facts, certificate, logs. */
export function Saying() {
  return (
    <>
      <Verdict tone="good">Healthy: loss 2.31 → 1.42, gradients steady, answers coherent</Verdict>
      <Figures
        figures={[
          { name: "Loss", value: "1.42" },
          { name: "Speed", value: "1,480", unit: "tokens/s" },
          { name: "Left", value: "2 min 10", unit: "s" },
        ]}
      />
      <Columns>
        <Progress
          label="Downloading model.safetensors"
          value={0.42}
          detail="412 of 988 MB · 21 MB/s · 27 s left"
          actions={
            <Button kind="quiet" icon="pause" onPress={nothing}>
              Pause
            </Button>
          }
        />
        <Progress label="Compiling shaders" />
      </Columns>
      <ErrorNotice
        error={ERROR}
        actions={
          <>
            <Button onPress={nothing}>Leave these 3 out</Button>
            <Button kind="quiet" onPress={nothing}>
              Choose another file
            </Button>
          </>
        }
      />
      <Notice tone="warn" title="Memory is tight">
        <p>4.9 of 5.3 GB. Close other tabs, or choose shorter examples.</p>
      </Notice>
      <Notice tone="info" title="This run was interrupted at step 120">
        <p>It goes on from there.</p>
      </Notice>
      <Notice tone="good" title="The adapter is saved" />
      <Row>
        <Badge tone="good">Fits</Badge>
        <Badge tone="warn">Tight</Badge>
        <Badge tone="bad">Too large</Badge>
        <Badge tone="info">New</Badge>
        <Badge tone="neutral">f16</Badge>
      </Row>
      <Facts
        facts={[
          { name: "Parameters", value: "494,032,768" },
          { name: "Layers", value: "24" },
          { name: "Storage", value: "bf16", explain: <Explain term="bf16">Two bytes for each weight.</Explain> },
          { name: "License", value: "apache-2.0" },
        ]}
      />
      <Certificate
        checks={[
          {
            id: "base",
            title: "The base is unchanged",
            passed: true,
            detail: "290 tensors, same bytes",
            evidence: <code>sha256 4f1a…</code>,
          },
          { id: "adapters", title: "The adapters changed", passed: true, evidence: <p>196 of 196</p> },
          {
            id: "answers",
            title: "Answers are coherent",
            passed: false,
            detail: "2 of 3 answers repeat one word. The learning rate may be too high.",
            actions: <Button onPress={nothing}>Train again at 1e-4</Button>,
          },
          { id: "read", title: "The file reads back the same", passed: null },
        ]}
      />
      <LogView label="Log" lines={LINES} />
      <Status text="Loss 1.42 at step 412" visible />
    </>
  );
}

/** Buttons, dialog, text to copy. */
export function Doing() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Row>
        <Button kind="primary" icon="play" onPress={() => setOpen(true)}>
          Start
        </Button>
        <Button icon="upload" onPress={nothing}>
          Plain
        </Button>
        <Button kind="quiet" onPress={nothing}>
          Quiet
        </Button>
        <Button kind="danger" icon="trash" onPress={nothing}>
          Delete
        </Button>
        <Button busy onPress={nothing}>
          Saving
        </Button>
        <Button disabled onPress={nothing}>
          Disabled
        </Button>
        <LinkButton href="#saying" icon="download">
          Link
        </LinkButton>
      </Row>
      <Section title="Command" explain={<Explain term="command line">The same engine without a browser.</Explain>}>
        <Copyable
          label="The same run in a terminal"
          text="lorikeet train --model Qwen/Qwen2.5-0.5B-Instruct --data train.jsonl --rank 8 --learning-rate 2e-4 --iters 600"
        />
      </Section>
      <Dialog
        title="Delete this run?"
        open={open}
        onClose={() => setOpen(false)}
        actions={
          <>
            <Button onPress={() => setOpen(false)}>Keep it</Button>
            <Button kind="danger" onPress={() => setOpen(false)}>
              Delete
            </Button>
          </>
        }
      >
        <p>Its adapter, 4.4 MB, is not saved anywhere else.</p>
      </Dialog>
    </>
  );
}
