/** What is measured, and how each of them is started. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Child, ChildOptions } from './children.ts'
import { fillStore } from './crowd.ts'
import { writeGatewayFiles, type GatewayVariant } from './gateway-files.ts'
import type { Machine } from './machine.ts'
import type { BenchOptions } from './options.ts'

/** The yardstick's name: every ratio is to it. */
export const YARDSTICK = 'undici'

/** One thing to measure. */
export interface Peer {
  readonly name: string
  /** What it is, for the report. */
  readonly title: string
  /** Whether it enforces: asked without a token it must then answer 401. */
  readonly enforces: boolean
  readonly process: Omit<ChildOptions, 'core' | 'name'>
  /** Done before it is started. */
  readonly prepare?: () => Promise<void>
}

/** A peer that runs. */
export interface RunningPeer extends Peer {
  readonly child: Child
}

/** Where things are. */
export interface Site {
  /** Temporary folder of the run. */
  readonly folder: string
  /** Folder of the compiled programs. */
  readonly programs: string
  readonly machine: Machine
  readonly issuer: string
  /** Origin of the upstream. */
  readonly upstream: string
  /** For nginx, which cannot be asked to find one. */
  readonly freePort: number
}

const VARIANTS: readonly (GatewayVariant & { readonly name: string; readonly title: string })[] = [
  { name: 'modelgate', title: 'Modelgate, 20 rules', assertion: false, rules: 20 },
  {
    name: 'modelgate+assertion',
    title: 'Modelgate, 20 rules, signed identity assertion',
    assertion: true,
    rules: 20,
  },
  { name: 'modelgate-1000', title: 'Modelgate, 1,000 rules', assertion: false, rules: 1_000 },
  {
    name: 'modelgate-crowded',
    title: 'Modelgate, 20 rules, 10,000 grants and 1,000 locks of others',
    assertion: false,
    rules: 20,
    crowd: { grants: 10_000, locks: 1_000 },
  },
]

/** The peers of a run, the yardstick first, and notes on those that cannot be had. */
export function peersOf(
  options: BenchOptions,
  site: Site,
): { readonly peers: readonly Peer[]; readonly notes: readonly string[] } {
  const notes: string[] = []
  const peers = [
    nodePeer(site, 'undici', 'bare undici proxy, no checks', 'undici-proxy.js'),
    nodePeer(site, 'http-proxy', 'bare http-proxy, keep-alive agent, no checks', 'http-proxy.js'),
  ]
  if (site.machine.nginx === undefined) notes.push('nginx is not installed and was left out.')
  else peers.push(nginxPeer(site, site.machine.nginx))
  peers.push(...gatewayPeers(options, site, resolve('dist/gateway/main.js'), ''))
  for (const [index, main] of options.against.entries()) {
    peers.push(...gatewayPeers(options, site, resolve(main), `@${index + 1}`))
    notes.push(`@${index + 1} is ${main}.`)
  }
  const { only } = options
  const isWanted = ({ name }: Peer): boolean =>
    name === YARDSTICK || only.length === 0 || only.some((wanted) => isNamed(name, wanted))
  return { peers: peers.filter(isWanted), notes }
}

/** `modelgate*` stands for every name that begins so. */
function isNamed(name: string, wanted: string): boolean {
  return wanted.endsWith('*') ? name.startsWith(wanted.slice(0, -1)) : name === wanted
}

function nodePeer(site: Site, name: string, title: string, program: string): Peer {
  const args = [join(site.programs, program), site.upstream]
  return {
    name,
    title,
    enforces: false,
    process: { command: process.execPath, args, readyPort: saidReady },
  }
}

function saidReady(output: string): number | undefined {
  return numberIn(/^ready (\d+)$/m.exec(output))
}

function numberIn(match: RegExpExecArray | null): number | undefined {
  return match === null ? undefined : Number(match[1])
}

function gatewayPeers(options: BenchOptions, site: Site, main: string, suffix: string): Peer[] {
  return VARIANTS.map(({ name, title, ...variant }) => {
    const folder = join(site.folder, `${name}${suffix}`)
    const file = writeGatewayFiles(folder, variant, site)
    const profiling =
      options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folderFor(options)}`]
    const nodeArgs = ['--enable-source-maps', ...profiling]
    const { crowd } = variant
    if (options.profile !== undefined) nodeArgs.push(`--cpu-prof-name=${name}${suffix}.cpuprofile`)
    return {
      name: `${name}${suffix}`,
      title: suffix === '' ? title : `${title} (build ${suffix})`,
      enforces: true,
      ...(crowd === undefined ? {} : { prepare: () => fillStore(join(folder, 'store'), crowd) }),
      process: {
        command: process.execPath,
        args: [...nodeArgs, main, 'serve', '--config', file],
        cwd: folder,
        readyPort: (output) => numberIn(/"data":"127\.0\.0\.1:(\d+)"/.exec(output)),
      },
    }
  })
}

function folderFor({ profile = '.' }: BenchOptions): string {
  const folder = resolve(profile)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Does nothing but proxy: one worker, keep-alive on both sides, no logs. */
function nginxPeer(site: Site, nginx: string): Peer {
  const port = site.freePort
  const folder = join(site.folder, 'nginx')
  mkdirSync(join(folder, 'temp'), { recursive: true })
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, nginxConf(folder, site.upstream, port))
  return {
    name: 'nginx',
    title: 'nginx, proxying only, one worker',
    enforces: false,
    process: {
      command: nginx,
      args: ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
      // It prints nothing; the first request is repeated until it listens.
      readyPort: () => port,
    },
  }
}

function nginxConf(folder: string, upstream: string, port: number): string {
  const isRoot = process.getuid?.() === 0
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `${isRoot ? 'user root;' : ''}
worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
${temps.map((name) => `  ${name}_temp_path ${folder}/temp/${name};`).join('\n')}
  upstream model_server {
    server ${new URL(upstream).host};
    keepalive 128;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=1024;
    location / {
      proxy_pass http://model_server;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}
