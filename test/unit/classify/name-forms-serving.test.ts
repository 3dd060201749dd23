import { describe, expect, it } from '@jest/globals'
import { parseName } from '../../../gateway/classify/name-forms.ts'

describe('a name without a colon', () => {
  it.each([
    ['fraud', { name: 'fraud' }],
    ['fraud:predict', undefined],
    [':predict', undefined],
    ['', undefined],
  ])('bare %j', (text, expected) => {
    expect(parseName('bare', text)).toEqual(expected)
  })
})

describe('a feature of Feast', () => {
  it.each([
    ['driver:trips', { name: 'driver' }],
    ['driver@v2:trips', { name: 'driver', version: 'v2' }],
    ['driver@V2:trips', { name: 'driver', version: 'v2' }],
    ['driver@latest:trips', { name: 'driver' }],
    ['driver@LATEST:trips', { name: 'driver' }],
    ['driver@:trips', { name: 'driver' }],
    ['driver:trips:more', { name: 'driver' }],
    // A name with @ in it to Feast, which no name here can have.
    ['driver@2:trips', undefined],
    ['driver@v02:trips', undefined],
    ['driver@v1@v2:trips', undefined],
    ['driver', undefined],
    [':trips', undefined],
  ])('%j', (text, expected) => {
    expect(parseName('feature', text)).toEqual(expected)
  })
})

describe('what X-Vertex-Ai-Triton-Redirect names', () => {
  it.each([
    ['v2/models/fraud', { name: 'fraud' }],
    ['v2/models/fraud/infer', { name: 'fraud' }],
    ['v2/models/fraud/versions/3/config', { name: 'fraud', version: '3' }],
    ['v2/models/fraud/versions/3', { name: 'fraud', version: '3' }],
    ['v2/models/fraud/versions/03', undefined],
    ['v2/models/fraud/versions/x', undefined],
    ['v2/models/fraud/generate', undefined],
    ['v2/models/fraud/infer/', undefined],
    ['/v2/models/fraud/infer', undefined],
    ['V2/models/fraud', undefined],
    ['v2/models/a%2Fb', undefined],
    ['v2/models/fraud/infer?x=/infer', undefined],
    ['v2/repository/models/fraud/load', undefined],
    ['', undefined],
  ])('%j', (text, expected) => {
    expect(parseName('triton-redirect', text)).toEqual(expected)
  })
})
