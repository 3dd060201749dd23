/**
 * The kinds of files operators edit, each with its schema. To add one: write
 * `schemas/<kind>.ts`, add an entry here, run `npm run generate`, and name the schema in the
 * modeline of the file (`# yaml-language-server: $schema=…`).
 */
import type { z } from 'zod'
import { approvalsSchema } from './approvals.ts'
import { conditionsSchema } from './conditions.ts'
import { gatewaySchema } from './gateway.ts'
import { grantsSchema } from './grants.ts'
import { limitsSchema } from './limits.ts'
import { packSchema } from './pack.ts'
import { policyFixturesSchema } from './policy-fixtures.ts'
import { policyTestsSchema } from './policy-tests.ts'
import { resourcesSchema } from './resources.ts'

/** One kind of file. */
export interface DocumentKind {
  /** Short name; also the file name of its JSON Schema and the end of its `$id`. */
  readonly kind: string
  readonly title: string
  readonly schema: z.ZodType
  /** The file as operators know it, from the root of the project. */
  readonly file: string
  /** The generated reference page, from the root of the project. */
  readonly page: string
  /** Whether `MODELGATE_*` variables override its keys. */
  readonly variables: boolean
}

/** Every kind of file that has a generated JSON Schema and reference page. */
export const DOCUMENT_SCHEMAS: readonly DocumentKind[] = [
  {
    kind: 'gateway',
    title: 'Configuration',
    schema: gatewaySchema,
    file: 'config/gateway.yaml',
    page: 'docs/reference/configuration.md',
    variables: true,
  },
  {
    kind: 'conditions',
    title: 'Conditions',
    schema: conditionsSchema,
    file: 'rules/conditions.yaml',
    page: 'docs/reference/conditions.md',
    variables: false,
  },
  {
    kind: 'resources',
    title: 'Resources',
    schema: resourcesSchema,
    file: 'rules/resources.yaml',
    page: 'docs/reference/resources.md',
    variables: false,
  },
  {
    kind: 'limits',
    title: 'Limits',
    schema: limitsSchema,
    file: 'rules/limits.yaml',
    page: 'docs/reference/limits.md',
    variables: false,
  },
  {
    kind: 'grants',
    title: 'Grants',
    schema: grantsSchema,
    file: 'rules/grants.yaml',
    page: 'docs/reference/grants.md',
    variables: false,
  },
  {
    kind: 'approvals',
    title: 'Approvals',
    schema: approvalsSchema,
    file: 'rules/approvals.yaml',
    page: 'docs/reference/approvals.md',
    variables: false,
  },
  {
    kind: 'routes',
    title: 'Routes',
    schema: packSchema,
    file: 'rules/routes/*.yaml',
    page: 'docs/reference/routes.md',
    variables: false,
  },
  {
    kind: 'policy-tests',
    title: 'Policy tests',
    schema: policyTestsSchema,
    file: 'rules/tests/*_test.yaml',
    page: 'docs/reference/policy-tests.md',
    variables: false,
  },
  {
    kind: 'policy-fixtures',
    title: 'Fixtures of policy tests',
    schema: policyFixturesSchema,
    file: 'rules/tests/testdata/*.yaml',
    page: 'docs/reference/policy-fixtures.md',
    variables: false,
  },
]

/** The `$id` of the JSON Schema of `kind`; the version changes when a file would stop loading. */
export function schemaId(kind: string): string {
  return `https://modelgate.dev/schemas/v1/${kind}.schema.json`
}

/** Where the JSON Schema of `kind` is generated, from the root of the project. */
export function schemaFile(kind: string): string {
  return `config/${kind}.schema.json`
}
