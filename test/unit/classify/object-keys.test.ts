import fc from 'fast-check'
import { describe, expect, it } from '@jest/globals'
import { isResourceName } from '../../../gateway/classify/names.ts'
import { parseName, parseVersion } from '../../../gateway/classify/name-forms.ts'
import { escapeKey, parseCopySource } from '../../../gateway/classify/object-keys.ts'

/** Undoes {@link escapeKey}; a name that two keys had could not be undone. */
function unescape(name: string): string {
  const bytes = name.replaceAll(/:([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}

describe('the key of an object', () => {
  it('has one name, which is that of no other key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (key) => {
        fc.pre(Buffer.from(key).toString() === key)
        const name = escapeKey(`b/${key}`)
        expect(unescape(name ?? '')).toBe(`b/${key}`)
        expect(isResourceName(name ?? '')).toBe(true)
      }),
    )
  })

  it.each([
    ['b/a b', 'b/a:20b'],
    ['b/a:20b', 'b/a:3a20b'],
    ['b/a//b', 'b/a/:2fb'],
    ['b/a/../b', 'b/a/.:2e/b'],
    ['b/folder/', 'b/folder:2f'],
  ])('%s is %s', (key, name) => {
    expect(escapeKey(key)).toBe(name)
  })

  it('is neither empty nor without end', () => {
    expect([escapeKey(''), escapeKey('x'.repeat(1025))]).toEqual([undefined, undefined])
  })
})

describe('the source of a copy', () => {
  it.each([
    ['b-1/k', { name: 'b-1/k' }],
    ['/b-1/a%20b', { name: 'b-1/a:20b' }],
    ['/b-1/k?versionId=3%2FL', { name: 'b-1/k', version: '3/L' }],
  ])('%s', (text, parsed) => {
    expect(parseCopySource(text)).toEqual(parsed)
  })

  it.each([
    ['an ARN', 'arn:aws:s3:eu:1:accesspoint/x/object/k'],
    ['a URL', 'https://host.example/bucket/key'],
    ['no key', '/bucket'],
    ['an empty key', '/bucket/'],
    ['another slash in front', '//bucket/key'],
    ['a plus, which is a space to some', '/bucket/a+b'],
    ['a fragment', '/bucket/a#b'],
    ['dot segments', '/bucket/%2e%2e/other/key'],
    ['text encoded twice', '/bucket/%252e'],
    ['another parameter', '/bucket/key?acl'],
    ['two parameters', '/bucket/key?versionId=a?versionId=b'],
    ['no UTF-8', '/bucket/%ff'],
  ])('is not %s', (_name, text) => {
    expect(parseCopySource(text)).toBeUndefined()
  })
})

describe('names and versions of other systems', () => {
  it.each([
    ['tagged', 'acme/m:groq', { name: 'acme/m', version: 'groq' }],
    ['tagged', 'acme/m', { name: 'acme/m' }],
    ['tagged', 'acme/m:', undefined],
    ['mlflow-uri', 'models:/m-1', { name: 'm-1' }],
    ['mlflow-uri', 'models:/crown/3', { name: 'crown', version: '3' }],
    ['mlflow-uri', 'models:/crown/03', undefined],
    ['mlflow-uri', 'models:/crown/Production', { name: 'crown' }],
    ['mlflow-uri', 'models:/crown@champion', { name: 'crown' }],
    ['mlflow-uri', 'models://host/crown/3', undefined],
    ['mlflow-uri', 'models:/a/b/c', undefined],
    ['mlflow-uri', 'mlflow-artifacts:/0/models/m-1/artifacts', { name: 'm-1' }],
    ['mlflow-uri', 'mlflow-artifacts:/models/m-1', { name: 'm-1' }],
    ['mlflow-uri', 'mlflow-artifacts:/0/run/artifacts/model', undefined],
    ['mlflow-uri', 'mlflow-artifacts:/0/models/../x', undefined],
    ['mlflow-uri', 'mlflow-artifacts:/0/models/%2e%2e', undefined],
    ['mlflow-uri', 'models:/m?x', undefined],
  ] as const)('%s %s', (form, text, parsed) => {
    expect(parseName(form, text)).toEqual(parsed)
  })

  it('never takes a digest for the tag that is written almost like it', () => {
    const digest = `sha256:${'ab'.repeat(32)}`
    expect(parseVersion('reference', digest)).toBe(digest)
    expect(parseVersion('reference', digest.replace(':', '-'))).toBe(digest.replace(':', '-'))
    expect(parseVersion('plain', digest)).toBeUndefined()
    expect(parseVersion('reference', 'refs/pr/1')).toBe('refs/pr/1')
    expect(parseVersion('reference', 'refs/../x')).toBeUndefined()
  })
})
