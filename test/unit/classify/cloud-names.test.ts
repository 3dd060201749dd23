import { describe, expect, it } from '@jest/globals'
import { parseName, parseVersion, type NameForm } from '../../../gateway/classify/name-forms.ts'

/** `name`, `name@version`, or `none`. */
function read(form: NameForm, text: string): string {
  const parsed = parseName(form, text)
  if (parsed === undefined) return 'none'
  return parsed.version === undefined ? parsed.name : `${parsed.name}@${parsed.version}`
}

const SAGEMAKER = 'arn:aws:sagemaker:us-east-1:123456789012'
const BEDROCK = 'arn:aws:bedrock:us-east-1'
const AZURE =
  '/subscriptions/S1/resourceGroups/Group/providers/Microsoft.MachineLearningServices/workspaces/W1'

describe('names of Amazon Bedrock', () => {
  it.each([
    ['anthropic.claude-v2:1', 'anthropic.claude-v2:1'],
    [`${BEDROCK}::foundation-model/anthropic.claude-v2:1`, 'anthropic.claude-v2:1'],
    [`${BEDROCK}:123456789012:inference-profile/us.amazon.nova-v1:0`, 'us.amazon.nova-v1:0'],
    ['arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/a.b', 'a.b'],
    // Of an account, and no other spelling of anything.
    [`${BEDROCK}:123456789012:custom-model/a.b/c`, `${BEDROCK}:123456789012:custom-model/a.b/c`],
    [`${BEDROCK}:12345:inference-profile/a`, `${BEDROCK}:12345:inference-profile/a`],
    [`${BEDROCK}::foundation-model/../x`, 'none'],
  ])('reads %s', (text, expected) => {
    expect(read('bedrock', text)).toBe(expected)
  })
})

describe('names of Amazon SageMaker', () => {
  it.each([
    ['Fraud', 'fraud'],
    [`${SAGEMAKER}:endpoint/fraud`, 'fraud'],
    [`${SAGEMAKER}:model-package/Group/3`, 'group@3'],
    [`${SAGEMAKER}:model-package-group/group`, 'group'],
    [`${SAGEMAKER.toUpperCase()}:ENDPOINT/FRAUD`, 'fraud'],
    // Only a model package has a number behind its name.
    [`${SAGEMAKER}:endpoint/fraud/3`, `${SAGEMAKER}:endpoint/fraud/3`],
    [`${SAGEMAKER}:model-package/group/03`, 'none'],
  ])('reads %s', (text, expected) => {
    expect(read('sagemaker', text)).toBe(expected)
  })
})

describe('names of Vertex AI', () => {
  it.each([
    ['p/l/m@3', 'p/l/m@3'],
    ['projects/p/locations/l/models/m@golden', 'p/l/m@golden'],
    ['projects/p/locations/l/endpoints/7', 'p/l/7'],
    ['publishers/google/models/gemini', 'google/gemini'],
    ['projects/p/locations/l/publishers/google/models/gemini@001', 'google/gemini@001'],
    ['projects/l/m', 'projects/l/m'],
    ['google/gemini@01x', 'google/gemini@01x'],
    ['p/l/m@01', 'none'],
    ['m@1@2', 'none'],
    ['projects/p/locations/l/models/', 'none'],
  ])('reads %s', (text, expected) => {
    expect(read('vertex', text)).toBe(expected)
  })
})

describe('names of Azure', () => {
  it.each([
    [`${AZURE}/models/Fraud/versions/3`, 's1/group/w1/fraud@3'],
    [`${AZURE.toUpperCase()}/ONLINEENDPOINTS/EP/DEPLOYMENTS/BLUE`, 's1/group/w1/ep@blue'],
    ['S1/Group/W1/Fraud', 's1/group/w1/fraud'],
    ['azureml://registries/Reg/models/Phi-3/versions/2', 'reg/phi-3@2'],
    [`${AZURE}/models/fraud/versions/3/more`, 'none'],
    ['azureml://datastores/x/paths/y', 'none'],
  ])('reads %s', (text, expected) => {
    expect(read('arm', text)).toBe(expected)
  })

  it('reads versions in lower case where the system does not tell the case', () => {
    expect(parseVersion('lower', 'Blue')).toBe('blue')
    expect(parseVersion('plain', 'Blue')).toBe('Blue')
    expect(parseVersion('lower', '01')).toBeUndefined()
  })
})
