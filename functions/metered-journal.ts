import type { Journal, Outcome } from '../shared/drift/index.ts';

/**
 * Returns the same journal, which also reports each outcome that it stores. `pending` is no outcome, and a row that keeps its outcome is not
 * reported again.
 */
export function meteredJournal(journal: Journal, onOutcome: (policy: string, outcome: Outcome) => void): Journal {
  return {
    read: (deviceId, since, keys) => journal.read(deviceId, since, keys),
    async write(deviceId, rows, known) {
      const before = new Map([...known.recent, ...known.open].map(({ rowKey, outcome }) => [rowKey, outcome]));
      const result = await journal.write(deviceId, rows, known);
      if (result === 'written') {
        for (const { rowKey, policy, outcome } of rows) {
          if (outcome !== 'pending' && before.get(rowKey) !== outcome) onOutcome(policy, outcome);
        }
      }
      return result;
    },
  };
}
