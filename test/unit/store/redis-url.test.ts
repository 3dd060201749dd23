import { describe, expect, it } from '@jest/globals'
import { parseRedisUrl } from '../../../gateway/store/redis/url.ts'
import { judgeVersion } from '../../../gateway/store/redis/version.ts'

describe('the URL of a Redis', () => {
  it.each([
    ['redis://127.0.0.1', { mode: 'standalone', host: { host: '127.0.0.1', port: 6379 }, db: 0 }],
    ['redis://[::1]:7000/3', { mode: 'standalone', host: { host: '::1', port: 7000 }, db: 3 }],
    [
      'rediss://u%3A:p%40%2F@redis.example',
      { tls: true, login: { username: 'u:', password: 'p@/' } },
    ],
    ['rediss://:p:q@redis.example', { login: { password: 'p:q' } }],
    ['redis+unix://:pw@/run/r.sock?db=2', { mode: 'unix', path: '/run/r.sock', db: 2 }],
    [
      'rediss+sentinel://a:b@s1,s2:7/main/1?sentinel_password=x%26y',
      {
        mode: 'sentinel',
        hosts: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 7 },
        ],
        master: 'main',
        db: 1,
        sentinelLogin: { password: 'x&y' },
      },
    ],
    ['redis+cluster://localhost:7000,127.0.0.2:7001', { mode: 'cluster', tls: false }],
  ])('%s is read', (url, target) => {
    expect(parseRedisUrl(url)).toMatchObject(target)
  })

  it.each([
    'redis://redis.example',
    'redis://127.0.0.1.example.com',
    'redis+sentinel://127.0.0.1,10.0.0.1/m',
    'redis+cluster://10.0.0.1:7000',
    'redis://a,b',
    'rediss://',
    'rediss://host:0',
    'rediss://host:99999',
    'rediss://host/x',
    'rediss://%zz@host',
    'rediss+unix:///x',
    'rediss+sentinel://host',
    'rediss+cluster://host/1',
    'http://host',
    'rediss://host#x',
    `rediss://${'x'.repeat(5_000)}`,
    '',
  ])('%s is refused', (url) => {
    expect(parseRedisUrl(url)).toHaveProperty('problem')
  })

  it('is never repeated in a message', () => {
    for (const url of ['redis://u:hunter2@far', 'rediss://u:hunter2@x:0', 'x://hunter2']) {
      expect(JSON.stringify(parseRedisUrl(url))).not.toContain('hunter2')
    }
  })
})

// §2.L 377
describe('a version of Redis', () => {
  it.each([
    ['5.0.14', true, 'too old'],
    ['6.0.16', true, 'too old'],
    ['6.2.20', false, 'older than 7'],
    ['7.0.15', false, 'CVE-2025-49844'],
    ['7.2.10', false, 'CVE-2025-49844'],
    ['7.4.6', false, undefined],
    ['8.0.3', false, 'CVE-2025-49844'],
    ['8.2.2', false, undefined],
    ['8.4.0', false, undefined],
    [undefined, false, undefined],
  ])('%s', (version, refused, warning) => {
    const judged = judgeVersion(version)
    expect(judged.refused).toBe(refused)
    if (warning === undefined) expect(judged.warning).toBeUndefined()
    else expect(judged.warning).toContain(warning)
  })
})
