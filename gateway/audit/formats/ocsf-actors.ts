/** Who, where and what, as objects of OCSF: shared by the classes. */
import type { StoredRecord } from '../read/query.ts'
import {
  addressIn,
  filled,
  flagIn,
  countIn,
  objectIn,
  objectsIn,
  present,
  textIn,
  textsIn,
} from './fields.ts'

type Attributes = Readonly<Record<string, unknown>>

const GROUPS_MAX = 200

/** The one who asked. Always says something: `actor` must, and so must its `user`. */
export function actorOf(record: StoredRecord): Attributes {
  const client = textIn(record, 'client')
  const issuer = textIn(record, 'iss')
  return present({
    user: userOf(record),
    session: filled(
      present({
        uid: textIn(record, 'jti'),
        issuer,
        is_mfa: flagIn(objectIn(record, 'env'), 'mfa'),
        created_time: countIn(record, 'iat'),
        expiration_time: countIn(record, 'exp'),
      }),
    ),
    idp: issuer === undefined ? undefined : { name: issuer },
    app_uid: client,
  })
}

function userOf(record: StoredRecord): Attributes {
  const claims = objectIn(record, 'claims')
  const subject = textIn(record, 'sub')
  const groups = textsIn(record, 'groups')?.slice(0, GROUPS_MAX)
  return present({
    uid: subject ?? encryptedId(record),
    name: textIn(claims, 'name') ?? (subject === undefined ? NOT_KNOWN : undefined),
    email_addr: mailIn(claims),
    groups: groups && filled(groups.map((name) => ({ name }))),
  })
}

const NOT_KNOWN = 'anonymous'

/** The schema takes addresses only; a claim can hold anything. */
function mailIn(claims: StoredRecord | undefined): string | undefined {
  const email = textIn(claims, 'email')
  const isAddress =
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+$/
  return email !== undefined && isAddress.test(email) ? email : undefined
}

/** Whoever it is keeps one id from record to record, as long as the key is not destroyed. */
function encryptedId(record: StoredRecord): string | undefined {
  const kid = textIn(objectsIn(record, 'enc')[0], 'kid')
  return kid === undefined ? undefined : `encrypted:${kid}`
}

/** Where the request came from. `src_endpoint` must say something. */
export function sourceOf(record: StoredRecord): Attributes {
  const ip = addressIn(record, 'ip')
  return ip === undefined ? { name: textIn(record, 'ip') ?? 'unknown' } : { ip }
}

/** What was acted on; `undefined` when nothing is named. */
export function resourcesOf(record: StoredRecord): readonly Attributes[] | undefined {
  const named = objectsIn(record, 'ops').map((op) => textIn(op, 'res'))
  const single = textIn(record, 'res')
  const all = named.length > 0 ? named : [single]
  const texts = [...new Set(all.filter((text) => text !== undefined))]
  return filled(texts.map(resourceOf))
}

const TYPES: Readonly<Record<string, string>> = {
  model: 'ml-model',
  dataset: 'dataset',
  server: 'server',
}

/** `model:fraud@3` as an object; a text that is not of that form stands for itself. */
export function resourceOf(text: string): Attributes {
  const parts = /^(model|dataset|server):([^@]+)(?:@(.+))?$/s.exec(text)
  if (parts === null) return { uid: text }
  const [, kind = '', name, version] = parts
  return present({ uid: text, name, type: TYPES[kind], version })
}

/** The model that was asked for; the schema wants its provider, which is the upstream. */
export function modelOf(record: StoredRecord): Attributes | undefined {
  const model = resourcesOf(record)?.find(({ type }) => type === 'ml-model')
  if (model === undefined) return undefined
  const { name, version, uid } = model
  return present({ name, version, uid, ai_provider: textIn(record, 'upstream') ?? 'Internal' })
}
