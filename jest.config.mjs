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
  // `interop` needs servers that `npm run test:interop` installs; `npm test` leaves it out.
  projects: [
    ...['unit', 'property', 'cases', 'integration', 'security', 'fault', 'e2e'],
    'interop',
  ].map(project),
  collectCoverageFrom: ['gateway/**/*.ts'],
  coverageProvider: 'babel',
}
