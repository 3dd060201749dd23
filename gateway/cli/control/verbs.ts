import type { VerbEntry } from '../verb.ts'

/** Verbs that call the control API of a running gateway, and what comes of retraining. */
export const CONTROL_VERBS: readonly VerbEntry[] = [
  {
    name: 'request create',
    summary: 'ask for extra privilege, for a while',
    load: async () => (await import('./request.ts')).requestCreate,
  },
  {
    name: 'request list',
    summary: 'list requests for extra privilege',
    load: async () => (await import('./request.ts')).requestList,
  },
  {
    name: 'request show',
    summary: 'show one request, and who must agree to it',
    load: async () => (await import('./request.ts')).requestShow,
  },
  {
    name: 'request approve',
    summary: 'agree to a request as it was shown to you, or to less',
    load: async () => (await import('./request.ts')).requestApprove,
  },
  {
    name: 'request deny',
    summary: 'refuse a request',
    load: async () => (await import('./request.ts')).requestDeny,
  },
  {
    name: 'request cancel',
    summary: 'take back a request of yours',
    load: async () => (await import('./request.ts')).requestCancel,
  },
  {
    name: 'grant list',
    summary: 'list grants that came of requests',
    load: async () => (await import('./grant.ts')).grantList,
  },
  {
    name: 'grant show',
    summary: 'show one grant',
    load: async () => (await import('./grant.ts')).grantShow,
  },
  {
    name: 'grant revoke',
    summary: 'take a grant back at once',
    load: async () => (await import('./grant.ts')).grantRevoke,
  },
  {
    name: 'grant open',
    summary: 'break the seal of a grant for emergencies',
    load: async () => (await import('./grant.ts')).grantOpen,
  },
  {
    name: 'grant review',
    summary: 'say what came of an opened seal, so that others can be opened',
    load: async () => (await import('./grant.ts')).grantReview,
  },
  {
    name: 'lock list',
    summary: 'list locks',
    load: async () => (await import('./lock.ts')).lockList,
  },
  {
    name: 'lock',
    summary: 'take access away at once, on every replica',
    load: async () => (await import('./lock.ts')).lock,
  },
  {
    name: 'unlock',
    summary: 'lift a lock, or agree that it be lifted',
    load: async () => (await import('./lock.ts')).unlock,
  },
  {
    name: 'drill',
    summary: 'try the switch on every replica, without stopping anybody',
    load: async () => (await import('./lock.ts')).drill,
  },
  {
    name: 'review start',
    summary: 'list every privilege for review, the unused and the ghosts first',
    load: async () => (await import('./review.ts')).reviewStart,
  },
  {
    name: 'review list',
    summary: 'list reviews',
    load: async () => (await import('./review.ts')).reviewList,
  },
  {
    name: 'review show',
    summary: 'show a review and its lines',
    load: async () => (await import('./review.ts')).reviewShow,
  },
  {
    name: 'review certify',
    summary: 'say that a privilege stays',
    load: async () => (await import('./review-decide.ts')).reviewCertify,
  },
  {
    name: 'review revoke',
    summary: 'take a privilege away at once',
    load: async () => (await import('./review-decide.ts')).reviewRevoke,
  },
  {
    name: 'review delegate',
    summary: 'leave a line to somebody else',
    load: async () => (await import('./review-decide.ts')).reviewDelegate,
  },
  {
    name: 'review close',
    summary: 'close a review in which everything is decided',
    load: async () => (await import('./review.ts')).reviewClose,
  },
  {
    name: 'review export',
    summary: 'write the result of a review, and what is to be changed in the rules',
    load: async () => (await import('./review.ts')).reviewExport,
  },
  {
    name: 'who-has',
    summary: 'list who has what: by a rule, by a grant, by a request that is open',
    load: async () => (await import('./who-has.ts')).whoHas,
  },
  {
    name: 'version list',
    summary: 'list versions that came of retrainings, and whether they may be used',
    load: async () => (await import('./version.ts')).versionList,
  },
  {
    name: 'version show',
    summary: 'show one version that came of a retraining',
    load: async () => (await import('./version.ts')).versionShow,
  },
  {
    name: 'version release',
    summary: 'let a version be used: not by who trained or registered it',
    load: async () => (await import('./version.ts')).versionRelease,
  },
  {
    name: 'provenance',
    summary: 'say what a version was made of, as an in-toto statement, and sign it',
    load: async () => (await import('./provenance.ts')).provenance,
  },
  {
    name: 'provenance verify',
    summary: 'check a signed statement with nothing but a key',
    load: async () => (await import('./provenance.ts')).provenanceVerify,
  },
]
