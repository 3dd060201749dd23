const base = {
  testEnvironment: 'node',
  injectGlobals: false,
  extensionsToTreatAsEsm: ['.ts'],
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
  projects: ['unit', 'property', 'cases', 'integration', 'security', 'fault', 'e2e'].map(project),
  collectCoverageFrom: ['gateway/**/*.ts'],
  coverageProvider: 'babel',
}
