/**
 * Training: full-batch Adam (Kingma & Ba 2015, algorithm 1) on the cross-entropy loss. The same
 * seed and the same flowers always give the same weights.
 */
import { FEATURES } from './dataset.ts'
import type { Dataset } from './dataset.ts'
import { copyNetwork, forward } from './network.ts'
import type { Network } from './network.ts'

/** How well a network does on a data set. */
export interface Score {
  /** Mean cross-entropy, natural logarithm; 0 is perfect. */
  readonly loss: number
  /** Share of rows whose most probable class is the right one, 0 to 1. */
  readonly accuracy: number
}

/** How long and how fast to train. */
export interface TrainingPlan {
  /** Passes over the whole data set. */
  readonly epochs: number
  readonly learningRate: number
}

/** The plan and the seed of the weights that are shipped. */
export const SHIPPED_PLAN = { epochs: 200, learningRate: 0.01, seed: 1936, hiddenUnits: 16 }

/** An untrained network for `dataset`: its standardisation, and small random weights. */
export function untrainedNetwork(dataset: Dataset, seed: number, hiddenUnits: number): Network {
  const random = seededRandom(seed)
  const layer = (inputs: number, outputs: number) => {
    const bound = Math.sqrt(6 / (inputs + outputs)) // Glorot & Bengio 2010
    const weight = Float64Array.from({ length: inputs * outputs }, () => bound * (2 * random() - 1))
    return { weight, bias: new Float64Array(outputs) }
  }
  const columns = Array.from({ length: FEATURES }, (_, i) => dataset.rows.map((row) => row[i] ?? 0))
  const mean = Float64Array.from(columns, average)
  const scale = Float64Array.from(columns, (column, i) =>
    Math.sqrt(average(column.map((x) => (x - (mean[i] ?? 0)) ** 2))),
  )
  const hidden = layer(FEATURES, hiddenUnits)
  return { mean, scale, hidden, output: layer(hiddenUnits, dataset.classes.length) }
}

/** Trains a copy of `start` and returns it; `start` is left as it was. */
export function train(start: Network, dataset: Dataset, plan: TrainingPlan): Network {
  const network = copyNetwork(start)
  const parameters = parametersOf(network)
  const step = createAdam(parameters, plan.learningRate)
  for (let epoch = 1; epoch <= plan.epochs; epoch++) step(gradients(network, dataset), epoch)
  return network
}

/** Loss and accuracy of `network` on `dataset`. */
export function evaluate(network: Network, dataset: Dataset): Score {
  let loss = 0
  let right = 0
  dataset.rows.forEach((row, i) => {
    const { probabilities } = forward(network, row)
    const chance = probabilities[dataset.labels[i] ?? 0] ?? 0
    loss -= Math.log(chance)
    if (chance === Math.max(...probabilities)) right += 1
  })
  return { loss: loss / dataset.rows.length, accuracy: right / dataset.rows.length }
}

/** What training changes, in the order in which {@link gradients} answers. */
function parametersOf({ hidden, output }: Network): readonly Float64Array[] {
  return [hidden.weight, hidden.bias, output.weight, output.bias]
}

/** The slope of the mean loss for every parameter, by back-propagation. */
function gradients(network: Network, dataset: Dataset): readonly Float64Array[] {
  const slopes = parametersOf(network).map((values) => new Float64Array(values.length))
  const [hiddenWeight, hiddenBias, outputWeight, outputBias] = slopes
  dataset.rows.forEach((row, i) => {
    const { inputs, hidden, probabilities } = forward(network, row)
    // For softmax under cross-entropy, the error at the output is simply "given minus wanted".
    const outputError = probabilities.map(
      (p, k) => (p - (k === dataset.labels[i] ? 1 : 0)) / dataset.rows.length,
    )
    const hiddenError = hidden.map((h, j) => {
      const back = outputError.reduce(
        (sum, error, k) => sum + error * (network.output.weight[k * hidden.length + j] ?? 0),
        0,
      )
      return back * (1 - h * h)
    })
    addOuterProduct(outputWeight, outputError, hidden)
    addOuterProduct(outputBias, outputError, ONE)
    addOuterProduct(hiddenWeight, hiddenError, inputs)
    addOuterProduct(hiddenBias, hiddenError, ONE)
  })
  return slopes
}

const ONE = Float64Array.of(1)

function addOuterProduct(
  sum: Float64Array | undefined,
  errors: Float64Array,
  inputs: Float64Array,
): void {
  if (sum === undefined) return
  errors.forEach((error, row) =>
    inputs.forEach((x, column) => {
      const at = row * inputs.length + column
      sum[at] = (sum[at] ?? 0) + error * x
    }),
  )
}

/** Adam: each parameter moves by its average slope over the root of its average squared slope. */
function createAdam(parameters: readonly Float64Array[], learningRate: number) {
  const [decay1, decay2, epsilon] = [0.9, 0.999, 1e-8]
  const states = parameters.map((values) => ({
    values,
    mean: new Float64Array(values.length),
    square: new Float64Array(values.length),
  }))
  return (slopes: readonly Float64Array[], step: number): void => {
    states.forEach(({ values, mean, square }, p) =>
      values.forEach((value, i) => {
        const slope = slopes[p]?.[i] ?? 0
        const m = decay1 * (mean[i] ?? 0) + (1 - decay1) * slope
        const v = decay2 * (square[i] ?? 0) + (1 - decay2) * slope * slope
        mean[i] = m
        square[i] = v
        const move = m / (1 - decay1 ** step) / (Math.sqrt(v / (1 - decay2 ** step)) + epsilon)
        values[i] = value - learningRate * move
      }),
    )
  }
}

/** Mulberry32: a small generator of numbers in [0, 1) that starts from a seed. Not for secrets. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
