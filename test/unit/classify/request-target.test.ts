import { describe, expect, it } from '@jest/globals'
import {
  parseHost,
  parseRequestTarget,
  stripPathPrefix,
} from '../../../gateway/classify/target/request-target.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { LIMITS } from './support.ts'

const parse = (raw: string): ReturnType<typeof parseRequestTarget> =>
  parseRequestTarget(raw, LIMITS)
const parsed = (raw: string): Exclude<ReturnType<typeof parse>, { outcome: 'refused' }> => {
  const target = parse(raw)
  if (isRefusal(target)) throw new Error(target.reason)
  return target
}
const reason = (raw: string): string | undefined => {
  const target = parse(raw)
  return isRefusal(target) ? target.reason : undefined
}

/** Nothing in it that only some upstreams take. */
const PLAIN = { encoded: '', emptySegments: false }

describe('a canonical target', () => {
  it.each([
    ['/', ['']],
    ['/v2/models/a/infer', ['v2', 'models', 'a', 'infer']],
    ['/v1/models/a:predict', ['v1', 'models', 'a:predict']],
    ['/a/', ['a', '']],
    ['/a%20b/caf%C3%A9', ['a b', 'café']],
    ['/100%25', ['100%']],
    ['/...', ['...']],
    ["/a!$&'()*+,=:@b", ["a!$&'()*+,=:@b"]],
  ])('%s is kept byte for byte', (raw, segments) => {
    expect(parsed(raw)).toEqual({ path: raw, query: undefined, segments, ...PLAIN })
  })

  it.each([
    ['/models/a?x=/../admin', 'x=/../admin'],
    ['/models/a?', ''],
    ['/models/a??', '?'],
    ['/models/a?;', ';'],
    ['/models/a?x=%2e%2F%00&[y]={"z"}', 'x=%2e%2F%00&[y]={"z"}'],
  ])('%s keeps its query out of the path', (raw, query) => {
    expect(parsed(raw)).toEqual({ path: '/models/a', query, segments: ['models', 'a'], ...PLAIN })
  })
})

describe('a target that is not canonical is refused', () => {
  it.each([
    ['path parameters', '/models/a/..;/b'],
    ['a session id', '/models/a;jsessionid=1/infer'],
    ['an encoded semicolon', '/models/a%3bx'],
    ['a leading empty segment', '//admin'],
    ['an empty segment', '/models//a'],
    ['two trailing slashes', '/models/a//'],
    ['a dot segment', '/models/./a'],
    ['a parent segment', '/models/../admin'],
    ['a last parent segment', '/models/..'],
    ['an encoded parent', '/models/%2e%2e/admin'],
    ['a half-encoded parent', '/models/.%2E/admin'],
    ['a backslash', '/models\\a'],
    ['an encoded backslash', '/models%5Ca'],
    ['an encoded slash', '/models/a%2fb'],
    ['an encoded NUL', '/models/a%00'],
    ['an encoded newline', '/v1/models%0A'],
    ['an encoded DEL', '/models/%7f'],
    ['an encoded NEL', '/models/%C2%85'],
    ['double encoding', '/models/%252e%252e/admin'],
    ['double encoding in two steps', '/models/%25%32%65'],
    ['an overlong dot', '/models/%c0%ae%c0%ae/admin'],
    ['an overlong dot of three bytes', '/models/%e0%80%ae'],
    ['a lone surrogate', '/models/%ED%A0%80'],
    ['a cut UTF-8 sequence', '/models/caf%C3'],
    ['an IIS escape', '/models/%uff0e'],
    ['a bare percent', '/models/%'],
    ['a short escape', '/models/%4'],
    ['a wrong escape', '/models/%zz'],
    ['an encoded letter', '/v2/models/a/%69nfer'],
    ['an encoded colon', '/v1/models/a%3Apredict'],
    ['a fragment', '/admin#/public'],
    ['an encoded fragment', '/models/a%23x'],
    ['an encoded question mark', '/models/a%3Fx'],
    ['a fragment in the query', '/models/a?x#y'],
    ['a wrong escape in the query', '/models/a?x=%4'],
    ['a space', '/models/a b'],
    ['a tab in the query', '/models/a?x\ty'],
    ['raw UTF-8', '/café'],
    ['a brace', '/models/{a}'],
    ['the absolute form', 'http://other/v1/models'],
    ['the authority form', 'gw:443'],
    ['the asterisk form', '*'],
    ['nothing', ''],
  ])('%s', (_name, raw) => {
    expect(reason(raw)).toBe('target_invalid')
  })

  it.each([
    ['8 KiB of path', `/${'a/'.repeat(4096)}x`],
    ['257 segments', '/a'.repeat(257)],
    ['a segment of 1025 bytes', `/${'a'.repeat(1025)}`],
    ['257 parameters', `/a?${'x&'.repeat(256)}`],
  ])('%s is too long', (_name, raw) => {
    expect(reason(raw)).toBe('target_too_long')
  })
})

describe('stripping a prefix', () => {
  const strip = (raw: string, prefix: string): string[] | undefined => {
    const target = stripPathPrefix(parsed(raw), prefix)
    return target && [target.path, ...target.segments]
  }

  it('leaves a canonical target', () => {
    expect(strip('/team-a/v2/x', '/team-a')).toEqual(['/v2/x', 'v2', 'x'])
    expect(strip('/team-a', '/team-a')).toEqual(['/', ''])
    expect(strip('/team-a/', '/team-a')).toEqual(['/', ''])
    expect(strip('/a/b/c', '/a/b')).toEqual(['/c', 'c'])
    expect(strip('/a', '/')).toEqual(['/a', 'a'])
  })

  it('compares whole segments', () => {
    expect(strip('/team-ax/v2', '/team-a')).toBeUndefined()
    expect(strip('/other/team-a', '/team-a')).toBeUndefined()
  })
})

describe('Host', () => {
  it.each([
    ['llm.example.com', { host: 'llm.example.com' }],
    ['LLM.Example.com:8080', { host: 'llm.example.com', port: 8080 }],
    ['model_gateway:1', { host: 'model_gateway', port: 1 }],
    ['127.0.0.1:65535', { host: '127.0.0.1', port: 65_535 }],
    ['[::1]', { host: '[::1]' }],
    ['[2001:DB8::1]:443', { host: '[2001:db8::1]', port: 443 }],
  ])('%s', (raw, host) => {
    expect(parseHost(raw)).toEqual(host)
  })

  it.each([
    undefined,
    '',
    'gw.',
    '.gw',
    'g..w',
    'gw:',
    'gw:0',
    'gw:080',
    'gw:70000',
    'gw:8x',
    'gw\tx',
    'gw x',
    'u@gw',
    'gw/v1',
    'gw/v1/x?y#z',
    'gw?x',
    'gw,evil',
    '[::1',
    '::1',
    '[::1]x',
    '[::1]:',
    '[fe80::1%eth0]',
    '[127.0.0.1]',
    '127.1',
    '1.2.3.256',
    '01.2.3.4',
    '-gw',
    'gw-.x',
    'gẃ',
    `${'a'.repeat(64)}.x`,
    `${'a.'.repeat(130)}x`,
  ])('%p is refused', (raw) => {
    expect(parseHost(raw)).toMatchObject({ reason: 'host_invalid' })
  })
})
