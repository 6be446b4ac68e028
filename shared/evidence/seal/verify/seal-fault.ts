import type { ActionRecord } from '../../../actions/index.ts';
import type { Day } from '../day.ts';
import type { RowIdentity } from '../lines.ts';

/** One thing that is not as it was sealed. */
export type SealFault =
  /** `missing`: a day between two sealed days has no manifest, or the days since the last seal have none. `changed`: a manifest is not the one that was sealed. */
  | { readonly subject: 'manifest'; readonly fault: 'missing' | 'changed'; readonly day: Day; readonly what: string }
  | {
      readonly subject: 'file';
      readonly fault: 'missing' | 'changed';
      readonly day: Day;
      readonly name: string;
      readonly what: string;
    }
  | {
      readonly subject: 'row';
      /** `slippedIn`: the row is in the table with something that happened on a sealed day, and no seal has the row. */
      readonly fault: 'changed' | 'removed' | 'slippedIn';
      /** The table: the journal has the rows by device, and the timeline has them by time. */
      readonly table: 'journal' | 'timeline';
      readonly row: RowIdentity;
      readonly what: string;
    }
  | {
      readonly subject: 'action';
      readonly fault: 'changed' | 'removed' | 'slippedIn';
      readonly action: Pick<ActionRecord, 'id' | 'at'> & { readonly action?: string };
      readonly what: string;
    };

/** Where a check reports to. */
export interface Report {
  fault(fault: SealFault): void;
  /** What the check does now, in one line for a terminal. */
  progress(text: string): void;
}
