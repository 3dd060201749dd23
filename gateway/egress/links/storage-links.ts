/** What leads to stored weights: schemes, hosts of blob stores, and the values that sign a link. */

/** Schemes whose URI says where in a store something lies. */
export const STORAGE_SCHEMES: ReadonlySet<string> = new Set([
  's3',
  's3a',
  's3n',
  'gs',
  'gcs',
  'abfs',
  'abfss',
  'adl',
  'wasb',
  'wasbs',
  'az',
  'dbfs',
  'hdfs',
  'hf',
  'azureml',
  'oss',
  'cos',
  'swift',
  'r2',
  'b2',
])

/** Names of query parameters whose value makes a link good for whoever holds it; lower case. */
export const SIGNED_PARAMETERS: ReadonlySet<string> = new Set([
  'x-amz-signature',
  'x-amz-security-token',
  'x-amz-credential',
  'x-goog-signature',
  'x-goog-credential',
  'x-oss-signature',
  'x-oss-security-token',
  'x-cos-security-token',
  'q-signature',
  'signature',
  'sig',
  'awsaccesskeyid',
  'googleaccessid',
  'ossaccesskeyid',
  'key-pair-id',
])

/** Ends of the names of hosts that are blob stores, with what is before them. */
const STORE_DOMAINS: readonly string[] = [
  '.blob.core.windows.net',
  '.dfs.core.windows.net',
  '.file.core.windows.net',
  '.blob.core.chinacloudapi.cn',
  '.storage.googleapis.com',
  '.storage.cloud.google.com',
  '.r2.cloudflarestorage.com',
  '.backblazeb2.com',
  '.digitaloceanspaces.com',
  '.wasabisys.com',
  '.cloudfront.net',
  '.xethub.hf.co',
  '.myqcloud.com',
]

const STORE_HOSTS: ReadonlySet<string> = new Set([
  'storage.googleapis.com',
  'storage.cloud.google.com',
  'cas-bridge.xethub.hf.co',
])

/** Whether a host, in lower case and with or without its port, is one of a blob store. */
export function isStorageHost(authority: string): boolean {
  const at = authority.lastIndexOf('@')
  const [host = ''] = authority.slice(at + 1).split(':')
  if (STORE_HOSTS.has(host) || STORE_DOMAINS.some((domain) => host.endsWith(domain))) return true
  if (host.endsWith('.amazonaws.com') || host.endsWith('.amazonaws.com.cn')) {
    return host.split('.').some((label) => label === 's3' || label.startsWith('s3-'))
  }
  if (host.endsWith('.aliyuncs.com')) return host.split('.').some((one) => one.startsWith('oss-'))
  return (host.endsWith('.hf.co') || host.endsWith('.huggingface.co')) && host.startsWith('cdn-lfs')
}

const SIGNED_MARKS: readonly string[] = [
  'x-amz-signature=',
  'x-amz-security-token=',
  'x-goog-signature=',
  'x-oss-signature=',
  'q-signature=',
  'signature=',
  'sig=',
  'key-pair-id=',
]

/** Whether a text, in lower case, holds a value that signs a link. */
export function isSigned(text: string): boolean {
  const read = percentDecoded(text)
  return SIGNED_MARKS.some((mark) => text.includes(mark) || read.includes(mark))
}

/** Whether a text, in lower case, holds a storage URI, a URL of a blob store, or a signed one. */
export function pointsToStorage(text: string): boolean {
  if (isSigned(text) || text.includes('xet-')) return true
  const read = percentDecoded(text)
  for (let at = read.indexOf('://'); at >= 0; at = read.indexOf('://', at + 3)) {
    if (STORAGE_SCHEMES.has(wordBefore(read, at))) return true
    if (isStorageHost(hostAfter(read, at + 3))) return true
  }
  for (let at = read.indexOf('//'); at >= 0; at = read.indexOf('//', at + 2)) {
    if (isStorageHost(hostAfter(read, at + 2))) return true
  }
  return false
}

const SCHEME_CHARS_MAX = 16

function wordBefore(text: string, end: number): string {
  let from = end
  while (from > 0 && end - from < SCHEME_CHARS_MAX && /[a-z0-9+.-]/.test(text[from - 1] ?? ''))
    from--
  return text.slice(from, end)
}

const HOST_CHARS_MAX = 300

function hostAfter(text: string, from: number): string {
  const rest = text.slice(from, from + HOST_CHARS_MAX)
  const end = rest.search(/[/?#\s"'<>;,\\]/)
  return end < 0 ? rest : rest.slice(0, end)
}

/** Percent-encoding undone once, byte by byte; what is none stays as it is. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)).toLowerCase(),
  )
}
