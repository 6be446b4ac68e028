/** azd runs this after it has made the resources: it adds Twinkeeper's endpoint and routes to the hub. */
import { runCommand } from './run-command.js';

runCommand('connect');
