import { readSettings, SettingsError } from '../../../../functions/settings.ts';
import { az } from '../az.ts';
import type { Check } from '../check.ts';
import type { AppIdentity, Deployment } from '../deployment.ts';
import { type Finding, fault, faultsOr, warning } from '../finding.ts';

type Settings = Readonly<Record<string, string>>;

/** Settings that a plan of the kind Flex Consumption refuses or ignores, and that older guides tell people to set. */
const notOnFlex = [
  'FUNCTIONS_WORKER_RUNTIME',
  'FUNCTIONS_EXTENSION_VERSION',
  'WEBSITE_RUN_FROM_PACKAGE',
  'WEBSITE_NODE_DEFAULT_VERSION',
  'SCM_DO_BUILD_DURING_DEPLOYMENT',
  'ENABLE_ORYX_BUILD',
];

export const settingsCheck: Check = {
  id: 'settings',
  title: 'The settings of the app',
  async run({ deployment }) {
    const [settings, identity] = await Promise.all([deployment.settings(), deployment.identity()]);
    const hub = await deployment.hub().catch(() => undefined);
    const { functionApp: name, resourceGroup } = deployment.names;
    const set = (setting: string, value: string) =>
      az('functionapp config appsettings set', { name, resourceGroup, settings: [`${setting}=${value}`] });

    const wrong = differences(settings, expected(deployment, identity)).map(([setting, value]) =>
      fault(`${setting} is ${shown(settings[setting])}. It must be ${value}.`, set(setting, value)),
    );
    const hostName = hub?.properties.hostName;
    const budget = differences(settings, {
      TWINKEEPER_HUB_TIER: hub?.sku.name,
      TWINKEEPER_HUB_UNITS: hub?.sku.capacity === undefined ? undefined : String(hub.sku.capacity),
    }).map(([setting, value]) =>
      warning(
        `${setting} is ${shown(settings[setting])}, and the hub has ${value}. The budget of hub calls is wrong.`,
        set(setting, value),
      ),
    );
    const useless = notOnFlex.filter((setting) => settings[setting] !== undefined);
    return faultsOr('They are valid, and they name this hub, event hub, storage account and identity.', [
      ...faultsOfValues(settings, wrong),
      ...wrong,
      ...(hostName !== undefined && differs(settings.IOTHUB_HOSTNAME, hostName)
        ? [
            fault(
              `IOTHUB_HOSTNAME is ${shown(settings.IOTHUB_HOSTNAME)}. It must be ${hostName}.`,
              set('IOTHUB_HOSTNAME', hostName),
            ),
          ]
        : []),
      ...budget,
      useless.length === 0
        ? undefined
        : fault(
            `${useless.join(', ')} must not be set on a Flex Consumption plan.`,
            az('functionapp config appsettings delete', { name, resourceGroup, settingNames: useless }),
          ),
    ]);
  },
};

/** What the app itself would refuse, except settings that are named by another finding. */
function faultsOfValues(settings: Settings, others: readonly Finding[]): readonly Finding[] {
  try {
    readSettings(settings);
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.faults
      .map(({ message }) => message)
      .filter((message) => !others.some(({ what }) => what.startsWith(`${message.split(' ', 1)[0]} `)))
      .map((message) => fault(message, 'azd provision'));
  }
}

/** The values that follow from the parts of the deployment. */
function expected(
  { names }: Deployment,
  identity: AppIdentity | undefined,
): Readonly<Record<string, string | undefined>> {
  const clientId = identity?.clientId;
  return {
    EventHubConnection__fullyQualifiedNamespace: names.eventHubHost,
    EventHubConnection__credential: 'managedidentity',
    EventHubConnection__clientId: clientId,
    EVENTHUB_NAME: names.eventHub,
    EVENTHUB_CONSUMER_GROUP: names.consumerGroup,
    IOTHUB__clientId: clientId,
    AzureWebJobsStorage__credential: 'managedidentity',
    AzureWebJobsStorage__clientId: clientId,
    AZURE_CLIENT_ID: clientId,
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
  };
}

/** The settings that have another value than the wanted one. Wanted values that are not known are left out. */
function differences(
  settings: Settings,
  wanted: Readonly<Record<string, string | undefined>>,
): readonly (readonly [setting: string, value: string])[] {
  return Object.entries(wanted).flatMap(([setting, value]) =>
    value !== undefined && differs(settings[setting], value) ? [[setting, value] as const] : [],
  );
}

/** Host names, names and GUIDs count without regard to case. */
function differs(found: string | undefined, wanted: string): boolean {
  return found?.toLowerCase() !== wanted.toLowerCase();
}

/** A value for the output. People paste secrets into the wrong setting, and secrets have `=` or are long. */
function shown(value: string | undefined): string {
  if (value === undefined || value === '') return 'missing';
  return value.includes('=') || value.length > 100 ? 'another value' : value;
}
