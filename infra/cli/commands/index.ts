/** All subcommands of `twinkeeper`. A subcommand is loaded only when it is needed, because loading all of them makes the start slow. */
import type { Command } from 'commander';

/** Loads a subcommand, by name. The order is that of the help text. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
  local: async () => (await import('./local.ts')).localCommand(),
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLettersCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  release: async () => (await import('./release.ts')).releaseCommand(),
  validate: async () => (await import('./validate.ts')).validateCommand(),
  plan: async () => (await import('./plan.ts')).planCommand(),
  sweep: async () => (await import('./sweep.ts')).sweepCommand(),
  drift: async () => (await import('./drift.ts')).driftCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  actions: async () => (await import('./actions.ts')).actionsCommand(),
  report: async () => (await import('./report.ts')).reportCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  connect: async () => (await import('./connect.ts')).connectCommand(),
  disconnect: async () => (await import('./disconnect.ts')).disconnectCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  devices: async () => (await import('./devices.ts')).devicesCommand(),
  device: async () => (await import('./device.ts')).deviceCommand(),
};
