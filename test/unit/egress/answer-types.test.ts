import { describe, expect, it } from '@jest/globals'
import { answerTypes, hidesText } from '../../../gateway/egress/guard/answer-types.ts'
import { namesWeights } from '../../../gateway/egress/guard/weight-names.ts'
import { pointsToStorage } from '../../../gateway/egress/links/storage-links.ts'

describe('answerTypes', () => {
  it.each([
    ['application/json', 'deploy', true],
    ['text/html', 'admin', true],
    ['image/png', 'infer', true],
    ['image/png', 'deploy', false],
    ['application/x-protobuf', 'read', true],
    ['application/octet-stream', 'infer', false],
    ['application/octet-stream', 'data:read', false],
    ['application/vnd.apache.parquet', 'data:read', false],
  ] as const)('says by the action whether %s may answer %s: %s', (type, action, is) => {
    expect(answerTypes({ action }).has(type)).toBe(is)
  })

  it('holds a route to what it declares, besides text', () => {
    const types = answerTypes({ declared: ['audio/*', 'application/x-tar'], action: 'infer' })
    const is = ['audio/mpeg', 'application/x-tar', 'text/plain', 'image/png'].map((one) =>
      types.has(one),
    )
    expect(is).toEqual([true, true, true, false])
  })
})

describe('hidesText', () => {
  it.each([
    'text/plain; charset=utf-16',
    'application/json;charset="utf-7"',
    'a/b; charset=ibm037',
    'text/plain; charset=ibm500',
    'text/plain; charset=utf-8; charset=cp1140',
    'text/plain; charset=x-own',
  ])('knows %s', (value) => {
    expect(hidesText(value)).toBe(true)
  })
  it.each(['text/plain', 'text/plain; charset=utf-8', 'text/plain; charset=iso-8859-1'])(
    'leaves %s',
    (value) => {
      expect(hidesText(value)).toBe(false)
    },
  )
})

describe('namesWeights', () => {
  it.each([
    'inline; filename="tokenizer.json"',
    'inline; filename="model.safetensors.index.json"',
    'attachment; filename=report.pdf',
  ])('leaves %s', (value) => {
    expect(namesWeights(value)).toBe(false)
  })
  it('takes archives and arrays for data where a route answers with files, but never weights', () => {
    const named = (name: string) => namesWeights(`attachment; filename="${name}"`, true)
    expect([named('train.zip'), named('x.npz'), named('m.gguf')]).toEqual([false, false, true])
  })
})

describe('pointsToStorage', () => {
  it.each([
    '<https://b.s3.eu-west-1.amazonaws.com/k>',
    's3://b/k',
    '//storage.googleapis.com/b/k',
    'https://h/?x-amz-signature%3dabc',
  ])('knows %s', (value) => {
    expect(pointsToStorage(value)).toBe(true)
  })
  it.each([
    '/v2/x/blobs/uploads/1?_state=abc',
    '<https://huggingface.co/api/models?cursor=a>; rel="next"',
  ])('leaves %s', (value) => {
    expect(pointsToStorage(value)).toBe(false)
  })
})
