/** The text that `twinkeeper doctor` shows. Pure functions. */
import { createColors } from 'picocolors';
import type { Checked, Finding, FindingState, Verdict } from '../doctor/index.ts';
import { safeText } from './safe-text.ts';

type Colours = ReturnType<typeof createColors>;

const marks: Readonly<Record<FindingState, (colours: Colours) => string>> = {
  ok: ({ green }) => green('ok     '),
  warning: ({ yellow }) => yellow('warning'),
  fault: ({ red }) => red('fault  '),
  unknown: ({ yellow }) => yellow('unknown'),
  skipped: ({ dim }) => dim('skipped'),
};

const verdicts: Readonly<Record<Verdict, string>> = {
  healthy: 'Nothing is wrong.',
  faulty: 'Something is wrong. Run the commands after $, from the top, and then this command again.',
  unknown: 'Nothing was found wrong, but not everything could be looked at.',
};

/** Renders one check as lines of text: its title, and for each finding its state, what was found, and the commands that repair it. */
export function renderChecked({ title, findings }: Checked, colour: boolean): string {
  const colours = createColors(colour);
  const lines = findings.flatMap((finding) => linesOf(finding, colours));
  return `${[colours.bold(title), ...lines].join('\n')}\n`;
}

function linesOf({ state, what, mend }: Finding, colours: Colours): readonly string[] {
  return [
    `  ${marks[state](colours)}  ${safeText(what, 1000)}`,
    // A command must be whole, so that it can be copied.
    ...mend.map((command) => `             ${colours.dim('$')} ${safeText(command, 4000)}`),
  ];
}

export function renderVerdict(verdict: Verdict, colour: boolean): string {
  return `\n${createColors(colour).bold(verdicts[verdict])}\n`;
}
