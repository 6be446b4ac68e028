import { describeRule } from '../../../../functions/api/describe-rule.ts';
import { differences } from '../../../../shared/evidence/index.ts';
import { repairValue, storedRules } from '../../../../shared/policy/index.ts';
import type { JsonObject } from '../../../../shared/twin/index.ts';
import type { PolicyReport } from '../report.ts';
import { html, type Markup } from './markup.ts';
import { facts, table } from './table.ts';
import { cut, moduleName, time, value } from './words.ts';

/** The longest source text of a function that is shown. */
const longestSource = 2_000;

/** What the policies want, and of which devices. */
export function scopeSection(policies: readonly PolicyReport[]): Markup {
  return html`<section>
<h2 id="scope">Scope</h2>
${policies.length === 0 ? html`<p class="notice">No policy was in force, and the history names none.</p>` : ''}
${policies.map(policyScope)}
</section>`;
}

function policyScope({ name, periods, versions }: PolicyReport): Markup {
  const last = periods.at(-1);
  const version = versions.find((each) => each.version === last?.version) ?? versions[0];
  if (version === undefined) {
    return html`<h3>${name}</h3><p class="notice">No definition of this policy is kept from the range or from before it.</p>`;
  }
  const { definition } = version;
  const rules = storedRules(definition);
  return html`<h3>${name}</h3>
${typeof definition.description === 'string' ? html`<p>${cut(definition.description)}</p>` : ''}
${facts([
  ['Version', html`<code>${version.version}</code>`],
  [
    'Mode',
    last === undefined
      ? 'not in force in the range'
      : last.mode === 'audit'
        ? 'audit: departures are recorded, nothing is changed'
        : 'enforce: departures are set back',
  ],
  ['About', moduleName(typeof definition.module === 'string' ? definition.module : '')],
  ['A missing module', definition.createModule === true ? 'is created' : 'is left missing'],
  ['Applies to', scopeOf(definition)],
  ...(definition.evaluate === undefined
    ? []
    : [['Code of its own', html`<code>${cut(String(definition.evaluate), longestSource)}</code>`] as const]),
])}
${
  rules.length === 0
    ? ''
    : table(
        `What ${name} wants: the rule for each desired property`,
        [{ title: 'Property', type: 'head', width: 45 }, { title: 'Rule' }, { title: 'A departure is set to' }],
        rules.map(({ text, rule }) => [html`<code>${text}</code>`, describeRule(rule), value(repairValue(rule), 200)]),
      )
}`;
}

function scopeOf({ appliesTo }: JsonObject): Markup {
  if (appliesTo === undefined) return html`all devices`;
  if (typeof appliesTo === 'string')
    return html`the devices that its code selects: <code>${cut(appliesTo, longestSource)}</code>`;
  return html`devices with ${value(appliesTo, longestSource)}`;
}

/** Which versions were in force when, and what changed between them. */
export function versionsSection(policies: readonly PolicyReport[]): Markup {
  const rows = policies.flatMap(({ name, periods }) =>
    periods.map(({ since, until, version, mode, appVersion }) => [
      name,
      html`<code>${version}</code>`,
      mode,
      time(since),
      until === undefined ? html`still in force` : time(until),
      appVersion,
    ]),
  );
  return html`<section>
<h2 id="versions">Policy versions in force</h2>
<p>A version is a hash of the definition. Each row of the history names the version that judged it.</p>
${
  rows.length === 0
    ? html`<p class="notice">The app has recorded no version in force in the range.</p>`
    : table(
        'Versions in force in the range, oldest first',
        [
          { title: 'Policy', type: 'head' },
          { title: 'Version', type: 'word' },
          { title: 'Mode', type: 'word' },
          { title: 'Since' },
          { title: 'Until' },
          { title: 'App', type: 'word' },
        ],
        rows,
      )
}
${policies.map(changesOf)}
</section>`;
}

function changesOf({ name, periods, versions }: PolicyReport): readonly Markup[] {
  const definitionOf = (version: string) => versions.find((each) => each.version === version)?.definition;
  return periods.slice(1).flatMap((period, index) => {
    const before = periods[index];
    if (before === undefined || before.version === period.version) return [];
    const [old, next] = [definitionOf(before.version), definitionOf(period.version)];
    const title = `What changed in ${name} at ${period.since.slice(0, 19).replace('T', ' ')}`;
    if (old === undefined || next === undefined) {
      return [html`<p class="notice">${title}: one of the two definitions is not kept.</p>`];
    }
    return [
      table(
        title,
        [
          { title: 'Path', type: 'head' },
          { title: `Before (${before.version})` },
          { title: `After (${period.version})` },
        ],
        differences(old, next).map(({ path, before, after }) => [
          html`<code>${path}</code>`,
          value(before, 400),
          value(after, 400),
        ]),
      ),
    ];
  });
}
