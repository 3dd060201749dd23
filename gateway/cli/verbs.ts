import type { VerbEntry } from './verb.ts'

/**
 * Every verb, in the order the help shows them; a name of two words is of a group, `audit verify`. To
 * add one: write `<name>.ts` beside this file, or in the folder of its group, and a line here. A verb is imported when it is asked for, so that each starts with what it needs.
 */
export const VERBS: readonly VerbEntry[] = [
  {
    name: 'serve',
    summary: 'run the gateway',
    load: async () => (await import('./serve.ts')).serve,
  },
  {
    name: 'check',
    summary: 'check configuration, rules and routes without serving',
    load: async () => (await import('./check.ts')).check,
  },
  {
    name: 'test',
    summary: 'run the tests beside the rules, and say what they leave unproven',
    load: async () => (await import('./test.ts')).test,
  },
  {
    name: 'explain',
    summary: 'show how the rules decide one request, rule by rule',
    load: async () => (await import('./explain.ts')).explain,
  },
  {
    name: 'diff',
    summary: 'list exactly who gains and who loses what between two revisions of the rules',
    load: async () => (await import('./diff.ts')).diff,
  },
  {
    name: 'who-can',
    summary: 'list everybody who may do one thing to one resource, and when',
    load: async () => (await import('./who-can.ts')).whoCan,
  },
  {
    name: 'what-can',
    summary: 'list everything one caller may do, and when',
    load: async () => (await import('./what-can.ts')).whatCan,
  },
  {
    name: 'docs',
    summary: 'write the permission matrix in plain words',
    load: async () => (await import('./docs.ts')).docs,
  },
  {
    name: 'replay',
    summary: 'judge recorded decisions again under other rules, and list what would change',
    load: async () => (await import('./replay.ts')).replay,
  },
  {
    name: 'shadow',
    summary: 'report what shadow rules would have changed',
    load: async () => (await import('./shadow.ts')).shadow,
  },
  {
    name: 'exports',
    summary: 'list what was exported, to whom and on whose word, from the ledger',
    load: async () => (await import('./exports.ts')).exports,
  },
  {
    name: 'request create',
    summary: 'ask for extra privilege, for a while',
    load: async () => (await import('./control/request.ts')).requestCreate,
  },
  {
    name: 'request list',
    summary: 'list requests for extra privilege',
    load: async () => (await import('./control/request.ts')).requestList,
  },
  {
    name: 'request show',
    summary: 'show one request, and who must agree to it',
    load: async () => (await import('./control/request.ts')).requestShow,
  },
  {
    name: 'request approve',
    summary: 'agree to a request as it was shown to you, or to less',
    load: async () => (await import('./control/request.ts')).requestApprove,
  },
  {
    name: 'request deny',
    summary: 'refuse a request',
    load: async () => (await import('./control/request.ts')).requestDeny,
  },
  {
    name: 'request cancel',
    summary: 'take back a request of yours',
    load: async () => (await import('./control/request.ts')).requestCancel,
  },
  {
    name: 'grant list',
    summary: 'list grants that came of requests',
    load: async () => (await import('./control/grant.ts')).grantList,
  },
  {
    name: 'grant show',
    summary: 'show one grant',
    load: async () => (await import('./control/grant.ts')).grantShow,
  },
  {
    name: 'grant revoke',
    summary: 'take a grant back at once',
    load: async () => (await import('./control/grant.ts')).grantRevoke,
  },
  {
    name: 'grant open',
    summary: 'break the seal of a grant for emergencies',
    load: async () => (await import('./control/grant.ts')).grantOpen,
  },
  {
    name: 'grant review',
    summary: 'say what came of an opened seal, so that others can be opened',
    load: async () => (await import('./control/grant.ts')).grantReview,
  },
  {
    name: 'lock list',
    summary: 'list locks',
    load: async () => (await import('./control/lock.ts')).lockList,
  },
  {
    name: 'lock',
    summary: 'take access away at once, on every replica',
    load: async () => (await import('./control/lock.ts')).lock,
  },
  {
    name: 'unlock',
    summary: 'lift a lock, or agree that it be lifted',
    load: async () => (await import('./control/lock.ts')).unlock,
  },
  {
    name: 'drill',
    summary: 'try the switch on every replica, without stopping anybody',
    load: async () => (await import('./control/lock.ts')).drill,
  },
  {
    name: 'review start',
    summary: 'list every privilege for review, the unused and the ghosts first',
    load: async () => (await import('./control/review.ts')).reviewStart,
  },
  {
    name: 'review list',
    summary: 'list reviews',
    load: async () => (await import('./control/review.ts')).reviewList,
  },
  {
    name: 'review show',
    summary: 'show a review and its lines',
    load: async () => (await import('./control/review.ts')).reviewShow,
  },
  {
    name: 'review certify',
    summary: 'say that a privilege stays',
    load: async () => (await import('./control/review.ts')).reviewCertify,
  },
  {
    name: 'review revoke',
    summary: 'take a privilege away at once',
    load: async () => (await import('./control/review.ts')).reviewRevoke,
  },
  {
    name: 'review delegate',
    summary: 'leave a line to somebody else',
    load: async () => (await import('./control/review.ts')).reviewDelegate,
  },
  {
    name: 'review close',
    summary: 'close a review in which everything is decided',
    load: async () => (await import('./control/review.ts')).reviewClose,
  },
  {
    name: 'review export',
    summary: 'write the result of a review, and what is to be changed in the rules',
    load: async () => (await import('./control/review.ts')).reviewExport,
  },
  {
    name: 'who-has',
    summary: 'list who has what: by a rule, by a grant, by a request that is open',
    load: async () => (await import('./control/review.ts')).whoHas,
  },
  {
    name: 'version list',
    summary: 'list versions that came of retrainings, and whether they may be used',
    load: async () => (await import('./control/version.ts')).versionList,
  },
  {
    name: 'version show',
    summary: 'show one version that came of a retraining',
    load: async () => (await import('./control/version.ts')).versionShow,
  },
  {
    name: 'version release',
    summary: 'let a version be used: not by who trained or registered it',
    load: async () => (await import('./control/version.ts')).versionRelease,
  },
  {
    name: 'provenance',
    summary: 'say what a version was made of, as an in-toto statement, and sign it',
    load: async () => (await import('./control/provenance.ts')).provenance,
  },
  {
    name: 'provenance verify',
    summary: 'check a signed statement with nothing but a key',
    load: async () => (await import('./control/provenance.ts')).provenanceVerify,
  },
  {
    name: 'audit query',
    summary: 'find records of the ledger: what one person did, what a lock stopped, one request',
    load: async () => (await import('./audit/query.ts')).auditQuery,
  },
  {
    name: 'audit tail',
    summary: 'show the newest records of the ledger, and with -f those that come',
    load: async () => (await import('./audit/tail.ts')).auditTail,
  },
  {
    name: 'audit stats',
    summary: 'count what the ledger holds: decisions, reasons, callers, models, bytes',
    load: async () => (await import('./audit/stats.ts')).auditStats,
  },
  {
    name: 'audit index',
    summary: 'make or check the index by which records are found fast',
    load: async () => (await import('./audit/index.ts')).auditIndex,
  },
  {
    name: 'audit export',
    summary: 'write the ledger as OCSF, CloudEvents, ECS or CSV',
    load: async () => (await import('./audit/export.ts')).auditExport,
  },
  {
    name: 'audit erase',
    summary: 'destroy the key of a person: the ledger verifies, and nobody can read who it was',
    load: async () => (await import('./audit/erase.ts')).auditErase,
  },
  {
    name: 'audit verify',
    summary: 'prove that a ledger is whole and as it was signed, or say where it is not',
    load: async () => (await import('./audit/verify.ts')).auditVerify,
  },
  {
    name: 'audit prove',
    summary: 'write a proof that one record is in the ledger, to hand to somebody else',
    load: async () => (await import('./audit/prove.ts')).auditProve,
  },
  {
    name: 'audit verify-proof',
    summary: 'check such a proof with nothing but a key',
    load: async () => (await import('./audit/verify-proof.ts')).auditVerifyProof,
  },
  {
    name: 'audit accept-gap',
    summary: 'go on with a damaged ledger, on the record: who accepted what is lost, and why',
    load: async () => (await import('./audit/accept-gap.ts')).auditAcceptGap,
  },
  {
    name: 'store accept-loss',
    summary: 'go on with a journal that has lost entries, on the record: who accepted it, and why',
    load: async () => (await import('./store/accept-loss.ts')).storeAcceptLoss,
  },
  {
    name: 'audit keygen',
    summary: 'write a key that signs the ledger, or one for a witness',
    load: async () => (await import('./audit/keygen.ts')).auditKeygen,
  },
  {
    name: 'signer',
    summary: 'sign the checkpoints of a ledger in a process of its own, and only what appends',
    load: async () => (await import('./signer.ts')).signer,
  },
  {
    name: 'witness',
    summary: 'remember on another machine how far ledgers have come, and cosign only what appends',
    load: async () => (await import('./witness.ts')).witness,
  },
  {
    name: 'store export',
    summary: 'write the journal and the uses of grants to a file, to keep or to move',
    load: async () => (await import('./store/export.ts')).storeExport,
  },
  {
    name: 'store import',
    summary: 'put such a file into the store, once all of it was checked',
    load: async () => (await import('./store/import.ts')).storeImport,
  },
  {
    name: 'history',
    summary: 'list the rule sets that were in force, and show what was in one',
    load: async () => (await import('./history.ts')).history,
  },
  {
    name: 'rollback',
    summary: 'go back to a rule set that was in force before, and stay there',
    load: async () => (await import('./pin.ts')).rollback,
  },
  {
    name: 'pin',
    summary: 'hold the gateway at one rule set, whatever the rule folder says',
    load: async () => (await import('./pin.ts')).pin,
  },
  {
    name: 'unpin',
    summary: 'let the rule folder count again',
    load: async () => (await import('./pin.ts')).unpin,
  },
  {
    name: 'rules',
    summary: 'sign a rule folder, or verify its signature',
    load: async () => (await import('./rules.ts')).rules,
  },
  {
    name: 'coverage',
    summary: 'list the routes of a running server that its route pack does not know',
    load: async () => (await import('./coverage.ts')).coverage,
  },
  {
    name: 'demo',
    summary: 'start a model server with the gateway before it, and walk through what it refuses',
    load: async () => (await import('./demo.ts')).demo,
  },
  {
    name: 'config',
    summary: 'print the configuration, or the JSON Schemas of the files',
    load: async () => (await import('./config.ts')).config,
  },
  {
    name: 'token',
    summary: 'mint development tokens, and run the local issuer that vouches for them',
    load: async () => (await import('./token.ts')).token,
  },
]

/** First words of verbs of two words. */
export const GROUPS: ReadonlySet<string> = new Set(
  VERBS.flatMap(({ name }) => (name.includes(' ') ? name.split(' ', 1) : [])),
)

/** A verb and what stands behind it on the command line. */
export interface FoundVerb {
  readonly entry: VerbEntry
  readonly rest: readonly string[]
}

/** The verb a command line begins with. */
export function findVerb(args: readonly string[]): FoundVerb | undefined {
  for (const words of [2, 1]) {
    const name = args.slice(0, words).join(' ')
    const entry = VERBS.find((candidate) => candidate.name === name)
    if (entry !== undefined) return { entry, rest: args.slice(words) }
  }
  return undefined
}
