import type { DriftRow } from '../../../shared/drift/index.ts';

/** Milliseconds for which the demo shows the repairs that the blast radius holds back. Then the demo releases the policy. */
const shownFor = 30_000;

export interface PolicyReleaserDependencies {
  /** Lifts the blast radius of a policy for an hour, as `twinkeeper release` does. */
  readonly release: (policy: string) => Promise<void>;
  /** Resolves with true after this many milliseconds, or with false as soon as the demo ends. */
  readonly pause: (milliseconds: number) => Promise<boolean>;
  readonly notice: (text: string) => void;
  readonly now: () => number;
}

/** The guards whose repairs a release lets through, and the sentence about each for the user. */
const releasable: Readonly<Record<string, string>> = {
  blastRadius: 'has reached its blast radius and leaves further twins as they are.',
  contested: 'stands down on a device where somebody undoes its repair again and again.',
};

/**
 * Releases policies in the live demo, like a human operator. When the blast radius holds back a repair of a policy, or somebody contests it,
 * releases the policy half a minute later. Call the returned function with every row of the history that is new or has a new outcome.
 */
export function policyReleaser({ release, pause, notice, now }: PolicyReleaserDependencies): (row: DriftRow) => void {
  const waiting = new Set<string>();
  /** When the demo last released each policy, in milliseconds since 1970. */
  const releasedAt = new Map<string, number>();

  async function releaseLater(policy: string, why: string): Promise<void> {
    notice(
      `Policy ${policy} ${why} In ${shownFor / 1000} s the demo releases it, as "twinkeeper release ${policy}" would.`,
    );
    if (!(await pause(shownFor))) return;
    await release(policy);
    releasedAt.set(policy, now());
    notice(`The demo has released policy ${policy}: no limit for an hour.`);
  }

  return ({ policy, outcome, outcomeAt, error }) => {
    const why = releasable[error?.split(': ')[0] ?? ''];
    if (outcome !== 'heldBack' || why === undefined || waiting.has(policy)) return;
    // Ignores a row that is older than the last release of its policy.
    if (Date.parse(outcomeAt) <= (releasedAt.get(policy) ?? 0)) return;
    waiting.add(policy);
    releaseLater(policy, why)
      .catch((thrown: Error) => notice(`Policy ${policy} could not be released: ${thrown.message}`))
      .finally(() => waiting.delete(policy));
  };
}
