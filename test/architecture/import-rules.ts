import type { ICruiseOptions, IForbiddenRuleType } from 'dependency-cruiser';

/**
 * The import rules between the folders of `shared/`, which `imports.test.ts` checks. A folder may import only the folders that are listed
 * for it, and only their `index.ts`. No two files may import each other, not even types.
 */
const rooms: Readonly<Record<string, readonly string[]>> = {
  'shared/identity': [],
  'shared/twin': [],
  'shared/events': ['twin'],
  'shared/storage': ['identity'],
  'shared/actions': ['storage'],
  'shared/policy': ['twin'],
  'shared/query': ['twin'],
  'shared/hub': ['identity', 'twin'],
  'shared/drift': ['storage', 'policy', 'twin'],
  'shared/retry': ['storage', 'events'],
  'shared/guards': ['drift', 'hub', 'storage', 'policy', 'query', 'twin'],
  'shared/reconcile': ['guards', 'retry', 'drift', 'hub', 'policy', 'events', 'twin'],
  'shared/sweep': ['reconcile', 'guards', 'drift', 'hub', 'storage', 'policy', 'query', 'twin'],
  'shared/evidence': ['sweep', 'actions', 'drift', 'storage', 'policy', 'twin'],
  'shared/status': ['identity', 'sweep', 'guards', 'retry', 'drift', 'hub', 'storage', 'policy'],
  'shared/forecast': ['sweep', 'reconcile', 'guards', 'drift', 'hub', 'policy', 'twin'],
};

/**
 * Pattern of the files directly in `shared/`, such as the clock and the log. Every folder of `shared/` may import these files. These files
 * import nothing of the project.
 */
const ground = '^shared/[^/]+\\.ts$';

/** Patterns of the `index.ts` files that other folders may import. `sweep/store`, `sweep/where` and `evidence/seal` have an `index.ts` of their own. */
const faces = ['^shared/[^/]+/index\\.ts$', '^shared/(sweep/(store|where)|evidence/seal)/index\\.ts$'];

const roomRules = Object.entries(rooms).map(([room, below]) => ({
  name: `${room} imports only the rooms below it`,
  severity: 'error' as const,
  from: { path: `^${room}/` },
  to: {
    path: '^(shared|functions|infra|test)/',
    pathNot: [`^${room}/`, ground, ...below.map((name) => `^shared/${name}/`)],
  },
}));

export const forbidden: IForbiddenRuleType[] = [
  ...roomRules,
  {
    name: 'no circle of files',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'the ground imports nothing',
    severity: 'error',
    from: { path: ground },
    to: { path: '^(shared|functions|infra|test)/' },
  },
  {
    name: 'a room of shared imports another room by its index.ts',
    severity: 'error',
    from: { path: '^shared/([^/]+)/' },
    to: { path: '^shared/[^/]+/', pathNot: ['^shared/$1/', ...faces] },
  },
  {
    name: 'functions and infra import a room of shared by its index.ts',
    comment: 'The measurements write history rows themselves, and so need the files behind the index.',
    severity: 'error',
    from: { path: '^(functions|infra)/', pathNot: '^infra/bench/' },
    to: { path: '^shared/[^/]+/', pathNot: faces },
  },
  {
    name: 'shared knows nothing of Azure Functions',
    severity: 'error',
    from: { path: '^shared/' },
    to: { path: 'node_modules/@azure/functions' },
  },
  {
    name: 'only shared/hub knows azure-iothub',
    severity: 'error',
    from: { path: '^(shared|functions)/', pathNot: '^shared/hub/' },
    to: { path: 'node_modules/azure-iothub' },
  },
  {
    name: 'production code never imports infra or tests',
    severity: 'error',
    from: { path: '^(shared|functions)/' },
    to: { path: '^(infra|test)/' },
  },
  {
    name: 'only shared/storage loads the SDKs of Azure Storage',
    severity: 'error',
    from: { path: '^(shared|functions)/', pathNot: '^shared/storage/' },
    to: { path: 'node_modules/@azure/(data-tables|storage-queue)/', dependencyTypesNot: ['type-only'] },
  },
  {
    name: 'infra/local never imports the command or the measurements',
    severity: 'error',
    from: { path: '^infra/local/' },
    to: { path: '^infra/(cli|bench|build)/' },
  },
  {
    name: 'the command never imports the measurements',
    severity: 'error',
    from: { path: '^infra/cli/' },
    to: { path: '^infra/(bench|build)/' },
  },
  {
    name: 'the command and the local system import only the API, the policies and the settings of the app',
    severity: 'error',
    from: { path: '^infra/(cli|local)/' },
    to: { path: '^functions/', pathNot: ['^functions/api/', '^functions/policies/', '^functions/settings\\.ts$'] },
  },
];

export const options: ICruiseOptions = {
  // swc parses the files, because TypeScript 7 has no API that the import checker could use.
  parser: 'swc',
  tsPreCompilationDeps: true,
  doNotFollow: { path: 'node_modules' },
};
