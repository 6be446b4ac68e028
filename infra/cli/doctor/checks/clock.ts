import type { Check } from '../check.ts';
import { fault, ok, unknown } from '../finding.ts';

/** Milliseconds by which the clock may be wrong. Sign-ins fail from five minutes on, and times in the output would mislead earlier. */
const tolerance = 60_000;

export const clockCheck: Check = {
  id: 'clock',
  title: 'The clock of this machine',
  async run({ deployment }) {
    // Any answer of Azure tells the time, also one about a hub that does not exist.
    await deployment.hub().catch(() => {});
    const lead = deployment.azure.clockLead();
    if (lead === undefined) return [unknown('Azure did not answer, so there is no clock to compare with.')];
    const seconds = Math.round(Math.abs(lead) / 1000);
    if (Math.abs(lead) <= tolerance) return [ok(`It differs from Azure's clock by ${seconds} s.`)];
    return [
      fault(
        `It is ${seconds} s ${lead > 0 ? 'ahead of' : 'behind'} Azure's clock. Sign-ins fail with such a clock.`,
        process.platform === 'win32' ? 'w32tm /resync' : 'sudo timedatectl set-ntp true',
      ),
    ];
  },
};
