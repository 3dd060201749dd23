/**
 * What SARIF 2.1.0 (OASIS standard, errata 01) asks of the objects that the gateway writes, as a
 * JSON Schema: §3.13 log file, §3.14 run, §3.18 tool, §3.19 component, §3.27 result, §3.28 location,
 * §3.29 physical location, §3.4 artifact location, §3.30 region, §3.49 reporting descriptor,
 * §3.11 message. Unlike the official schema it allows nothing besides.
 */
const object = (required: readonly string[], properties: object) => ({
  type: 'object',
  required,
  properties,
  additionalProperties: false,
})

const message = object(['text'], { text: { type: 'string' } })
const level = { enum: ['none', 'note', 'warning', 'error'] }
const positive = { type: 'integer', minimum: 1 }

const reportingDescriptor = object(['id'], {
  id: { type: 'string', minLength: 1 },
  shortDescription: message,
  defaultConfiguration: object([], { level }),
})

/** RFC 3986 §4.1 as far as it matters: no white space, nothing that must be encoded. */
const uri = { type: 'string', pattern: "^(file:///)?[A-Za-z0-9\\-._~%!$&'()*+,;=:@/]*$" }

const result = object(['message'], {
  ruleId: { type: 'string', minLength: 1 },
  ruleIndex: { type: 'integer', minimum: 0 },
  level,
  message,
  locations: {
    type: 'array',
    minItems: 1,
    items: object([], {
      physicalLocation: object(['artifactLocation'], {
        artifactLocation: object(['uri'], { uri }),
        region: object(['startLine'], { startLine: positive, startColumn: positive }),
      }),
    }),
  },
})

/** See the module. */
export const SARIF_FIELDS = object(['version', 'runs'], {
  $schema: { type: 'string' },
  version: { const: '2.1.0' },
  runs: {
    type: 'array',
    minItems: 1,
    items: object(['tool', 'results'], {
      tool: object(['driver'], {
        driver: object(['name'], {
          name: { type: 'string', minLength: 1 },
          semanticVersion: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+' },
          rules: { type: 'array', uniqueItems: true, items: reportingDescriptor },
        }),
      }),
      columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
      results: { type: 'array', items: result },
    }),
  },
})
