/** Whether a model still speaks: the judgement of all its answers to one round of probes, from that of each answer. */
import {
  type Answer,
  type AnswerHealth,
  explains,
  gravity,
  type JudgeOptions,
  judgeAnswer,
  type Symptom,
  type SymptomKind,
} from "./answers.ts";

/** The answers to one probe; every probe asks something else. */
export interface RoundEntry {
  readonly answer: Answer;
  /** The untouched base's answer to the same question. */
  readonly base: Answer | null;
  /** The data set's answer to the same question. */
  readonly reference?: string | undefined;
}

/**
 * The health of a round. Collapsed: more than half of the answers collapsed, or all of three or more answers are one
 * text that is none of the references, which differ. Suspicious: any answer is, or most run on past their references. What the base
 * does in as many answers is a note, and so is a single answer that runs on.
 */
export function judgeRound(
  entries: readonly RoundEntry[],
  options: Pick<JudgeOptions, "decode" | "taughtLength"> = {},
): AnswerHealth {
  const judged = entries.map(({ answer, base, reference }) => {
    const own = { ...options, reference };
    return {
      health: judgeAnswer(answer, base, own),
      alone: judgeAnswer(answer, null, own),
      base: base ? judgeAnswer(base, null, own) : null,
    };
  });
  const blamed: Symptom[] = [];
  const notes = judged.flatMap(({ health }, i) => health.notes.map((note) => `answer ${i + 1}: ${note}`));
  let collapsed = 0;
  for (const [i, { health }] of judged.entries()) {
    for (const symptom of health.symptoms) {
      const shows = (other: AnswerHealth | null) =>
        other?.symptoms.some((one) => explains(one, symptom) && gravity(one) >= gravity(symptom)) === true;
      const [here, there] = [judged.filter(({ alone }) => shows(alone)), judged.filter(({ base }) => shows(base))];
      const note = `answer ${i + 1}: ${symptom.text}`;
      if (symptom.kind === "unending answer") notes.push(note);
      else if (there.length >= here.length)
        notes.push(`${note}; the untouched model does so in ${there.length} of ${entries.length}`);
      else {
        blamed.push(symptom);
        if (symptom.level === "collapsed") collapsed += 1;
      }
    }
  }
  const most = 2 * collapsed > entries.length;
  const symptoms = [...byKind(blamed, entries.length, most), ...unending(entries, judged)];
  if (!most) symptoms.push(...sameAnswer(entries, notes));
  symptoms.sort((a, b) => gravity(b) - gravity(a));
  return { verdict: symptoms[0]?.level ?? "healthy", symptoms, notes };
}

/** One symptom for every kind, with the sample that shows it most; collapsed only where the round is. */
function byKind(symptoms: readonly Symptom[], answers: number, collapsed: boolean): Symptom[] {
  return [...new Set(symptoms.map(({ kind }) => kind))].map((kind) => {
    const all = symptoms.filter((symptom) => symptom.kind === kind);
    const worst = all.reduce((a, b) => (gravity(b) > gravity(a) ? b : a));
    const text = `${all.length} of ${answers} answers: ${worst.text}`;
    return { kind, level: collapsed ? worst.level : "suspicious", text };
  });
}

/** More answers that run on past their references than answers that end: a template that never ends a turn. */
function unending(entries: readonly RoundEntry[], judged: readonly { health: AnswerHealth }[]): Symptom[] {
  const kind: SymptomKind = "unending answer";
  const past = judged.filter(({ health }) => health.symptoms.some((symptom) => symptom.kind === kind)).length;
  const ended = entries.filter(({ answer }) => answer.ended).length;
  if (past <= ended) return [];
  const text = `${past} of ${entries.length} answers run on past where the data set's are over, and ${ended} end`;
  return [{ kind: "answers do not end", level: "suspicious", text }];
}

/** One text for every question is right only where the references say it, or the base says one text as well. */
function sameAnswer(entries: readonly RoundEntry[], notes: string[]): Symptom[] {
  const plain = (text: string) => text.replace(/\s+/gu, " ").trim();
  const texts = entries.map(({ answer }) => plain(answer.text));
  const [text] = texts;
  if (text === undefined || text === "" || texts.length < 2 || texts.some((other) => other !== text)) return [];
  const bases = entries.flatMap(({ base }) => (base ? [plain(base.text)] : []));
  const references = entries.flatMap(({ reference }) => (reference === undefined ? [] : [plain(reference)]));
  const right = references.filter((reference) => reference === text).length;
  const said = `all ${texts.length} answers are ${JSON.stringify(text.slice(0, 60))}`;
  if (bases.length > 1 && new Set(bases).size === 1) notes.push(`${said}; the untouched model says one text as well`);
  else if (right > 0 && 2 * right >= references.length) notes.push(`${said}, which is right for ${right} of them`);
  else {
    const collapsed = texts.length > 2 && right === 0 && new Set(references).size > 1;
    const than = references.length > 0 ? `, and ${right} of ${references.length} references are` : "";
    return [
      { kind: "same answer to every question", level: collapsed ? "collapsed" : "suspicious", text: said + than },
    ];
  }
  return [];
}
