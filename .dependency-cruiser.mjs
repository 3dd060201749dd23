// One-way order of the rooms in gateway/ (docs/ARCHITECTURE.md).
const FLOOR = 'settings|metrics|log'
const LEAF = 'authn|classify|pip|pdp|access|store|budget|detect|egress|forward|audit'

/** Only `room` may import npm package `name`. */
const owned = (name, room) => ({
  name: `${name}-only-in-${room}`,
  severity: 'error',
  from: { path: '^gateway/', pathNot: `^gateway/${room}/` },
  to: { path: `node_modules/${name}/` },
})

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'domain-is-the-floor',
      severity: 'error',
      from: { path: '^gateway/domain/' },
      to: { path: '^gateway/', pathNot: '^gateway/domain/' },
    },
    {
      name: 'domain-has-no-packages',
      severity: 'error',
      from: { path: '^gateway/domain/' },
      to: { path: 'node_modules/' },
    },
    {
      name: 'floor-uses-domain-only',
      severity: 'error',
      from: { path: `^gateway/(${FLOOR})/` },
      to: { path: '^gateway/', pathNot: '^gateway/(domain|$1)/' },
    },
    {
      name: 'leaf-rooms-are-strangers',
      severity: 'error',
      from: { path: `^gateway/(${LEAF})/` },
      to: { path: `^gateway/(${LEAF}|pep|pap)/`, pathNot: '^gateway/$1/' },
    },
    {
      name: 'pep-never-imports-pap',
      severity: 'error',
      from: { path: '^gateway/pep/' },
      to: { path: '^gateway/pap/' },
    },
    {
      name: 'pap-never-touches-data-path',
      severity: 'error',
      from: { path: '^gateway/pap/' },
      to: { path: '^gateway/(pep|forward|classify|pip)/' },
    },
    {
      name: 'nobody-imports-main',
      severity: 'error',
      from: {},
      to: { path: '^gateway/main\\.ts$' },
    },
    owned('jose', 'authn'),
    owned('mmdb-lib', 'pip'),
    owned('casbin', 'pdp'),
    owned('http-proxy', 'forward'),
    owned('undici', 'forward'),
    owned('lmdb', 'store'),
    owned('ioredis', 'store'),
    owned('express', 'pap'),
    owned('prom-client', 'metrics'),
    owned('pino', 'log'),
    owned('yaml', 'settings'),
    owned('zod', 'settings'),
    {
      name: 'no-dev-deps-at-runtime',
      severity: 'error',
      from: { path: '^gateway' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    { name: 'not-to-test', severity: 'error', from: { path: '^gateway' }, to: { path: '^test' } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
