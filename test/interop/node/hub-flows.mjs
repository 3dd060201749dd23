// @huggingface/hub, the client of the Hub for JavaScript. A JSON object per line in, one out.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const [entry = ''] = process.argv.slice(2)
const { downloadFile, listFiles, listModels, modelInfo } = await import(pathToFileURL(entry).href)

const flows = {
  info: async ({ repo, ...access }) => (await modelInfo({ name: repo, ...access })).name,
  list_files: async ({ repo, ...access }) => {
    const paths = []
    for await (const file of listFiles({ repo, ...access })) paths.push(file.path)
    return paths.sort()
  },
  browse: async ({ repo, ...access }) => {
    const names = []
    for await (const model of listModels({ limit: 10, ...access })) names.push(model.name)
    if (!names.includes(repo)) throw new Error(`${repo} is not listed`)
    return names.sort()
  },
  download: async ({ repo, ...access }) => {
    const blob = await downloadFile({ repo, path: 'model.safetensors', xet: false, ...access })
    return (await blob.arrayBuffer()).byteLength
  },
}

/** What the library says of an error, which is not all in its message. */
function words(error) {
  const { name, message, statusCode, data } = error
  return `${name}: ${message} ${statusCode ?? ''} ${JSON.stringify(data ?? null)}`
}

/** The client takes no token but one of the Hub (`hf_…`), so the gateway's is added on the way out. */
const withToken = (token) => (input, init) => {
  const headers = new Headers(init?.headers)
  headers.set('authorization', `Bearer ${token}`)
  return fetch(input, { ...init, headers })
}

for await (const line of createInterface({ input: process.stdin })) {
  const { flow, token, url, repo } = JSON.parse(line)
  const answer = await flows[flow]({ repo, fetch: withToken(token), hubUrl: url })
    .then((value) => ({ ok: true, text: JSON.stringify(value ?? null) }))
    .catch((error) => ({ ok: false, text: words(error) }))
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
