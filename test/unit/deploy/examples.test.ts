import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { loadConfig } from '../../../gateway/assembly/load-config.ts'
import { loadRules } from '../../../gateway/assembly/load-rules.ts'

const EXAMPLES = fileURLToPath(new URL('../../../config/examples/', import.meta.url))

describe.each(['vllm-sidecar', 'mlflow-ingress', 'triton-grpc'])('the example %s', (name) => {
  const dir = join(EXAMPLES, name)

  it('is a complete folder that loads without a warning', async () => {
    const config = await loadConfig({ file: 'gateway.yaml', cwd: dir, env: {} })
    expect(config).toMatchObject({ ok: true, warnings: [] })
    if (!config.ok) return
    const rules = await loadRules(join(dir, 'rules'), config.value)
    expect(rules).toMatchObject({ ok: true, warnings: [] })
    expect(readdirSync(join(dir, 'rules')).sort()).toEqual([
      'conditions.yaml',
      'model.conf',
      'policy.csv',
      'resources.yaml',
      'tests',
    ])
  })

  it('is mounted at /etc/modelgate, keeps its ledger outside, and fails closed', async () => {
    const config = await loadConfig({ file: 'gateway.yaml', cwd: dir, env: {} })
    if (!config.ok) throw new Error('not loaded')
    const { rules, audit, listen } = config.value
    expect(rules.dir).toBe('/etc/modelgate/rules')
    expect(audit.dir).toBe('/var/lib/modelgate/audit')
    expect(audit.whenFull).toBe('refuse')
    expect(listen.control.host).toBe('127.0.0.1')
  })

  it('holds no secret, and the model that the gateway ships', () => {
    const text = readFileSync(join(dir, 'gateway.yaml'), 'utf8')
    expect(text).not.toMatch(/password:|secret:|token: |BEGIN [A-Z ]*KEY/)
    const shipped = readFileSync(join(EXAMPLES, '../../rules/model.conf'), 'utf8')
    expect(readFileSync(join(dir, 'rules/model.conf'), 'utf8')).toBe(shipped)
  })
})
