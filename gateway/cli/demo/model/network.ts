/**
 * The mathematics of the model: a multi-layer perceptron that standardises four measurements,
 * passes them through one hidden layer (tanh) and gives a probability per class (softmax).
 */
import type { SafetensorsFile, Tensor } from './safetensors.ts'

/** `outputs = weight · inputs + bias`; `weight` is row-major, one row per output. */
export interface Layer {
  readonly weight: Float64Array
  readonly bias: Float64Array
}

/** Everything the model has learnt. */
export interface Network {
  /** Mean and spread of each measurement over the flowers trained on. */
  readonly mean: Float64Array
  readonly scale: Float64Array
  readonly hidden: Layer
  readonly output: Layer
}

/** The values of one forward pass; training needs the ones in between. */
export interface Pass {
  readonly inputs: Float64Array
  readonly hidden: Float64Array
  /** One per class; they add up to 1. */
  readonly probabilities: Float64Array
}

/** Runs one row of measurements, as many as the network has inputs, through the network. */
export function forward(network: Network, row: readonly number[]): Pass {
  const inputs = network.mean.map((mean, i) => ((row[i] ?? 0) - mean) / (network.scale[i] ?? 1))
  const hidden = applyLayer(network.hidden, inputs).map(Math.tanh)
  return { inputs, hidden, probabilities: softmax(applyLayer(network.output, hidden)) }
}

/** A copy that can be trained without changing the original. */
export function copyNetwork(network: Network): Network {
  return structuredClone(network)
}

/** The network as named tensors of 32-bit floats, under the names PyTorch would give them. */
export function networkToTensors(network: Network): Map<string, Tensor> {
  const vector = (data: Float64Array): Tensor => ({
    shape: [data.length],
    data: Float32Array.from(data),
  })
  const matrix = ({ weight, bias }: Layer): Tensor => ({
    shape: [bias.length, weight.length / bias.length],
    data: Float32Array.from(weight),
  })
  return new Map([
    ['standardize.mean', vector(network.mean)],
    ['standardize.scale', vector(network.scale)],
    ['hidden.weight', matrix(network.hidden)],
    ['hidden.bias', vector(network.hidden.bias)],
    ['output.weight', matrix(network.output)],
    ['output.bias', vector(network.output.bias)],
  ])
}

/**
 * The network that {@link networkToTensors} wrote.
 * @throws Error when a tensor is missing or its shape does not fit the others.
 */
export function networkFromTensors({ tensors }: Pick<SafetensorsFile, 'tensors'>): Network {
  const take = (name: string, shape: readonly (number | undefined)[]): Float64Array => {
    const tensor = tensors.get(name)
    if (!tensor) throw new Error(`the weights have no tensor "${name}"`)
    const fits =
      tensor.shape.length === shape.length &&
      shape.every((size, i) => size === undefined || size === tensor.shape[i])
    if (!fits) throw new Error(`the tensor "${name}" has shape [${tensor.shape.join(', ')}]`)
    return Float64Array.from(tensor.data)
  }
  const mean = take('standardize.mean', [undefined])
  const hiddenBias = take('hidden.bias', [undefined])
  const outputBias = take('output.bias', [undefined])
  return {
    mean,
    scale: take('standardize.scale', [mean.length]),
    hidden: { weight: take('hidden.weight', [hiddenBias.length, mean.length]), bias: hiddenBias },
    output: {
      weight: take('output.weight', [outputBias.length, hiddenBias.length]),
      bias: outputBias,
    },
  }
}

function applyLayer({ weight, bias }: Layer, inputs: Float64Array): Float64Array {
  return bias.map((start, row) =>
    inputs.reduce((sum, x, column) => sum + x * (weight[row * inputs.length + column] ?? 0), start),
  )
}

function softmax(logits: Float64Array): Float64Array {
  // Subtracting the largest first keeps exp() from overflowing and changes nothing else.
  const largest = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - largest))
  const total = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / total)
}
