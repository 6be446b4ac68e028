import { AzureMonitorMetricExporter } from '@azure/monitor-opentelemetry-exporter';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Measurement } from './metric-buffer.ts';
import type { TelemetrySettings } from './telemetry-settings.ts';

/** Sends measurements to Application Insights. */
export interface MetricExport {
  /** Sends the measurements. Rejects when the service does not accept them; the measurements are then lost. */
  send(measurements: readonly Measurement[]): Promise<void>;
}

type Meter = ReturnType<MeterProvider['getMeter']>;
type Instrument = ReturnType<Meter['createCounter']> | ReturnType<Meter['createGauge']>;

/** What each metric measures, and its unit. */
const descriptions: Readonly<Record<Measurement['name'], { readonly description: string; readonly unit: string }>> = {
  'twinkeeper.hub.calls': { description: 'HTTP calls to the hub, by class of operations', unit: '{call}' },
  'twinkeeper.hub.throttled': { description: 'Calls that the hub answered with 429, by class', unit: '{call}' },
  'twinkeeper.drift': { description: 'Drift rows that got an outcome, by policy and outcome', unit: '{row}' },
  'twinkeeper.dead_letters': { description: 'Dead letters', unit: '{letter}' },
  'twinkeeper.compliance': { description: 'Devices in line with a policy, in percent', unit: '%' },
  'twinkeeper.sweep.duration': { description: 'Duration of the last sweep that finished', unit: 's' },
};

/** A reader that collects only when it is asked. A timer would not run in an instance that is frozen between invocations. */
class ReaderOnDemand extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Creates the exporter. With a client id in the settings, it signs in with the managed identity. This file loads slowly: load it lazily. */
export async function createMetricExport({ connectionString, clientId }: TelemetrySettings): Promise<MetricExport> {
  // The exporter would otherwise send statistics about itself to Microsoft, with timers of its own.
  process.env.APPLICATION_INSIGHTS_NO_STATSBEAT ??= 'true';
  const credential =
    clientId === undefined
      ? undefined
      : new (await import('@azure/identity')).ManagedIdentityCredential(clientId === '' ? {} : { clientId });
  let problem: string | undefined;
  const exporter = new AzureMonitorMetricExporter({
    connectionString,
    // Without its storage on disk, the exporter drops what the service refuses, and reports a success.
    additionalPolicies: [
      {
        position: 'perCall',
        policy: {
          name: 'twinkeeperRefusals',
          async sendRequest(request, next) {
            problem = 'no answer';
            const response = await next(request);
            problem = response.status === 200 ? undefined : `status ${response.status}`;
            return response;
          },
        },
      },
    ],
    // The disk of an instance is gone with the instance.
    disableOfflineStorage: true,
    retryOptions: { maxRetries: 0 },
    ...(credential === undefined ? {} : { credential }),
  });
  const reader = new ReaderOnDemand({
    aggregationTemporalitySelector: (type) => exporter.selectAggregationTemporality(type),
  });
  const meter = new MeterProvider({ readers: [reader] }).getMeter('twinkeeper');
  const instruments = new Map<string, Instrument>();
  const instrumentOf = ({ kind, name }: Measurement): Instrument => {
    const known = instruments.get(name);
    if (known !== undefined) return known;
    const created =
      kind === 'counter' ? meter.createCounter(name, descriptions[name]) : meter.createGauge(name, descriptions[name]);
    instruments.set(name, created);
    return created;
  };

  return {
    async send(measurements) {
      for (const measurement of measurements) {
        const { attributes, value } = measurement;
        const instrument = instrumentOf(measurement);
        if ('add' in instrument) instrument.add(value, attributes);
        else instrument.record(value, attributes);
      }
      const { resourceMetrics, errors } = await reader.collect();
      if (errors.length > 0) throw errors[0];
      await new Promise<void>((resolve, reject) => {
        exporter.export(resourceMetrics, () => resolve()).catch(reject);
      });
      if (problem !== undefined) throw new Error(`Application Insights did not accept the metrics: ${problem}.`);
    },
  };
}
