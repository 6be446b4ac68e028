import { az } from '../az.ts';
import type { Check } from '../check.ts';
import { type Finding, fault, faultsOr, unknown, warning } from '../finding.ts';

export const appHealthCheck: Check = {
  id: 'app-health',
  title: 'What the app says about itself',
  async run({ deployment, app }) {
    const { functionApp: name, resourceGroup } = deployment.names;
    if (app === undefined)
      return [unknown('The address of the app is not known: give --url, or set FUNCTION_APP_URL.')];
    const answer = await app.details();
    switch (answer.type) {
      case 'silent':
        return [fault(answer.reason, az('functionapp restart', { name, resourceGroup }), 'azd deploy')];
      case 'notStarted':
        return answer.faults.map((each) => fault(`The app did not start: ${each}`, 'azd provision', 'azd deploy'));
      case 'refused':
        return [
          unknown(
            `${app.url} refuses access: ${app.hasKey ? 'the key is not one of its function keys' : 'it needs a function key, in FUNCTION_APP_KEY or --key'}.`,
            `export FUNCTION_APP_KEY="$(${az('functionapp keys list', { name, resourceGroup, query: 'functionKeys.default', output: 'tsv' })})"`,
          ),
        ];
      case 'details': {
        const { status, checks = {}, problems, state } = answer.details;
        if (status === 'unknown') return [unknown('The health check of the app is slow. Ask again in a minute.')];
        // An older app tells its parts and not its problems.
        const found =
          problems === undefined
            ? Object.values(checks).flatMap(({ ok, detail }) => (ok ? [] : [fault(detail)]))
            : problems.flatMap(toFinding);
        return faultsOr(`It is ${status}${state?.mode === undefined ? '' : `, in the mode ${state.mode}`}.`, found);
      }
    }
  },
};

interface Problem {
  readonly severity: string;
  readonly sentence: string;
  readonly advice: string;
}

function toFinding({ severity, sentence, advice }: Problem): readonly Finding[] {
  if (severity === 'information') return [];
  return [(severity === 'ill' ? fault : warning)(`${sentence} ${advice}`)];
}
