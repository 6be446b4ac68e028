import { az } from '../az.ts';
import type { Check } from '../check.ts';
import { type Finding, fault, faultsOr, unknown, warning } from '../finding.ts';

/** The versions of Node on which the app is tested. */
const nodeOfApp = ['22', '24'];
const oldestNode = [22, 18] as const;

export const versionsCheck: Check = {
  id: 'versions',
  title: 'Versions of the app, of this command and of Node',
  async run({ deployment, app, command }) {
    const { functionApp: name, resourceGroup } = deployment.names;
    const [answer, runtime] = await Promise.all([
      app?.details(),
      deployment.site().then(
        ({ properties }) => properties.functionAppConfig?.runtime ?? null,
        () => undefined,
      ),
    ]);
    const version = answer?.type === 'details' ? answer.details.state?.version : undefined;
    const found: (Finding | undefined)[] = [
      isTooOld(command.node)
        ? fault(`This command runs on Node ${command.node}. It needs Node ${oldestNode.join('.')} or newer.`, 'npm ci')
        : undefined,
      runtime !== undefined &&
      runtime !== null &&
      !(runtime.name === 'node' && nodeOfApp.includes(runtime.version ?? ''))
        ? fault(
            `The app runs on ${runtime.name} ${runtime.version ?? ''}. Twinkeeper needs node ${nodeOfApp.join(' or ')}.`,
            az('functionapp runtime config set', { name, resourceGroup, runtimeVersion: '24' }),
          )
        : undefined,
      version !== undefined && version !== command.version
        ? warning(`The app is version ${version}, and this command is ${command.version}.`, 'npm ci', 'azd deploy')
        : undefined,
    ];
    if (version === undefined && found.every((each) => each === undefined)) {
      return [unknown(`This command is ${command.version} on Node ${command.node}. The app did not tell its version.`)];
    }
    return faultsOr(
      `The app and this command are ${command.version}. The command runs on Node ${command.node}${runtime == null ? '' : `, the app on Node ${runtime.version}`}.`,
      found,
    );
  },
};

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1]);
}
