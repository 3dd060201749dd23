/** The model as its server uses it: measurements in, species and probabilities out. */
import { readFile } from 'node:fs/promises'
import { forward, networkFromTensors, networkToTensors } from './network.ts'
import type { Network } from './network.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'

/** What the model says of one flower. */
export interface Prediction {
  readonly label: string
  /** One per label, in the order of {@link Classifier.labels}; they add up to 1. */
  readonly probabilities: readonly number[]
}

/** A loaded model. */
export interface Classifier {
  readonly name: string
  readonly version: string
  readonly labels: readonly string[]
  /** How many numbers describe one flower. */
  readonly features: number
  readonly network: Network
  /** One prediction per row; every row has `features` numbers. */
  predict(rows: readonly (readonly number[])[]): Prediction[]
}

/** Name of the shipped model and of its weight file. */
export const MODEL_NAME = 'iris-classifier'

/** The shipped weights, as bytes. */
export async function readShippedWeights(): Promise<Buffer> {
  return readFile(new URL(`./${MODEL_NAME}.safetensors`, import.meta.url))
}

/**
 * Loads a model from the bytes of its weight file, whose metadata names model, version and labels.
 * @throws SafetensorsError when the bytes are no such file; Error when they are of another model.
 */
export function loadClassifier(weights: Buffer): Classifier {
  const file = readSafetensors(weights)
  const network = networkFromTensors(file)
  const labels = (file.metadata.get('labels') ?? '').split(',')
  if (labels.length !== network.output.bias.length) {
    throw new Error('the weights do not name one label per class')
  }
  return {
    name: file.metadata.get('name') ?? MODEL_NAME,
    version: file.metadata.get('version') ?? '1',
    labels,
    features: network.mean.length,
    network,
    predict: (rows) => rows.map((row) => predictRow(network, labels, row)),
  }
}

/** The bytes of a weight file that {@link loadClassifier} loads. */
export function saveClassifier(network: Network, labels: readonly string[]): Buffer {
  const metadata = new Map([
    ['name', MODEL_NAME],
    ['version', '1'],
    ['labels', labels.join(',')],
  ])
  return writeSafetensors({ tensors: networkToTensors(network), metadata })
}

function predictRow(
  network: Network,
  labels: readonly string[],
  row: readonly number[],
): Prediction {
  // The protocol calls them FP32, so they are rounded to what 32 bits hold.
  const probabilities = Array.from(forward(network, row).probabilities, Math.fround)
  const best = probabilities.indexOf(Math.max(...probabilities))
  return { label: labels[best] ?? '', probabilities }
}
