import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { effectiveText } from '../../../gateway/settings/effective.ts'
import { generatedFiles, jsonSchemaOf } from '../../../gateway/settings/reference.ts'
import { fieldsOf } from '../../../gateway/settings/schema-walk.ts'
import { DOCUMENT_SCHEMAS } from '../../../gateway/settings/schemas/index-of-documents.ts'
import { gatewaySchema } from '../../../gateway/settings/schemas/gateway.ts'
import { loaded, MINIMAL } from './support.ts'

describe('generated files', () => {
  it.each(generatedFiles().map((file) => [file.path, file.text]))(
    '%s is what the schema says (npm run generate)',
    (path, text) => {
      expect(readFileSync(path, 'utf8')).toBe(text)
    },
  )

  it('describe every key', () => {
    for (const { schema } of DOCUMENT_SCHEMAS) {
      const silent = fieldsOf(schema).filter((field) => field.description === '')
      expect(silent.map((field) => field.path.join('.'))).toEqual([])
    }
  })

  it('are draft-07 schemas under a stable id', () => {
    for (const kind of DOCUMENT_SCHEMAS) {
      expect(jsonSchemaOf(kind)).toMatchObject({
        $schema: 'http://json-schema.org/draft-07/schema#',
        $id: `https://modelgate.dev/schemas/v1/${kind.kind}.schema.json`,
      })
    }
  })

  it('accept the sample and refuse unknown keys, as the loader does', () => {
    const kind = DOCUMENT_SCHEMAS.find((k) => k.kind === 'gateway')
    if (kind === undefined) throw new Error('no gateway schema')
    const validate = new Ajv({ strict: false }).compile(jsonSchemaOf(kind))
    const sample = parse(readFileSync(kind.file, 'utf8')) as object
    expect(validate(sample)).toBe(true)
    expect(validate(parse(MINIMAL))).toBe(true)
    expect(validate({ ...sample, upstream: [] })).toBe(false)
    expect(validate({ ...sample, limits: { peek_bytes: '1 MB' } })).toBe(false)
  })

  it('name the variable of each key in the reference', () => {
    const page = generatedFiles().find((f) => f.path === 'docs/reference/configuration.md')?.text
    expect(page).toContain(
      '| `limits.peek_bytes` | size | `1MiB` | `MODELGATE_LIMITS_PEEK_BYTES` | ',
    )
    expect(page).toContain('| `upstreams[].url` | text | required | `MODELGATE_UPSTREAMS_N_URL` | ')
    expect(page).toContain('| `issuers[].audience` | text or list of text | required |')
  })
})

describe('the effective configuration', () => {
  const env = { MODELGATE_LOG_LEVEL: 'warn' }
  const overrides = { 'listen.data.port': 0 }

  it('shows every value with its source', () => {
    const text = effectiveText(loaded({ env, overrides }), { redact: true })
    expect(text).toContain('\n    port: 0 # from flag\n')
    expect(text).toContain('\n  level: warn # from environment\n')
    expect(text).toContain('\n    url: http://127.0.0.1:8000 # from file\n')
    expect(text).toContain('\n  peek_bytes: 1MiB # from default\n')
    expect(text).toContain('\n    name: idp-example-com # from default\n')
    expect(text.split('\n').filter((line) => / # from \w+$/.test(line)).length).toBeGreaterThan(50)
  })

  it('loads again to the same settings', () => {
    const text = readFileSync('config/gateway.yaml', 'utf8').concat(
      'assertion: { signing_key_file: keys/a.pem }\n',
    )
    const { provenance, ...before } = loaded({ text, env, overrides })
    const again = effectiveText({ ...before, provenance }, { redact: false })
    const after = loaded({ text: again })
    expect({ ...after, provenance }).toEqual({ ...before, provenance })
  })

  it('never opens a file that a key names', () => {
    const text = `${MINIMAL}    credential: { value_file: /does/not/exist }\n`
    expect(effectiveText(loaded({ text }), { redact: true })).toContain(
      'value_file: /does/not/exist # from file',
    )
  })

  it('hides user info in a url', () => {
    const settings = loaded()
    const written = { upstreams: [{ url: 'http://u:p4ss@127.0.0.1:8000' }] }
    const forged = { ...settings, provenance: { ...settings.provenance, written } }
    const text = effectiveText(forged, { redact: true })
    expect(text).not.toContain('p4ss')
    expect(text).toContain('http://[redacted]@127.0.0.1:8000')
  })

  it('covers every key of the schema', () => {
    expect(fieldsOf(gatewaySchema).length).toBeGreaterThan(80)
  })
})
