/** A listing of privileges over rules as texts. */
import { createPrivilegeListing, type ListingDeps } from '../../gateway/assembly/reviews/listing.ts'
import { ruleFilesOf } from '../../gateway/assembly/rule-files.ts'
import { MODEL_TEXT } from '../../gateway/pdp/policy/model-conf.ts'
import type { PrivilegeListing } from '../../gateway/access/reviews/listing.ts'
import type { PrivilegeUse } from '../../gateway/domain/journal.ts'
import { policyOf } from './policy.ts'

export interface ListedRules {
  readonly policy: string
  readonly resources?: string
  readonly grants?: string
  readonly uses?: readonly PrivilegeUse[]
  readonly history?: ListingDeps['history']
}

export const NO_HISTORY: ListingDeps['history'] = {
  index: { read: () => Promise.resolve([]) },
  store: { read: () => Promise.resolve({ ok: false, diagnostics: [] }) },
}

/** Issuers `kc` and `dev`, who may assert `role:asserted`; one upstream, `llm`. */
export async function listingOf(rules: ListedRules): Promise<PrivilegeListing> {
  const files = ruleFilesOf([
    { file: 'model.conf', text: MODEL_TEXT },
    { file: 'policy.csv', text: rules.policy },
    { file: 'conditions.yaml', text: 'conditions: {}\n' },
    { file: 'resources.yaml', text: rules.resources ?? '{}\n' },
    ...(rules.grants === undefined ? [] : [{ file: 'grants.yaml', text: rules.grants }]),
  ])
  if (!files.ok) throw new Error(JSON.stringify(files.diagnostics))
  const policy = await policyOf(rules.policy, 'conditions: {}\n')
  const known = {
    issuerNames: new Set(['kc', 'dev']),
    issuerRoles: new Set(['role:asserted']),
    upstreams: new Set(['llm']),
  }
  return createPrivilegeListing({
    rules: () => ({ policy, files: files.value, known }),
    history: rules.history ?? NO_HISTORY,
    journal: { uses: () => Promise.resolve(rules.uses ?? []) },
  })
}

/** A listing for tests that ask nothing of it. */
export const NO_PRIVILEGES: PrivilegeListing = {
  list: () => Promise.resolve({ revision: 'sha256:0', lines: [], more: false }),
  whoHas: () => Promise.resolve({ revision: 'sha256:0', privileges: [], more: false }),
  isNobody: () => false,
}
