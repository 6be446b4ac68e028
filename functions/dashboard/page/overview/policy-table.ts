/** The table of policies, with the percentage of devices that comply with each. A click on a policy filters the page by that policy. */
import type { PolicyAnswer } from '../../../api/history-answers.ts';
import { count, el, find, foreign, percent, refill } from '../markup/index.ts';
import { link } from '../view/index.ts';

export function showPolicies(policies: readonly PolicyAnswer[], chosen: string | undefined): void {
  refill(
    find('policies'),
    policies.length === 0 ? el('p', { class: 'empty' }, 'There are no policies.') : policyTable(policies, chosen),
  );
}

function policyTable(policies: readonly PolicyAnswer[], chosen: string | undefined): HTMLElement {
  const heads = ['policy', 'share', 'compliant', 'devices'].map((text) => el('th', { scope: 'col' }, text));
  const lines = policies.map((policy) => policyLine(policy, policy.name === chosen));
  return el('table', { class: 'plain' }, el('thead', { class: 'hidden' }, el('tr', {}, heads)), el('tbody', {}, lines));
}

function policyLine({ name, devices, compliant = 0, openDevices, mode }: PolicyAnswer, isChosen: boolean): HTMLElement {
  const share = devices === undefined || devices === 0 ? undefined : compliant / devices;
  const bar = el('div', { class: `meter ${share === 1 ? 'full' : ''}`, 'aria-hidden': 'true' });
  bar.style.setProperty('--share', String(share ?? 0));
  return el(
    'tr',
    {},
    el(
      'th',
      { scope: 'row' },
      link({ policy: isChosen ? undefined : name }, { 'aria-current': isChosen ? 'true' : undefined }, foreign(name)),
      mode === 'audit' && el('span', { class: 'tag' }, 'audit'),
    ),
    el('td', { class: 'bar' }, bar),
    el('td', { class: 'number' }, devices === undefined ? '–' : percent(compliant, devices)),
    el(
      'td',
      { class: 'number muted' },
      devices === undefined ? notCounted(openDevices) : `${count(compliant)} / ${count(devices)}`,
    ),
  );
}

/** Before the first sweep, it is not known how many devices a policy has. */
function notCounted(openDevices: number): string {
  return openDevices === 0 ? 'not counted yet' : `${count(openDevices)} out, not counted yet`;
}
