/** The dataset doctor: a verdict, findings by kind with their lines, and the cleaned file. */
import { useMemo } from "react";
import { formatCount } from "../../../core/units.ts";
import { Badge, Verdict } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Details } from "../../kit/details.tsx";
import { Explain } from "../../kit/explain.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import {
  canOpen,
  doctorVerdict,
  type Finding,
  type FindingGroup,
  findingGroups,
  placeWords,
  SEVERITIES,
} from "./doctor.ts";

/** Lines shown of one kind. */
const SHOWN = 20;

interface DoctorPanelProps {
  /** Opens the record of this line. */
  readonly onLine: (line: number) => Promise<void>;
}

export function DoctorPanel({ onLine }: DoctorPanelProps) {
  const { actions } = usePage();
  const diagnosis = useAppState(({ data }) => data.diagnosis);
  const groups = useMemo(() => (diagnosis ? findingGroups(diagnosis) : []), [diagnosis]);
  if (!diagnosis) return null;
  const { tone, text } = doctorVerdict(diagnosis);
  const files = diagnosis.validation ? 2 : 1;
  const usable = diagnosis.train.kept.length > 0;
  return (
    <Section
      title="Dataset doctor"
      explain={
        <Explain term="Dataset doctor">
          Turns every record into what the model would see and says what is wrong with it. Faulty records are left out;
          nothing is changed in your files.
        </Explain>
      }
      actions={
        groups.length > 0 &&
        usable && (
          <Button kind="quiet" icon="download" onPress={() => void actions.saveCleanedData()}>
            Download the cleaned file
          </Button>
        )
      }
    >
      <Verdict tone={tone}>{text}</Verdict>
      {groups.length > 0 && (
        <ul className="c-data-findings">
          {groups.map((group) => (
            <Group key={group.code} {...{ group, files, onLine }} open={!usable} />
          ))}
        </ul>
      )}
    </Section>
  );
}

interface GroupProps extends DoctorPanelProps {
  readonly group: FindingGroup;
  readonly files: number;
  /** Nothing else is there to look at. */
  readonly open: boolean;
}

function Group({ group, files, open, onLine }: GroupProps) {
  const { severity, title, count, explanation, hint, findings } = group;
  const { tone, word } = SEVERITIES[severity];
  const shown = findings.slice(0, SHOWN);
  return (
    <li>
      <div className="c-data-finding-head">
        <Badge tone={tone}>{word}</Badge>
        <strong>{title}</strong>
        <span className="k-soft">{count === 1 ? "once" : `${formatCount(count)} times`}</span>
      </div>
      <p>
        {explanation} {hint && <span className="k-soft">{hint}</span>}
      </p>
      <Details
        open={open}
        summary={
          <>
            Where<span className="k-hidden">: {title}</span>
          </>
        }
      >
        <ul className="c-data-places">
          {shown.map((finding) => (
            <Place key={`${finding.set} ${finding.line} ${finding.message}`} {...{ finding, files, onLine }} />
          ))}
        </ul>
        {count > shown.length && <p className="k-soft k-small">and {formatCount(count - shown.length)} more</p>}
      </Details>
    </li>
  );
}

function Place({ finding, files, onLine }: DoctorPanelProps & { readonly finding: Finding; readonly files: number }) {
  const { line, message } = finding;
  const words = placeWords(finding, files);
  return (
    <li>
      {canOpen(finding) ? (
        <button type="button" className="c-data-link" onClick={() => void onLine(line!)}>
          {words}
          <span className="k-hidden">: open the record</span>
        </button>
      ) : (
        <span className="c-data-place">{words}</span>
      )}
      <span>{message}</span>
    </li>
  );
}
