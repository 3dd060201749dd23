/**
 * One route pack, in a process of its own. Arguments: pack, milliseconds to measure. Prints one line of
 * JSON.
 */
import { createClassifier } from '../../../gateway/classify/classifier.ts'
import { answerOf, measure } from '../classify/measure.ts'
import { loadPack } from '../classify/packs.ts'
import type { PackRun } from '../classify/report.ts'
import { KINDS, requestsOf } from '../classify/requests.ts'

const [name = '', measureText = '1000'] = process.argv.slice(2)
const started = performance.now()
const pack = loadPack(name)
const loadMs = performance.now() - started
const classifier = createClassifier({ pack, upstream: 'bench', peekBytesMax: 1_048_576 })
const timings: PackRun['timings'][number][] = []
for (const kind of KINDS) {
  const requests = requestsOf(name, kind)
  const answers = await Promise.all(
    requests.map((request) => answerOf({ pack, classifier }, request)),
  )
  const isRight = (answer: string) => (kind === 'stranger') !== answer.startsWith('route ')
  const usable = requests.filter((_, at) => isRight(answers[at] ?? ''))
  if (usable.length * 2 < requests.length) throw new Error(`${name}: ${kind} is ${answers[0]}`)
  if (usable.length === 0) continue
  const subject = { pack, classifier, kind, measureMs: Number(measureText) }
  timings.push({ kind, ...(await measure(subject, usable)) })
}
const run: PackRun = { pack: name, routes: pack.routes.length, loadMs, timings }
process.stdout.write(`${JSON.stringify(run)}\n`)
