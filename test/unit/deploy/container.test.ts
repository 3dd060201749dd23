import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { VERSION } from '../../../gateway/version.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string) => readFileSync(root + path, 'utf8')

/** Instructions in order, continuation lines joined, comments gone. */
const instructions = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .map((line) => line.trim().replaceAll(/\s+/g, ' '))
  .filter((line) => line !== '')

const stages = instructions
  .join('\n')
  .split(/^(?=FROM )/m)
  .slice(-2)
const [build = '', runtime = ''] = stages
const the = (name: string, stage: string) =>
  stage.split('\n').filter((line) => line.startsWith(`${name} `))

describe('the image', () => {
  it('is built in two stages from one pinned base, from the lock file', () => {
    expect(instructions.filter((line) => line.startsWith('FROM '))).toEqual([
      'FROM node:24-bookworm-slim AS build',
      'FROM node:24-bookworm-slim',
    ])
    expect(build).toMatch(/RUN npm ci --ignore-scripts/)
    expect(build).toMatch(/npm run build && npm prune --omit=dev/)
    expect(runtime).not.toMatch(/npm|curl|apt-get/)
  })

  it('runs node itself as somebody who is not root', () => {
    expect(the('USER', runtime)).toEqual(['USER 1000:1000'])
    expect(runtime.indexOf('USER ')).toBeLessThan(runtime.indexOf('ENTRYPOINT '))
    expect(the('ENTRYPOINT', runtime)).toEqual([
      'ENTRYPOINT ["node", "--enable-source-maps", "dist/gateway/main.js"]',
    ])
    expect(the('CMD', runtime)).toEqual([
      'CMD ["serve", "--config", "/etc/modelgate/gateway.yaml"]',
    ])
    expect(the('ENV', runtime)).toContain('ENV NODE_ENV=production')
    expect(the('STOPSIGNAL', runtime)).toEqual(['STOPSIGNAL SIGTERM'])
    expect(the('EXPOSE', runtime)).toEqual(['EXPOSE 8080'])
  })

  it('asks the control listener for its health without a shell', () => {
    const [, command = ''] = /HEALTHCHECK .*?CMD (\[.*\])$/m.exec(runtime) ?? []
    const [node, flag, script] = JSON.parse(command) as string[]
    expect([node, flag]).toEqual(['node', '-e'])
    expect(script).toContain("fetch('http://127.0.0.1:9090/healthz')")
    expect(() => new Script(script ?? '')).not.toThrow()
  })

  it('says what it is', () => {
    const labels = the('LABEL', runtime).join(' ')
    for (const name of ['title', 'description', 'version', 'revision', 'licenses', 'base.name']) {
      expect(labels).toContain(`org.opencontainers.image.${name}=`)
    }
    expect(the('ARG', runtime)).toContain(`ARG VERSION=${VERSION}`)
  })

  it('copies only what exists and what the build context lets in', () => {
    const context = read('.dockerignore').split('\n')
    const copied = [build, runtime]
      .flatMap((stage) => the('COPY', stage))
      .filter((line) => !line.includes('--from='))
      .flatMap((line) => line.split(' ').slice(1, -1))
    expect(context).toContain('*')
    for (const path of copied) {
      expect(existsSync(root + path)).toBe(true)
      expect(context).toContain(`!${path}`)
    }
    for (const [, path = ''] of read('.dockerignore').matchAll(/^!(.+)$/gm)) {
      expect(copied).toContain(path)
    }
  })
})
