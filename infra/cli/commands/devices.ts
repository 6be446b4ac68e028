import { Command, Option } from 'commander';
import type { FoundDevicesAnswer } from '../../../functions/api/answers.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { apiClient } from './api-client.ts';
import { print } from './print.ts';
import { parseCount } from './query-option.ts';

interface DevicesOptions {
  readonly search?: string;
  readonly tag?: string;
  readonly limit: number;
  readonly url?: string;
  readonly key?: string;
  readonly json?: true;
}

const largestPage = 1000;

/** `twinkeeper devices`: finds devices of the hub by a part of the id or by a tag. The running app asks the hub. */
export function devicesCommand(): Command {
  return new Command('devices')
    .summary('Finds devices of the hub by a part of the id or by a tag.')
    .description(
      'Finds devices of the hub, also those without drift, by a part of the id, by a tag, or by both. The running app asks the hub, which takes ' +
        'messages of the daily quota: about one for each 100 ids.',
    )
    .option('--search <part>', 'Selects devices whose id contains this. Upper and lower case count.')
    .option(
      '--tag <name:value>',
      'Selects devices with this tag, or with a name alone, devices that have the tag. Dots separate nested keys.',
    )
    .option('--limit <n>', 'Limits the number of devices.', parseCount, 100)
    .addOption(new Option('--url <functions-url>', 'Names the running app. Without this option: FUNCTION_APP_URL.'))
    .option('--key <function-key>', 'Sets the function key of --url. Without this option: FUNCTION_APP_KEY.')
    .option('--json', 'Prints one JSON object for each line (NDJSON).')
    .addHelpText(
      'after',
      `
A line on standard error says whether all devices of the hub were searched. The exit code is 0 when a device was found, 2 when none was found
among all devices, and 1 when the search failed.

Examples:
  $ twinkeeper devices --search press --url https://my-app.azurewebsites.net --key KEY
  $ twinkeeper devices --tag site:north --limit 1000 > north.txt
  $ twinkeeper devices --tag location.plant:43 --json | jq -r .deviceId`,
    )
    .action(devices);
}

async function devices({ search, tag, limit, url, key, json }: DevicesOptions): Promise<void> {
  const { FUNCTION_APP_URL, FUNCTION_APP_KEY } = process.env;
  if (search === undefined && tag === undefined) throw new Error('Nothing to search for: give --search or --tag.');
  const address = url ?? FUNCTION_APP_URL;
  if (!address) throw new Error('No running app: give --url, or set FUNCTION_APP_URL.');
  const api = apiClient(address, key ?? (FUNCTION_APP_KEY || undefined));
  let found = 0;
  let read = 0;
  let cursor: string | undefined;
  let isWalk = false;
  do {
    const question = { search, tag, limit: Math.min(largestPage, limit - found), cursor };
    const page = await api.get<FoundDevicesAnswer>('devices', 'devices', question);
    const shown = page.devices.slice(0, limit - found);
    found += shown.length;
    read += page.searched.read;
    isWalk ||= page.searched.by === 'walk';
    // Ids that the answer has and the limit leaves out are searched, but not shown.
    cursor = shown.length < page.devices.length ? 'left out' : page.cursor;
    const lines = shown.map((device) => (json ? safeJson(device) : safeText(device.deviceId)));
    if (lines.length > 0 && !(await print(`${lines.join('\n')}\n`))) return;
  } while (cursor !== undefined && found < limit);
  const how = isWalk ? ` The hub cannot search for a part of an id: the app compared ${read} ids.` : '';
  const end = cursor === undefined ? 'All devices of the hub were searched.' : 'There may be more: see --limit.';
  process.stderr.write(`${found} ${found === 1 ? 'device' : 'devices'} found. ${end}${how}\n`);
  if (found === 0) process.exitCode = 2;
}
