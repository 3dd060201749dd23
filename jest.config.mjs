const base = {
  testEnvironment: 'node',
  injectGlobals: false,
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
}

const project = (name) => ({
  ...base,
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
})

/** @type {import('jest').Config} */
export default {
  // A bound on what hangs, not a measure of speed: machines are slow and shared. In a project it would
  // be ignored.
  testTimeout: 20_000,
  // `interop` needs servers that `npm run test:interop` installs; `npm test` leaves it out.
  projects: [...['unit', 'property', 'integration', 'security', 'fault', 'e2e'], 'interop'].map(
    project,
  ),
  collectCoverageFrom: ['gateway/**/*.ts'],
  coverageProvider: 'babel',
}
