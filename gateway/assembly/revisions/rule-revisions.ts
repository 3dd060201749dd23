/**
 * Which rule set is to be in force, from the rule folder or, while one is pinned, from those that
 * were kept; and the keeping of every set that came into force.
 */
import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Loaded } from '../../domain/diagnostics.ts'
import type { Settings } from '../../settings/settings.ts'
import { loadRuleFiles, placed, type LoadedRules } from '../load-rules.ts'
import { createHistoryIndex, type Cause, type HistoryIndex } from './history-index.ts'
import { pinPath, readPin, type Pin } from './pin.ts'
import { createRevisionStore, type RevisionStore, type StoredRuleSet } from './revision-store.ts'
import { readSet, readSettledRules, type SettledReadDeps } from './settled-files.ts'
import { readTrustedKeys, SIGNATURE_FILE, signatureProblem } from './signature.ts'

/** Where rules come from and are kept. */
export interface RuleRevisionsOptions extends SettledReadDeps {
  readonly rulesDir: string
  readonly historyDir: string
  /** Sets kept. */
  readonly historyMax: number
  /** Public keys; when there is one, only sets signed with one of them are loaded. */
  readonly trustedKeysFiles: readonly string[]
}

/** A rule set, loaded, and where it came from. */
export interface ActiveRules {
  readonly rules: LoadedRules
  readonly set: StoredRuleSet
  /** What is pinned, or who took the pin away; absent when there never was one. */
  readonly pin: Pin | undefined
  /** Revision of the folder while another one is pinned, where it can be read. */
  readonly folder: string | undefined
}

/** What came into force, for the history. */
export interface Acceptance {
  readonly active: ActiveRules
  readonly how: Cause
  readonly by: string
  readonly reason?: string | undefined
}

/** See {@link createRuleRevisions}. */
export interface RuleRevisions {
  readonly historyDir: string
  readonly store: RevisionStore
  readonly index: HistoryIndex
  /** Loads what is to be in force: the pinned set, else the folder. All or nothing. */
  load(settings: Settings | undefined): Promise<Loaded<ActiveRules>>
  /** Loads a set that is kept as if it were pinned, so that a bad pin is refused before it is one. */
  loadKept(revision: string, settings: Settings | undefined): Promise<Loaded<LoadedRules>>
  /** Changes when {@link RuleRevisions.load} would load something else. */
  fingerprint(): Promise<string>
  /**
   * The fingerprint of what the last load read: files that changed meanwhile, and changed back, must
   * not pass for loaded. The empty text before the first load.
   */
  loadedFingerprint(): string
  /** Keeps the set and writes the history. @throws Error when it cannot */
  accepted(acceptance: Acceptance): Promise<void>
}

/** Puts folder, history and pin together. */
export function createRuleRevisions(options: RuleRevisionsOptions): RuleRevisions {
  const { rulesDir, historyDir } = options
  const store = createRevisionStore(historyDir)
  const index = createHistoryIndex(historyDir)
  let loaded = ''
  const loadKept = async (revision: string, settings: Settings | undefined): Promise<LoadedSet> => {
    const set = await store.read(revision)
    return set.ok ? loadSet(set.value, store.pathOf(revision), settings, options) : set
  }
  const loadFolder = async (
    set: Loaded<StoredRuleSet>,
    settings: Settings | undefined,
  ): Promise<LoadedSet> => {
    const signature = join(rulesDir, SIGNATURE_FILE)
    return placed(
      set.ok ? await loadSet(set.value, signature, settings, options) : set,
      rulesDir,
      settings,
    )
  }
  return {
    historyDir,
    store,
    index,
    loadedFingerprint: () => loaded,
    async load(settings) {
      const pin = await pinFacts(historyDir, store)
      const pinned = pin.value.ok ? (pin.value.value?.revision ?? undefined) : undefined
      const isFree = pin.value.ok && pinned === undefined
      const folder = isFree ? await readSettledRules(rulesDir, options) : await readSet(rulesDir)
      loaded = digestOf(folder, pin.text)
      if (!pin.value.ok) return pin.value
      const set =
        pinned === undefined ? await loadFolder(folder, settings) : await loadKept(pinned, settings)
      const edited = pinned !== undefined && folder.ok ? folder.value.files.revision : undefined
      return set.ok
        ? { ...set, value: { ...set.value, pin: pin.value.value, folder: edited } }
        : set
    },
    async loadKept(revision, settings) {
      const loaded = await loadKept(revision, settings)
      return loaded.ok ? { ...loaded, value: loaded.value.rules } : loaded
    },
    async fingerprint() {
      const pin = await pinFacts(historyDir, store)
      return digestOf(await readSet(rulesDir), pin.text)
    },
    accepted: (acceptance) => keep(acceptance, { store, index, options }),
  }
}

type LoadedSet = Loaded<{ readonly rules: LoadedRules; readonly set: StoredRuleSet }>

async function loadSet(
  set: StoredRuleSet,
  signatureFile: string,
  settings: Settings | undefined,
  { trustedKeysFiles }: RuleRevisionsOptions,
): Promise<LoadedSet> {
  const keys = await readTrustedKeys(trustedKeysFiles)
  if (!keys.ok) return keys
  if (trustedKeysFiles.length > 0) {
    const signed = { file: signatureFile, text: set.signature, revision: set.files.revision }
    const problem = signatureProblem(signed, keys.value)
    // Nothing of a set that nobody vouches for is parsed.
    if (problem !== undefined) return { ok: false, diagnostics: [problem] }
  }
  const rules = await loadRuleFiles(set.files, settings)
  return rules.ok ? { ...rules, value: { rules: rules.value, set } } : rules
}

function digestOf(folder: Loaded<StoredRuleSet>, pin: string): string {
  const facts = folder.ok
    ? [folder.value.files.revision, folder.value.signature ?? '', pin]
    : [folder.diagnostics, pin]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

/** The pin, and a text that changes with it and with what it points to. */
async function pinFacts(
  historyDir: string,
  store: RevisionStore,
): Promise<{ readonly value: Loaded<Pin | undefined>; readonly text: string }> {
  const value = await readPin(historyDir)
  if (!value.ok) return { value, text: await changeOf(pinPath(historyDir)) }
  const revision = value.value?.revision ?? undefined
  // A set that was missing or broken and is put back is worth another look.
  const kept = revision === undefined ? '' : await changeOf(store.pathOf(revision))
  return { value, text: JSON.stringify([value.value ?? null, kept]) }
}

async function changeOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs}`
}

async function keep(
  { active, how, by, reason }: Acceptance,
  parts: {
    readonly store: RevisionStore
    readonly index: HistoryIndex
    readonly options: RuleRevisionsOptions
  },
): Promise<void> {
  const { store, index, options } = parts
  const { rules, set, pin } = active
  const { revision } = rules
  await store.keep(set)
  const entries = await index.read()
  const previous = entries.at(-1)?.revision ?? null
  if (previous !== revision) {
    const at = new Date(options.now()).toISOString()
    const count = rules.policy.table.rules.length
    const entry = { revision, at, how, by, previous, rules: count }
    await index.append(reason === undefined || reason === '' ? entry : { ...entry, reason })
  }
  const always = new Set([revision, pin?.revision ?? revision])
  const oldestFirst = [...entries.map((entry) => entry.revision), revision]
  await store.prune({ max: options.historyMax, oldestFirst, always })
}
