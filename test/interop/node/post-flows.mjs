// A client that is nothing but HTTP. A JSON object per line in, one out.
import { createInterface } from 'node:readline'

for await (const line of createInterface({ input: process.stdin })) {
  const { token, url, path, body } = JSON.parse(line)
  const answer = await fetch(`${url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  process.stdout.write(`${JSON.stringify({ ok: answer.ok, text: `${answer.status} ${text}` })}\n`)
}
