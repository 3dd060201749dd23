import { describe, expect, it } from '@jest/globals'
import {
  loadClassifier,
  readShippedWeights,
  saveClassifier,
} from '../../../gateway/cli/demo/model/classifier.ts'
import { holdOut, loadIris, parseIris } from '../../../gateway/cli/demo/model/dataset.ts'
import {
  forward,
  networkFromTensors,
  networkToTensors,
} from '../../../gateway/cli/demo/model/network.ts'
import {
  evaluate,
  SHIPPED_PLAN,
  train,
  untrainedNetwork,
} from '../../../gateway/cli/demo/model/train.ts'

const iris = await loadIris()
const { training, heldOut } = holdOut(iris)
const start = untrainedNetwork(training, SHIPPED_PLAN.seed, SHIPPED_PLAN.hiddenUnits)

describe('the data', () => {
  it('has fifty flowers of each species', () => {
    expect(iris.classes).toEqual(['setosa', 'versicolor', 'virginica'])
    expect([0, 1, 2].map((k) => iris.labels.filter((label) => label === k).length)).toEqual([
      50, 50, 50,
    ])
    expect(iris.rows[34]).toEqual([4.9, 3.1, 1.5, 0.2])
    expect(iris.rows[37]).toEqual([4.9, 3.6, 1.4, 0.1])
  })

  it('holds out a fifth of each species', () => {
    expect([training.rows.length, heldOut.rows.length]).toEqual([120, 30])
    expect(heldOut.labels.filter((label) => label === 1)).toHaveLength(10)
  })

  it.each(['1,2,3,x', '1,2,x,4,setosa', '1,2,3,4,5,setosa'])('refuses the line %s', (line) => {
    expect(() => parseIris(`header\n${line}\n`)).toThrow(line)
  })
})

describe('the shipped weights', () => {
  it('classify at least 95 in 100 flowers rightly, those never trained on included', async () => {
    const { network } = loadClassifier(await readShippedWeights())
    expect(evaluate(network, iris).accuracy).toBeGreaterThanOrEqual(0.95)
    expect(evaluate(network, heldOut).accuracy).toBeGreaterThanOrEqual(0.95)
  })

  it('are what training gives', async () => {
    const trained = networkToTensors(train(start, training, SHIPPED_PLAN))
    const shipped = networkToTensors(loadClassifier(await readShippedWeights()).network)
    for (const [name, { shape, data }] of shipped) {
      expect(trained.get(name)?.shape).toEqual(shape)
      data.forEach((value, i) => expect(trained.get(name)?.data[i]).toBeCloseTo(value, 3))
    }
  })
})

describe('training', () => {
  const plan = { epochs: 20, learningRate: 0.01 }

  it('lowers the loss and leaves the network it started from alone', () => {
    const before = evaluate(start, training)
    const trained = train(start, training, plan)
    expect(evaluate(trained, training).loss).toBeLessThan(before.loss / 2)
    expect(evaluate(start, training)).toEqual(before)
  })

  it('gives the same weights for the same seed, and others for another', () => {
    const again = untrainedNetwork(training, SHIPPED_PLAN.seed, SHIPPED_PLAN.hiddenUnits)
    expect(train(again, training, plan)).toEqual(train(start, training, plan))
    expect(untrainedNetwork(training, 1, 16)).not.toEqual(again)
  })

  it.each(['hidden', 'output'] as const)('moves the %s layer against the slope', (layer) => {
    const loss = evaluate(start, training).loss
    const moved = train(start, training, { epochs: 1, learningRate: 1e-6 })
    for (const kind of ['weight', 'bias'] as const) {
      // The first step of Adam moves every parameter by the learning rate, down its slope; nudging
      // one parameter up shows which way that is.
      moved[layer][kind].forEach((value, i) => {
        const nudged = structuredClone(start)
        const was = nudged[layer][kind][i] ?? 0
        nudged[layer][kind][i] = was + 1e-6
        expect(value < was).toBe(evaluate(nudged, training).loss > loss)
      })
    }
  })
})

describe('the classifier', () => {
  it('answers a label and probabilities that add up to one', async () => {
    const model = loadClassifier(await readShippedWeights())
    const [first, second] = model.predict([
      [5.1, 3.5, 1.4, 0.2],
      [6.7, 3.0, 5.2, 2.3],
    ])
    expect([first?.label, second?.label]).toEqual(['setosa', 'virginica'])
    expect(first?.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
    expect(first?.probabilities[0]).toBeGreaterThan(0.9)
  })

  it('stays finite on absurd measurements', () => {
    const { probabilities } = forward(start, [1e300, -1e300, 0, 0])
    expect([...probabilities].every(Number.isFinite)).toBe(true)
  })

  it('refuses weights with a tensor missing, misshapen, or without labels', () => {
    const tensors = networkToTensors(start)
    const without = new Map([...tensors].filter(([name]) => name !== 'output.bias'))
    expect(() => networkFromTensors({ tensors: without })).toThrow('no tensor "output.bias"')
    const misshapen = new Map(tensors).set('hidden.weight', {
      shape: [1],
      data: Float32Array.of(1),
    })
    expect(() => networkFromTensors({ tensors: misshapen })).toThrow(
      '"hidden.weight" has shape [1]',
    )
    expect(() => loadClassifier(saveClassifier(start, ['one']))).toThrow('one label per class')
  })
})
