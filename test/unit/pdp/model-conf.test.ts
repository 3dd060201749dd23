import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { diagnosticText } from '../../../gateway/domain/diagnostics.ts'
import { checkModel, MODEL_TEXT } from '../../../gateway/pdp/policy/model-conf.ts'
import { placeAndCode } from '../../support/policy.ts'

const check = (text: string) => {
  const checked = checkModel({ file: 'model.conf', text })
  return checked.ok ? [] : checked.diagnostics
}

const changed = (from: string, to: string) => {
  const text = MODEL_TEXT.replace(from, to)
  expect(text).not.toBe(MODEL_TEXT)
  return text
}

describe('the model', () => {
  it('is accepted as shipped, and with other spacing, line ends and order of tests', () => {
    expect(check(MODEL_TEXT)).toEqual([])
    expect(check(readFileSync('rules/model.conf', 'utf8'))).toEqual([])
    expect(check(MODEL_TEXT.replaceAll('\n', '\r\n'))).toEqual([])
    expect(check(MODEL_TEXT.replaceAll(', ', ' ,\t').replaceAll('(', ' ( '))).toEqual([])
    const tests = /m = (.*)/.exec(MODEL_TEXT)?.[1]?.split(' && ').reverse().join('&&') ?? ''
    expect(check(MODEL_TEXT.replace(/m = .*/, `m=${tests}`))).toEqual([])
  })

  it.each([
    ['a dropped deny', ' && !some(where (p.eft == deny))', '', '11:33 model-differs'],
    ['a dropped allow', 'some(where (p.eft == allow)) && ', '', '11:5 model-differs'],
    ['an or between them', ')) && !some', ')) || !some', '11:34 model-differs'],
    ['an effect Casbin refuses late', 'p.eft == deny', 'p.eft == Deny', '11:59 model-differs'],
    ['a mistyped field', 'p.sub)', 'p.sbu)', '14:57 model-differs'],
    ['g() in the matcher', 'holdsSubject(', 'g(', '14:35 model-differs'],
    ['a test with an or', ' && holdsSubject', ' || holdsSubject', '14:32 model-differs'],
    ['a broken name', 'holdsSubject', 'holds Subject', '14:35 model-differs'],
    ['a missing test', ' && holdsCondition(r.env, p.when, p.eft)', '', '14:101 model-differs'],
    ['a missing attribute', 'sub, act, res, env', 'sub, act, res', '2:18 model-differs'],
    ['a swapped attribute', 'sub, act, res, env', 'act, sub, res, env', '2:5 model-differs'],
    ['a domain', '_, _', '_, _, _', '8:9 model-differs'],
    ['a comment that cuts', 'r = sub', 'r = sub # who', '2:9 model-differs'],
    ['nothing after the key', 'g = _, _', 'g', '8:2 model-differs'],
    ['a continued line', '&& holdsSubject', '\\\n&& holdsSubject', '14:32 model-differs'],
    ['a no-break space', 'g = _', 'g =\u00a0_', '8:4 control-character'],
    ['a section of its own', '[matchers]', '[matcher]', '13:1 model-unknown'],
    ['a definition of its own', 'g = _, _', 'g = _, _\ng2 = _, _', '9:1 model-unknown'],
    ['a second definition', 'g = _, _', 'g = _, _\ng = _, _', '9:1 model-repeated'],
    ['a value before any section', '[request_definition]\n', '', '1:1 model-unknown'],
  ])('is refused with %s, where it is', (_name, from, to, expected) => {
    expect(check(changed(from, to)).map(placeAndCode)[0]).toBe(expected)
  })

  it('says of each definition what to write', () => {
    expect(check(changed('p.eft == deny', 'p.eft == Deny')).map(diagnosticText)).toEqual([
      'model.conf:11:59: error: `e` differs from the model this version enforces: ' +
        '`Deny` where `deny` should be [model-differs]\n' +
        '    Write `e = some(where (p.eft == allow)) && !some(where (p.eft == deny))`.',
    ])
    expect(check(changed('g = _, _\n', '')).map(diagnosticText)).toEqual([
      'model.conf:7:1: error: the definition `g` in [role_definition] is missing ' +
        '[model-incomplete]\n    Write `g = _, _`.',
    ])
    expect(check(changed('[matchers]', '[matcher]')).map(({ remedy }) => remedy)).toEqual([
      'Write `[matchers]`.',
      expect.stringMatching(/^Write \[matchers\] and below it `m = coversAction/),
    ])
  })

  it('is refused whole when it is empty, and when it is huge', () => {
    expect(check('').map(({ code }) => code)).toEqual(Array(5).fill('model-incomplete'))
    expect(check('#'.repeat(65_537)).map(placeAndCode)).toEqual(['1:1 file-too-large'])
    expect(check(`\ufeff${MODEL_TEXT}`)[0]?.code).toBe('control-character')
  })
})
