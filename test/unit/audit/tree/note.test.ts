import { describe, expect, it } from '@jest/globals'
import { checkpointText, parseCheckpoint } from '../../../../gateway/audit/tree/checkpoint.ts'
import { EMPTY_ROOT } from '../../../../gateway/audit/tree/merkle.ts'
import {
  generateSkey,
  parseNote,
  parseSkey,
  parseVkey,
  verifyNote,
  type NoteKeyType,
  type NoteSigner,
} from '../../../../gateway/audit/tree/note.ts'

/** The example of Go's golang.org/x/mod/sumdb/note. */
const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const SKEY = 'PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz'
const TEXT = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.
`
const LINE =
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

function key(name: string, type?: NoteKeyType): NoteSigner {
  const signer = parseSkey(generateSkey(name, type))
  if (typeof signer === 'string') throw new Error(signer)
  return signer
}

function read(text: string) {
  const note = parseNote(Buffer.from(text))
  if (typeof note === 'string') throw new Error(note)
  return note
}

describe('a signed note', () => {
  it('is that of Go, key, signature and all', () => {
    const verifier = parseVkey(VKEY)
    const signer = parseSkey(SKEY)
    if (typeof verifier === 'string' || typeof signer === 'string') throw new Error('no key')
    expect(signer.verifier.vkey).toBe(VKEY)
    expect(signer.sign(TEXT)).toBe(LINE)
    expect(verifyNote(read(`${TEXT}\n${LINE}`), [verifier])).toEqual([{ verifier, at: 0 }])
  })

  it('counts only for keys that are known, each once, and not at all when one is wrong', () => {
    const [a, b, stranger] = [key('a'), key('b'), key('a')]
    const known = [a.verifier, b.verifier]
    const text = 'words\n'
    const both = verifyNote(
      read(`${text}\n${stranger.sign(text)}${a.sign(text)}${b.sign(text)}`),
      known,
    )
    expect(both).toEqual(known.map((verifier) => ({ verifier, at: 0 })))
    const twice = read(`${text}\n${a.sign(text)}${a.sign(text)}`)
    expect(verifyNote(twice, known)).toHaveLength(1)
    expect(verifyNote(read(`${text}\n${stranger.sign(text)}`), known)).toEqual([])
    const wrong = read(`${text}\n${b.sign(text)}${a.sign('other\n')}`)
    expect(verifyNote(wrong, known)).toBe('the signature of a is wrong')
  })

  it('carries the time of a cosignature, which is signed too', () => {
    const witness = key('w', 'cosignature')
    const text = checkpointText({ origin: 'o', size: 0, root: EMPTY_ROOT })
    const line = witness.sign(text, 1_700_000_000)
    const verifier = parseVkey(witness.verifier.vkey)
    if (typeof verifier === 'string') throw new Error(verifier)
    expect(verifyNote(read(`${text}\n${line}`), [verifier])).toMatchObject([{ at: 1_700_000_000 }])
    const bytes = Buffer.from(line.split(' ')[2] ?? '', 'base64')
    bytes.writeUInt8(bytes.readUInt8(11) ^ 1, 11)
    const moved = `— w ${bytes.toString('base64')}\n`
    expect(verifyNote(read(`${text}\n${moved}`), [verifier])).toMatch(/is wrong/)
  })

  it.each([
    ['no empty line', `${TEXT}${LINE}`],
    ['no signature', `${TEXT}\n`],
    ['no end of line', `${TEXT}\n${LINE.slice(0, -1)}`],
    ['carriage returns', `${TEXT}\n${LINE}`.replaceAll('\n', '\r\n')],
    ['a space at the end', `${TEXT}\n${LINE.slice(0, -1)} \n`],
    ['a hyphen for the dash', `${TEXT}\n${LINE.replace('—', '-')}`],
    ['two spaces', `${TEXT}\n${LINE.replace(' x08', '  x08')}`],
    ['base64 without padding', `${TEXT}\n${LINE.replace('=', '')}`],
    ['base64 of URLs', `${TEXT}\n${LINE.replaceAll('/', '_')}`],
    ['an id alone', `${TEXT}\n— PeterNeumann x08gow==\n`],
    ['a tab', `a\tb\n\n${LINE}`],
    ['text behind the signatures', `${TEXT}\n${LINE}text\n`],
    ['65 signatures', `${TEXT}\n${LINE.repeat(65)}`],
    ['too many bytes', `${'x'.repeat(65_536)}\n\n${LINE}`],
  ])('with %s is refused', (_, text) => {
    expect(typeof parseNote(Buffer.from(text))).toBe('string')
  })

  it('that is not UTF-8 is refused', () => {
    const bytes = Buffer.from(`${TEXT}\n${LINE}`)
    bytes[3] = 0xff
    expect(parseNote(bytes)).toMatch(/not UTF-8/)
  })
})

describe('a key', () => {
  it.each([
    VKEY.replace('c74f20a3', 'c74f20a4'),
    VKEY.replace('c74f20a3', 'C74F20A3'),
    VKEY.replace('PeterNeumann', 'Peter Neumann'),
    VKEY.replace('PeterNeumann', 'Other'),
    VKEY.slice(0, -4),
    VKEY.replace('+ARpc', '+Ahpc'),
    'nothing',
    '',
  ])('%s is refused', (vkey) => {
    expect(typeof parseVkey(vkey)).toBe('string')
    expect(typeof parseSkey(`PRIVATE+KEY+${vkey}`)).toBe('string')
  })
})

describe('a checkpoint', () => {
  const signer = key('o')
  const text = checkpointText({ origin: 'o', size: 7, root: EMPTY_ROOT })
  const parse = (body: string) => parseCheckpoint(Buffer.from(`${body}\n${signer.sign(body)}`))

  it('says the name, the size and the root of a log', () => {
    expect(parse(text)).toMatchObject({ origin: 'o', size: 7, root: EMPTY_ROOT })
    expect(parse(`${text}an extension\n`)).toMatchObject({ size: 7 })
  })

  it.each([
    ['a sign', text.replace('7', '+7')],
    ['a leading zero', text.replace('7', '07')],
    ['a negative size', text.replace('7', '-7')],
    ['hexadecimal digits', text.replace('7', '0x7')],
    ['a size past all integers', text.replace('7', '9007199254740993')],
    ['no name', text.replace('o', '')],
    ['a short root', text.replace('47DEQ', '')],
    ['no root', 'o\n7\n'],
  ])('with %s is refused', (_, body) => {
    expect(typeof parse(body)).toBe('string')
  })
})
