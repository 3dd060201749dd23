import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { parseAllDocuments } from 'yaml'

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), 'utf8')

interface Container {
  name: string
  image: string
  args: string[]
  restartPolicy?: string
  ports?: { name: string; containerPort: number }[]
  env: { name: string; value?: string }[]
  volumeMounts: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[]
  securityContext: Record<string, unknown>
  resources: { requests: object; limits: { memory?: string } }
  [probe: `${string}Probe`]: { httpGet?: { path: string; port: string }; exec?: object }
  lifecycle?: { preStop?: { sleep?: { seconds: number } } }
}

interface PodSpec {
  initContainers: Container[]
  containers: Container[]
  terminationGracePeriodSeconds: number
  automountServiceAccountToken: boolean
  hostNetwork?: boolean
  shareProcessNamespace?: boolean
  securityContext: Record<string, unknown>
  volumes: { name: string }[]
}

interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string }
  data?: Record<string, string>
  spec: {
    ports: { port: number; targetPort: number }[]
    selector: Record<string, unknown>
    podSelector: { matchLabels: Record<string, string> }
    policyTypes: string[]
    ingress: { ports: { port: number }[] }[]
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec }
    volumeClaimTemplates: { metadata: { name: string }; spec: { accessModes: string[] } }[]
  }
}

const documents = parseAllDocuments(read('deploy/kubernetes/sidecar.yaml'), {
  strict: true,
  uniqueKeys: true,
})
const manifests = documents.map((document) => document.toJS() as Manifest)

function find(kind: string, name?: string): Manifest {
  const found = manifests.find(
    (m) => m.kind === kind && (name === undefined || m.metadata.name === name),
  )
  if (found === undefined) throw new Error(`no ${kind}`)
  return found
}

const { template, volumeClaimTemplates } = find('StatefulSet').spec
const pod = template.spec
const [gateway, vllm] = [pod.initContainers[0], pod.containers[0]]
if (gateway === undefined || vllm === undefined) throw new Error('containers are missing')

describe('the sidecar manifest', () => {
  it('is valid YAML, every object in one namespace', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([])
    const homes = manifests.filter(({ kind }) => kind !== 'Namespace')
    expect(new Set(homes.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['models']))
  })

  it('runs exactly the example that the loaders have checked', () => {
    const example = 'config/examples/vllm-sidecar'
    expect(find('ConfigMap', 'modelgate-config').data).toEqual({
      'gateway.yaml': read(`${example}/gateway.yaml`),
    })
    const rules = find('ConfigMap', 'modelgate-rules').data ?? {}
    expect(Object.keys(rules)).toHaveLength(4)
    for (const [name, text] of Object.entries(rules)) {
      expect(text).toBe(read(`${example}/rules/${name}`))
    }
    const variables = Object.fromEntries(gateway.env.map(({ name, value }) => [name, value]))
    const mounts = gateway.volumeMounts.map(({ mountPath }) => mountPath)
    expect(mounts).toContain(variables['MODELGATE_RULES_DIR'])
  })

  it('has the gateway as a native sidecar that is ready before vLLM and ends after it', () => {
    expect(gateway.restartPolicy).toBe('Always')
    expect(gateway['startupProbe']?.httpGet).toEqual({ path: '/healthz', port: 'control' })
    expect(gateway['livenessProbe']?.httpGet).toEqual({ path: '/healthz', port: 'control' })
    expect(gateway['readinessProbe']?.httpGet).toEqual({ path: '/readyz', port: 'control' })
    const wait = vllm.lifecycle?.preStop?.sleep?.seconds ?? 0
    expect(wait).toBeGreaterThanOrEqual(5)
    // preStop, then the gateway's drain of 25 s, with room for what still streams.
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(wait + 25 + 30)
  })

  it('leaves one way in: the port of the gateway', () => {
    const ports = gateway.ports ?? []
    expect(ports.map(({ containerPort }) => containerPort)).toEqual([8080, 9090])
    expect(find('Service').spec.ports.map(({ targetPort }) => targetPort)).toEqual([8080])
    const policy = find('NetworkPolicy').spec
    expect(policy.policyTypes).toContain('Ingress')
    expect(policy.ingress.flatMap((rule) => rule.ports.map(({ port }) => port))).toEqual([8080])
    expect(template.metadata.labels).toMatchObject(policy.podSelector.matchLabels)
    expect(template.metadata.labels).toMatchObject(find('Service').spec.selector)
    expect(vllm.args).toContain('--host=127.0.0.1')
    expect(vllm.ports).toBeUndefined()
    expect(read('config/examples/vllm-sidecar/gateway.yaml')).toContain('http://127.0.0.1:8000')
    expect([pod.hostNetwork, pod.shareProcessNamespace]).toEqual([undefined, undefined])
  })

  it('gives no container more than it needs', () => {
    for (const container of [gateway, vllm]) {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        privileged: false,
        capabilities: { drop: ['ALL'] },
      })
      expect(Number(container.securityContext['runAsUser'])).toBeGreaterThan(0)
      expect(container.resources.limits.memory).toBeDefined()
      expect(container.image).not.toMatch(/:latest$|^[^:]+$/)
    }
    expect(vllm.securityContext['runAsUser']).not.toBe(gateway.securityContext['runAsUser'])
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(pod.automountServiceAccountToken).toBe(false)
  })

  it('mounts whole volumes, so that a change arrives, and keeps the ledger of each replica', () => {
    const mounts = [...gateway.volumeMounts, ...vllm.volumeMounts]
    expect(mounts.filter(({ subPath }) => subPath !== undefined)).toEqual([])
    const claims = volumeClaimTemplates.map(({ metadata }) => metadata.name)
    const volumes = [...pod.volumes.map(({ name }) => name), ...claims]
    for (const { name } of mounts) expect(volumes).toContain(name)
    expect(claims).toEqual(['ledger'])
    expect(vllm.volumeMounts.map(({ name }) => name)).not.toContain('ledger')
    expect(pod.securityContext['fsGroupChangePolicy']).toBe('OnRootMismatch')
    expect(gateway.env.map(({ name }) => name)).toContain('MODELGATE_AUDIT_NODE')
  })

  it('signs the ledger of each replica with a key that only the gateway can read', () => {
    const keys = pod.volumes.find(({ name }) => name === 'ledger-keys')
    expect(keys).toMatchObject({
      secret: { secretName: 'modelgate-ledger-keys', defaultMode: 0o440 },
    })
    expect([pod.securityContext['fsGroup'], gateway.securityContext['runAsGroup']]).toEqual([
      1000, 1000,
    ])
    expect(vllm.volumeMounts.map(({ name }) => name)).not.toContain('ledger-keys')
    const mount = gateway.volumeMounts.find(({ name }) => name === 'ledger-keys')
    expect(mount?.readOnly).toBe(true)
    const names = gateway.env.map(({ name }) => name)
    const [node, key] = ['MODELGATE_AUDIT_NODE', 'MODELGATE_AUDIT_SIGNING_KEY_FILE']
    // Kubernetes knows only the variables that come before.
    expect(names.indexOf(node)).toBeLessThan(names.indexOf(key))
    expect(gateway.env.find(({ name }) => name === key)?.value).toBe(
      `${mount?.mountPath}/$(${node}).key`,
    )
    // No private key is in the manifest.
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret')
  })
})
