/** Loads an app as the Functions worker does, and sends the duration in milliseconds. */
import { createRequire } from 'node:module';
import { installCoreApi } from '../../local/host/core-api.ts';
import { givenOptions, sendResult } from '../child-process.ts';

const { file } = givenOptions<{ readonly file: string }>();
const require = createRequire(file);
installCoreApi(() => {});

const from = process.hrtime.bigint();
require(file);
sendResult(Number(process.hrtime.bigint() - from) / 1e6);
