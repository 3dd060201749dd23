import type { Diagnostic } from '../../../gateway/domain/diagnostics.ts'
import { loadSettings, type Settings } from '../../../gateway/settings/settings.ts'

/** The smallest complete file. */
export const MINIMAL = `issuers:
  - issuer: https://idp.example.com/realms/ml
    audience: modelgate
upstreams:
  - name: llm
    url: http://127.0.0.1:8000
    pack: vllm
`

type Options = Partial<Omit<Parameters<typeof loadSettings>[0], 'file'>>

/** Loads `text` (or the minimal file) as `config/gateway.yaml`. */
export function load(options: Options = {}): ReturnType<typeof loadSettings> {
  return loadSettings({ file: 'config/gateway.yaml', text: MINIMAL, env: {}, ...options })
}

/** The settings, or a failing test that says why not. */
export function loaded(options: Options = {}): Settings {
  const result = load(options)
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics))
  return result.value
}

/** The diagnostics of a file that must not load. */
export function problems(options: Options = {}): readonly Diagnostic[] {
  const result = load(options)
  if (result.ok) throw new Error('expected problems')
  return result.diagnostics
}

/** `line:column code` of each diagnostic. */
export function places(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map((d) => `${d.line}:${d.column} ${d.code}`)
}
