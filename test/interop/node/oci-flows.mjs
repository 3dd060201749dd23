// What oras does to push and pull an artifact, in the order it does it. A JSON object per line in,
// one out.
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

const CONFIG = Buffer.from('{}')
const LAYER = Buffer.from('weights of a model, as far as a registry can tell')
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'

const digestOf = (bytes) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const describe = (mediaType, bytes) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })

const MANIFEST = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    artifactType: 'application/vnd.acme.model.v1',
    config: describe('application/vnd.oci.empty.v1+json', CONFIG),
    layers: [describe('application/octet-stream', LAYER)],
  }),
)

/** A request to the registry. Refused: the errors of its body, as registry clients print them. */
async function ask({ url, token }, method, target, options = {}) {
  const answer = await fetch(new URL(target, url), {
    method,
    body: options.body,
    headers: { authorization: `Bearer ${token}`, ...options.headers },
  })
  if (answer.ok || (options.orMissing && answer.status === 404)) return answer
  const { errors = [] } = await answer.json().catch(() => ({}))
  const said = errors.map(({ code, message }) => `${code.toLowerCase()}: ${message}`).join('\n')
  throw new Error(`${method} ${target}: response status code ${answer.status}: ${said}`)
}

/** A HEAD first: what is there is not sent again. */
async function pushBlob(asked, bytes) {
  const digest = digestOf(bytes)
  const there = await ask(asked, 'HEAD', `/v2/${asked.repo}/blobs/${digest}`, { orMissing: true })
  if (there.ok) return
  const begun = await ask(asked, 'POST', `/v2/${asked.repo}/blobs/uploads/`)
  // The registry names its own address; behind a gateway only its path counts.
  const place = new URL(begun.headers.get('location'), asked.url)
  place.searchParams.set('digest', digest)
  await ask(asked, 'PUT', `${place.pathname}${place.search}`, {
    body: bytes,
    headers: { 'content-type': 'application/octet-stream' },
  })
}

const flows = {
  push: async (asked) => {
    for (const bytes of [CONFIG, LAYER]) await pushBlob(asked, bytes)
    const headers = { 'content-type': MANIFEST_TYPE }
    await ask(asked, 'PUT', `/v2/${asked.repo}/manifests/v1`, { body: MANIFEST, headers })
    return digestOf(MANIFEST)
  },
  pull: async (asked) => {
    const headers = { accept: MANIFEST_TYPE }
    const manifest = await ask(asked, 'GET', `/v2/${asked.repo}/manifests/v1`, { headers })
    const { layers } = await manifest.json()
    const layer = await ask(asked, 'GET', `/v2/${asked.repo}/blobs/${layers[0].digest}`)
    const bytes = Buffer.from(await layer.arrayBuffer())
    if (digestOf(bytes) !== layers[0].digest) throw new Error('the layer is another one')
    return bytes.length
  },
  tags: async (asked) =>
    (await (await ask(asked, 'GET', `/v2/${asked.repo}/tags/list`)).json()).tags,
  catalog: async (asked) => {
    const { repositories } = await (await ask(asked, 'GET', '/v2/_catalog')).json()
    if (!repositories.includes(asked.repo)) throw new Error(`${asked.repo} is not listed`)
    return repositories
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  const answer = await flows[asked.flow](asked)
    .then((value) => ({ ok: true, text: JSON.stringify(value) }))
    .catch((error) => ({ ok: false, text: error.message }))
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
