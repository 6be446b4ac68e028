import type { SystemEndpoints } from '../endpoints-file.ts';

/** Where everything is, a line each, without secrets: keys are in the file that `--endpoints` writes. */
export function addressLines(endpoints: SystemEndpoints): readonly string[] {
  const part = (connectionString: string, name: string) =>
    new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1] ?? '';
  return [
    `hub        https://${part(endpoints.iotHubConnectionString, 'HostName')}  (trust ${endpoints.caFile})`,
    `events     ${part(endpoints.eventHubConnectionString, 'Endpoint')}  event hub ${endpoints.eventHubName}`,
    `functions  ${endpoints.functionsUrl}/api/health`,
    `history    ${part(endpoints.storageConnectionString, 'TableEndpoint')}  table TwinkeeperDrift`,
    `control    ${endpoints.controlUrl}`,
  ];
}
