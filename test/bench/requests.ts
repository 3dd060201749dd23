/** The requests of the bench, and the check that each peer treats them as it should. */
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import type { RunningPeer } from './peers.ts'

const PATH = '/v2/models/fraud-scorer/infer'

/** A prediction request of the Open Inference Protocol, about 300 bytes. */
const BODY = JSON.stringify({
  id: '5b0c7a52-4f0e-4e0a-9d1f-2c6a37a9b7d4',
  inputs: [
    {
      name: 'transactions',
      shape: [2, 8],
      datatype: 'FP32',
      data: [
        128.5, 3, 0.12, 1, 0, 17.25, 884, 0.031, 9.99, 1, 0.87, 0, 1, 2.5, 12, 0.44, 52.1, 7, 0.3,
      ].slice(0, 16),
    },
  ],
  outputs: [{ name: 'probability' }],
  parameters: { explain: false, trace: 'sampled', region: 'eu-central' },
})

/** Callers that take turns; each token is verified once and then remembered. */
const CALLERS = 64

/** One request per caller, with a token each, as bytes to send. */
export async function buildRequests(issuer: DevIssuer): Promise<readonly string[]> {
  const tokens = await Promise.all(
    Array.from({ length: CALLERS }, (_, i) =>
      issuer.mint(
        {
          sub: `caller-${i}`,
          aud: 'modelgate',
          client_id: 'bench',
          groups: ['data-science', 'risk'],
          roles: ['reader', 'inference'],
        },
        { lifetimeS: 3_600 },
      ),
    ),
  )
  return tokens.map((token) => requestText([`Authorization: Bearer ${token}`]))
}

function requestText(more: readonly string[]): string {
  const lines = [
    `POST ${PATH} HTTP/1.1`,
    'Host: models.example.com',
    'User-Agent: bench/1',
    'Accept: application/json',
    'Content-Type: application/json',
    ...more,
    `Content-Length: ${Buffer.byteLength(BODY)}`,
  ]
  return `${lines.join('\r\n')}\r\n\r\n${BODY}`
}

const ATTEMPTS = 400

/** Waits until the peer answers as it must: 200 with a token; 401 without, where it enforces. */
export async function checkPeer(peer: RunningPeer, sample: string): Promise<void> {
  const token = /^Authorization: (.*)$/im.exec(sample)?.[1]?.trim() ?? ''
  let status = 0
  for (let attempt = 0; attempt < ATTEMPTS && status !== 200; attempt++) {
    status = await ask(peer.child.port, { authorization: token })
    if (status !== 200) await pause(50)
  }
  if (status !== 200) throw new Error(`${peer.name} answers ${status} instead of 200`)
  const bare = await ask(peer.child.port, {})
  const expected = peer.enforces ? 401 : 200
  if (bare !== expected) {
    throw new Error(`${peer.name} answers ${bare} instead of ${expected} without a token`)
  }
}

function ask(port: number, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path: PATH,
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', ...headers },
      },
      (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode ?? 0))
        response.once('error', () => resolve(0))
      },
    )
    asked.once('error', () => resolve(0))
    asked.end(BODY)
  })
}
