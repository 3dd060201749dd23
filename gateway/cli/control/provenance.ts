/** `modelgate provenance …`: what a version was made of, for people and for tools of others. */
import { resolve } from 'node:path'
import { canonicalText, type Json } from '../../access/canonical.ts'
import { openEnvelope, sealEnvelope } from '../../audit/signing/dsse.ts'
import { readKeyFile } from '../../audit/signing/key-file.ts'
import { readyKeys } from '../../audit/verify/keys.ts'
import { GatewayError } from '../../domain/errors.ts'
import { plainLines, plainText } from '../../domain/plain-text.ts'
import { TRAIL_OPTIONS } from '../audit/filter-options.ts'
import { bytesOf, givenKeys, KEY_OPTIONS } from '../audit/key-options.ts'
import { recordedStatement } from '../audit/recorded-statement.ts'
import { EXIT, type CliIo } from '../io.ts'
import { createPaint } from '../output/paint.ts'
import { formatOf, textOption, wantsJson } from '../report.ts'
import type { OptionValues, Verb } from '../verb.ts'
import { CONTROL_OPTIONS, controlClient } from './client.ts'
import { onlyArgument } from './control-verb.ts'
import { isDocument, type Document } from './document.ts'
import { isProvenance, provenanceText } from './provenance-text.ts'
import { versionId, versionPath } from './version.ts'

/** Media type of a statement, and type of the payload of its envelope. */
const IN_TOTO = 'application/vnd.in-toto+json'

/** `provenance` */
export const provenance: Verb = {
  positionals: 'MODEL@VERSION',
  options: {
    ...CONTROL_OPTIONS,
    dir: { ...TRAIL_OPTIONS.dir, help: 'read it in this ledger, and not in a running gateway' },
    keys: TRAIL_OPTIONS.keys,
    'no-index': TRAIL_OPTIONS['no-index'],
    key: { type: 'string', value: 'FILE', help: 'key that signs a dsse envelope (audit keygen)' },
  },
  formats: ['text', 'json', 'intoto', 'dsse'],
  examples: [
    'modelgate provenance model:fraud@4',
    'modelgate provenance model:fraud@4 --format dsse --key keys/provenance.key > fraud-4.dsse',
    'modelgate provenance model:fraud@4 --dir /var/lib/modelgate/audit --format intoto',
  ],
  async run(options, positionals, io) {
    const version = versionId(positionals)
    const isSealed = formatOf(options) === 'dsse'
    if (isSealed !== (textOption(options, 'key') !== undefined)) {
      throw new GatewayError('ERR_USAGE', '--format dsse and --key FILE go together')
    }
    const text = await statementOf(version, options, io)
    if (isSealed) io.out(`${sealed(text, options, io)}\n`)
    else show(text, version, options, io)
    return EXIT.ok
  },
}

function show(text: string, version: string, options: OptionValues, io: CliIo): void {
  // A file gets the bytes that the digest is of; a terminal nothing that it would act on.
  if (formatOf(options) === 'intoto') io.out(io.interactive ? `${plainText(text)}\n` : text)
  else if (wantsJson(options))
    io.out(`${plainLines(JSON.stringify(readStatement(text), null, 2))}\n`)
  else io.out(provenanceText(readStatement(text), version, createPaint(io.colour)))
}

async function statementOf(version: string, options: OptionValues, io: CliIo): Promise<string> {
  if (textOption(options, 'dir') !== undefined) return recordedStatement(version, options, io)
  const call = await controlClient(options, io)
  const path = `${versionPath(version)}/provenance`
  const { document } = await call({ method: 'GET', path })
  // It was canonical when it was written, so that this is the text that its digest is of.
  return canonicalText(document as Json)
}

function sealed(payload: string, options: OptionValues, io: CliIo): string {
  const { uid, groups } = io.process
  const path = resolve(io.cwd, textOption(options, 'key', ''))
  const signer = readKeyFile({ path, uid, groups, type: 'ed25519' })
  return JSON.stringify(sealEnvelope(signer, { payloadType: IN_TOTO, payload }))
}

/** `provenance verify` */
export const provenanceVerify: Verb = {
  positionals: 'FILE',
  options: { vkey: { ...KEY_OPTIONS.vkey, help: 'keys of whoever may have signed it' } },
  formats: ['text', 'json', 'intoto'],
  examples: ['modelgate provenance verify fraud-4.dsse --vkey keys/provenance.key.pub'],
  async run(options, positionals, io) {
    const file = onlyArgument(positionals, 'one file with an envelope, or - for standard input')
    const { keys } = await givenKeys(options, io)
    if (keys.length === 0) throw new GatewayError('ERR_USAGE', 'name a key: --vkey FILE')
    const verifiers = readyKeys(keys).map(({ verifier }) => verifier)
    const opened = openEnvelope((await bytesOf(file, io)).toString('utf8'), verifiers)
    if (typeof opened === 'string') return failed(io, file, opened)
    if (opened.payloadType !== IN_TOTO) return failed(io, file, 'it holds no in-toto statement')
    show(opened.payload, 'as signed', options, io)
    io.err(`${plainText(opened.signedBy.name)} has signed it.\n`)
    return EXIT.ok
  },
}

function failed(io: CliIo, file: string, why: string): number {
  io.err(`${plainText(`${file}: ${why}`)}\n`)
  return EXIT.failed
}

/** @throws ERR_INTERNAL when it is none */
function readStatement(text: string): Document {
  const statement: unknown = JSON.parse(text)
  if (isDocument(statement) && isProvenance(statement)) return statement
  throw new GatewayError('ERR_INTERNAL', 'it is no statement of provenance; see --format intoto')
}
