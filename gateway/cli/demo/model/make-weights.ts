/**
 * Makes `iris-classifier.safetensors` again, beside this file. Run it after changing how the model
 * is trained: `npx tsx gateway/cli/demo/model/make-weights.ts`.
 */
import { writeFile } from 'node:fs/promises'
import { MODEL_NAME, saveClassifier } from './classifier.ts'
import { holdOut, loadIris } from './dataset.ts'
import { SHIPPED_PLAN, train, untrainedNetwork } from './train.ts'

const { training } = holdOut(await loadIris())
const start = untrainedNetwork(training, SHIPPED_PLAN.seed, SHIPPED_PLAN.hiddenUnits)
const network = train(start, training, SHIPPED_PLAN)
const weights = saveClassifier(network, training.classes)
await writeFile(new URL(`./${MODEL_NAME}.safetensors`, import.meta.url), weights)
