import type { WriteOnceBlobs } from '../../../storage/index.ts';
import { beginOf, type Day, dayAfter } from '../day.ts';
import { type Content, contents, type Manifest } from '../manifest.ts';
import { filesOf, readSealedDay, type StoredManifest, sealedDays } from '../sealed-days.ts';
import type { Report } from './seal-fault.ts';

/** The days to check. Both ends are included. Without an end, the chain ends there. */
export interface DayRange {
  readonly first?: Day | undefined;
  readonly last?: Day | undefined;
}

/** The manifests of the days to check that can be read, oldest first. */
export type CheckedManifest = StoredManifest & { readonly manifest: Manifest };

/**
 * Checks the chain of manifests: each day between the first and the last one has a manifest, and each manifest names the hash of the one
 * before. A change of the newest manifest does not break the chain: its hash must be compared with one that was kept elsewhere.
 *
 * @param lastWhole The last day that is over.
 */
export async function checkChain(
  blobs: WriteOnceBlobs,
  range: DayRange,
  lastWhole: Day,
  report: Report,
): Promise<readonly CheckedManifest[]> {
  const all = await sealedDays(blobs);
  const wanted = all.filter((day) => (range.first ?? day) <= day && day <= (range.last ?? day));
  const [first, last] = [wanted[0], wanted.at(-1)];
  if (first === undefined || last === undefined) return [];
  reportUnsealed(all.at(-1) ?? last, range, lastWhole, report);

  const checked: CheckedManifest[] = [];
  // The manifest before the first day shows whether the first one is linked. The one after the last day shows whether the last one was changed.
  let before = all.includes(dayAfter(first, -1)) ? await readSealedDay(blobs, dayAfter(first, -1)) : undefined;
  for (let day = first; day <= last; day = dayAfter(day)) {
    report.progress(`Checking the chain: ${day}`);
    const stored = await readSealedDay(blobs, day);
    if (stored === undefined) {
      report.fault({ subject: 'manifest', fault: 'missing', day, what: `The manifest of ${day} is missing.` });
    } else if (stored.manifest === undefined) {
      report.fault({ subject: 'manifest', fault: 'changed', day, what: `The manifest of ${day} is not a manifest.` });
    } else {
      for (const what of faultsOf(day, stored.manifest)) {
        report.fault({ subject: 'manifest', fault: 'changed', day, what: `The manifest of ${day} ${what}.` });
      }
      checkLink(stored.manifest, before, day === all[0], report);
      checked.push({ ...stored, manifest: stored.manifest });
    }
    before = stored;
  }
  const after = await readSealedDay(blobs, dayAfter(last));
  if (after?.manifest !== undefined) checkLink(after.manifest, before, false, report);
  return checked;
}

function reportUnsealed(newest: Day, { last }: DayRange, lastWhole: Day, report: Report): void {
  const expected = last !== undefined && last < lastWhole ? last : dayAfter(lastWhole, -1);
  if (newest >= expected) return;
  const what = `The days from ${dayAfter(newest)} to ${expected} have no manifest.`;
  report.fault({ subject: 'manifest', fault: 'missing', day: dayAfter(newest), what });
}

/** Checks that a manifest names the one of the day before. */
function checkLink(manifest: Manifest, before: StoredManifest | undefined, isFirst: boolean, report: Report): void {
  const { day, previous } = manifest;
  const fault = (of: Day, what: string) => report.fault({ subject: 'manifest', fault: 'changed', day: of, what });
  if (previous === null) {
    if (!isFirst) fault(day, `The manifest of ${day} says that it is the first one, and there are earlier ones.`);
  } else if (isFirst) {
    const what = `The manifest of ${previous.day}, which the manifest of ${day} names, is missing.`;
    report.fault({ subject: 'manifest', fault: 'missing', day: previous.day, what });
  } else if (before?.manifest !== undefined && (before.day !== previous.day || before.sha256 !== previous.sha256)) {
    const names = `The manifest of ${day} names ${previous.sha256} of ${previous.day}.`;
    fault(before.day, `The manifest of ${before.day} has the SHA-256 ${before.sha256}. ${names}`);
  }
}

function faultsOf(day: Day, manifest: Manifest): readonly string[] {
  const { from, to, previous } = manifest;
  const isPeriod = from === (previous === null ? null : beginOf(day)) && to === beginOf(dayAfter(day));
  return [
    ...(manifest.day === day ? [] : [`is about ${manifest.day}`]),
    ...(isPeriod ? [] : [`covers ${from} to ${to}`]),
    ...contents
      .filter((content) => linesIn(manifest, content) !== manifest.counts[content])
      .map(
        (content) => `counts ${manifest.counts[content]} ${content}, and its files have ${linesIn(manifest, content)}`,
      ),
  ];
}

function linesIn(manifest: Manifest, content: Content): number {
  return filesOf(manifest, content).reduce((sum, { lines }) => sum + lines, 0);
}
