import { createHash } from 'node:crypto';
import type { Report } from '../report.ts';
import { complianceSection } from './compliance.ts';
import { departuresSection, openSection } from './departures.ts';
import { html, Markup } from './markup.ts';
import { scopeSection, versionsSection } from './policies.ts';
import { actionsSection, filesSection, frameworksSection, sealsSection } from './records.ts';
import { styles } from './styles.ts';
import { facts } from './table.ts';
import { counted, grouped, time } from './words.ts';

/**
 * A report as one HTML document. It needs no script and no other resource, and its content security policy allows none: also a fault of the
 * escaping could not run a script.
 */
export function reportDocument(report: Report): string {
  const { hubs, from, to, policies, isOfOnePolicy } = report;
  const subject = isOfOnePolicy ? (policies[0]?.name ?? '') : 'all policies';
  const title = `Evidence report: ${subject}, ${hubs.join(', ') || 'hub not known'}`;
  const hash = createHash('sha256').update(styles).digest('base64');
  const content = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Twinkeeper ${report.version}">
<title>${title}, ${day(from)} to ${day(to)}</title>
<style>${new Markup(styles)}</style>
</head>
<body>
<main>
<header>
<p class="kind">Twinkeeper evidence report</p>
<h1>${isOfOnePolicy ? html`Policy ${subject}` : 'All policies'}</h1>
${facts([
  ['Hub', hubs.join(', ') || 'not known: the history of the range has no row'],
  ['Range', html`${time(from)} to ${time(to)} UTC, the end excluded`],
  ['Made', html`${time(report.madeAt)} UTC by ${report.madeBy}, with Twinkeeper ${report.version}`],
  ['Source', report.source],
])}
<p>All times are UTC. The report shows the history as it was when the report was made: a row can get a new outcome later.</p>
</header>
${summary(report)}
<nav aria-label="Sections"><ol>${sections.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ol></nav>
${scopeSection(policies)}
${versionsSection(policies)}
${complianceSection(report)}
${departuresSection(report)}
${openSection(report)}
${actionsSection(report)}
${sealsSection(report.seals)}
${filesSection(report.files)}
${frameworksSection()}
</main>
</body>
</html>
`;
  return content.text;
}

const sections = [
  ['scope', 'Scope'],
  ['versions', 'Policy versions in force'],
  ['compliance', 'Compliance over time'],
  ['departures', 'Departures'],
  ['exceptions', 'Exceptions: open at the end of the range'],
  ['actions', 'Actions'],
  ['seals', 'Seals'],
  ['files', 'Files'],
  ['controls', 'What this evidence can serve'],
] as const;

function summary({ policies, departures, open, actions, seals }: Report): Markup {
  const tile = (number: string, label: string) => html`<li><b>${number}</b> ${label}</li>`;
  return html`<ul class="tiles" aria-label="Summary">
${tile(grouped(policies.length), policies.length === 1 ? 'policy' : 'policies')}
${tile(grouped(departures.total), `${departures.total === 1 ? 'departure' : 'departures'} detected`)}
${tile(grouped(open.total), 'open at the end')}
${tile(grouped(actions.total), actions.total === 1 ? 'action' : 'actions')}
${seals === undefined ? '' : tile(seals.length === 0 ? 'none' : grouped(seals.length), seals.length === 0 ? 'of the days sealed' : `${counted(seals.length, 'day').replace(/^\S+ /, '')} sealed`)}
</ul>`;
}

function day(iso: string): string {
  return iso.slice(0, 10);
}
