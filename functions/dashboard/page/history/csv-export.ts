/** Saves the history rows that match the page's filters and time range as a CSV file. */

import { appNow, askCsv } from '../api/index.ts';
import { counted, fill, find } from '../markup/index.ts';
import { timeRange, type View } from '../view/index.ts';

/**
 * Downloads the CSV file. The button shows "Exporting…" until the download ends.
 *
 * @throws {Problem} when the API refuses the request or cannot be reached.
 */
export async function exportCsv({ filters, time }: View): Promise<void> {
  const button = find('csv');
  fill(button, 'Exporting…');
  try {
    const { from, to } = timeRange(time, appNow());
    const blob = await askCsv({ ...filters, from, to });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `twinkeeper-drift-${from.slice(0, 16)}-${to.slice(0, 16)}.csv`.replaceAll(':', '');
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    fill(find('announce'), `Exported ${counted(Math.ceil(blob.size / 1024), 'kilobyte')} as CSV.`);
  } finally {
    fill(button, 'Export CSV');
  }
}
