import { describe, expect, it, vi } from 'vitest';
import { policyReleaser } from '../../../../infra/local/demo/release-policies.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';

const second = 1_000;

function row(seconds: number, error = 'blastRadius: no room', outcome: DriftRow['outcome'] = 'heldBack'): DriftRow {
  const at = new Date(seconds * second).toISOString();
  return { policy: 'agents', outcome, outcomeAt: at, error } as DriftRow;
}

/** A policy releaser for tests. The test decides when a pause of the releaser ends. */
function releaser() {
  const pauses: ((isOver: boolean) => void)[] = [];
  const notices: string[] = [];
  let seconds = 0;
  const release = vi.fn(async (_policy: string) => {});
  const see = policyReleaser({
    release,
    pause: () => new Promise((resolve) => pauses.push(resolve)),
    notice: (text) => notices.push(text),
    now: () => seconds * second,
  });
  return {
    see,
    release,
    notices,
    pauses,
    async endPause(at: number, isOver = true) {
      seconds = at;
      pauses.shift()?.(isOver);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

describe('the operator of the live demo', () => {
  it('says that a policy has reached its blast radius, and releases the policy after a pause', async () => {
    const { see, release, notices, endPause } = releaser();
    see(row(1));
    expect(notices.join()).toMatch(/agents .*blast radius.*"twinkeeper release agents"/);
    expect(release).not.toHaveBeenCalled();
    await endPause(31);
    expect(release.mock.calls).toEqual([['agents']]);
    expect(notices.at(-1)).toContain('has released policy agents');
  });

  it('says that a repair is contested, and releases the policy after a pause', async () => {
    const { see, release, notices, endPause } = releaser();
    see(row(1, 'contested: somebody deleted this module again'));
    expect(notices.join()).toMatch(/agents stands down .*"twinkeeper release agents"/);
    await endPause(31);
    expect(release.mock.calls).toEqual([['agents']]);
  });

  it('releases a policy once, however many of its rows are held back', async () => {
    const { see, release, pauses, endPause } = releaser();
    see(row(1));
    see(row(2));
    await endPause(31);
    see(row(30));
    expect([release.mock.calls.length, pauses.length]).toEqual([1, 0]);
  });

  it('releases a policy again that holds back after its release', async () => {
    const { see, release, endPause } = releaser();
    see(row(1));
    await endPause(31);
    see(row(3_700));
    await endPause(3_731);
    expect(release).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['other guards', row(1, 'competingConfiguration: a configuration sets it')],
    ['repaired rows', row(1, 'blastRadius: no room', 'enforced')],
  ])('leaves %s alone', (_, other) => {
    const { see, notices } = releaser();
    see(other);
    expect(notices).toEqual([]);
  });

  it('releases nothing when the demo ends during the pause', async () => {
    const { see, release, endPause } = releaser();
    see(row(1));
    await endPause(10, false);
    expect(release).not.toHaveBeenCalled();
  });

  it('says why a policy could not be released, and tries again with the next row', async () => {
    const { see, release, notices, endPause } = releaser();
    release.mockRejectedValueOnce(new Error('no storage'));
    see(row(1));
    await endPause(31);
    expect(notices.at(-1)).toBe('Policy agents could not be released: no storage');
    see(row(32));
    await endPause(62);
    expect(release).toHaveBeenCalledTimes(2);
  });
});
