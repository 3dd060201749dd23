/** Bounds put on JSON that a stranger wrote (I17). */
export interface JsonBounds {
  /** Deepest nesting of objects and arrays. */
  readonly depthMax: number
  /** Members and list items in the whole document. */
  readonly membersMax: number
}

/** Why a document was not accepted. */
export type JsonFault = 'syntax' | 'depth' | 'members' | 'duplicate'

/** A parsed document, or why not. `value` is what `JSON.parse` gives: read it by own members. */
export type ScannedJson =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: JsonFault }

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const BACKSLASH = 0x5c
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Parses JSON that must mean one thing to every reader: no member named twice in one object once
 * escapes are decoded (`sub` and `\u0073ub`), bounded depth and size, finite numbers. The scan uses
 * no recursion, so that 200,000 brackets cost one pass and no stack. Its answer only matters for
 * text that `JSON.parse` accepts as well; whatever it makes of broken text is refused after it.
 * @see RFC 8725 §2.4, RFC 7519 §4 (duplicate claim names)
 */
export function scanJson(text: string, bounds: JsonBounds): ScannedJson {
  const fault = scan(text, bounds)
  if (fault !== undefined) return { ok: false, fault }
  try {
    return { ok: true, value: JSON.parse(text, finiteOnly) as unknown }
  } catch {
    return { ok: false, fault: 'syntax' }
  }
}

/** `1e999` parses to Infinity, which every later comparison would let through. */
function finiteOnly(_key: string, member: unknown): unknown {
  if (typeof member === 'number' && !Number.isFinite(member)) throw new RangeError('not finite')
  return member
}

interface ScanState {
  /** Member names seen per open object; `null` for an open list. */
  readonly open: (Set<string> | null)[]
  nameExpected: boolean
  members: number
}

function scan(text: string, bounds: JsonBounds): JsonFault | undefined {
  const state: ScanState = { open: [], nameExpected: false, members: 0 }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      const end = endOfString(text, i)
      if (end < 0) return 'syntax'
      const fault = state.nameExpected ? takeName(state, text.slice(i, end + 1)) : undefined
      if (fault !== undefined) return fault
      i = end
    } else {
      structural(state, code)
    }
    if (state.open.length > bounds.depthMax) return 'depth'
    if (state.members > bounds.membersMax) return 'members'
  }
  return undefined
}

function structural(state: ScanState, code: number): void {
  switch (code) {
    case OPEN_OBJECT:
      state.open.push(new Set())
      state.nameExpected = true
      state.members++
      break
    case OPEN_LIST:
      state.open.push(null)
      state.nameExpected = false
      state.members++
      break
    case CLOSE_OBJECT:
    case CLOSE_LIST:
      state.open.pop()
      state.nameExpected = false
      break
    case COMMA:
      state.nameExpected = (state.open.at(-1) ?? null) !== null
      state.members++
      break
    case COLON:
      state.nameExpected = false
      break
    default:
      break
  }
}

function takeName(state: ScanState, quoted: string): JsonFault | undefined {
  const names = state.open.at(-1) ?? null
  if (names === null) return 'syntax'
  const name = decodeName(quoted)
  if (name === undefined) return 'syntax'
  if (names.has(name)) return 'duplicate'
  names.add(name)
  state.nameExpected = false
  return undefined
}

function decodeName(quoted: string): string | undefined {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    const name: unknown = JSON.parse(quoted)
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i
    if (code === BACKSLASH) i++
  }
  return -1
}
