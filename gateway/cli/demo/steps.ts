/** What the demo does, step by step, and what each step must show. Data only. */
import type { Step } from './step.ts'

const MODEL = '/v2/models/iris-classifier'
const FILE = 'iris-classifier.safetensors'
const WEIGHTS = `${MODEL}/artifacts/${FILE}`

/** What the proxy in front says of a caller in the office on a healthy laptop. */
const OFFICE = { network: '10.20.0.7', device: 'managed, compliant, encrypted' } as const

/** One flower: sepal and petal, length and width, in centimetres. */
const FLOWER =
  '{"inputs":[{"name":"features","shape":[1,4],"datatype":"FP32","data":[5.1,3.5,1.4,0.2]}]}'

const PREDICT = { method: 'POST', path: `${MODEL}/infer`, json: FLOWER } as const
const SCORER = { caller: 'scorer', ...OFFICE } as const
const NO_EXPORT = { status: 403, reason: 'no_rule', arrives: false } as const
const INFER_RULE = 'p, role:inference, infer,'
/** The same, with the switch that the model server has and nobody wrote down. */
const DUMP = FLOWER.replace('{', '{"parameters":{"dump_state":true},\n      ')
const NOT_NOW = {
  status: 403,
  reason: 'condition_failed',
  rule: INFER_RULE,
  arrives: false,
} as const

/** Of gateway/cli/demo/model/iris.csv; resources.yaml of the demo has the same. */
const IRIS_DIGEST = 'sha256:5f7c24e84b5ab684e5522442ba700c889350458069c4ac635daaa17dfe058a74'
const TRAIN = {
  method: 'POST',
  path: `${MODEL}/train`,
  caller: 'tom',
  ...OFFICE,
  json: '{"dataset":"iris","into":"iris-spring","epochs":5}',
} as const
const AGREE = { path: '/v1/requests/{id}/approve', body: { digest: '{digest}' } } as const

/** The steps that are requests to the gateway; what they left behind is looked at after them. */
export const STEPS: readonly Step[] = [
  {
    name: 'Somebody without a token',
    story: 'Nothing is served to nobody, not even the list of models.',
    ask: { method: 'GET', path: '/v2/models' },
    expect: {
      status: 401,
      reason: 'authn_missing',
      arrives: false,
      holds: ['Bearer realm="modelgate"'],
    },
  },
  {
    name: 'Rita, an intern, lists the models',
    story: 'Her token says that she is in the group interns; the rules say that interns may read.',
    ask: { method: 'GET', path: '/v2/models', caller: 'rita' },
    expect: {
      status: 200,
      rule: 'p, role:reader, read, server:*',
      arrives: true,
      holds: ['"iris-classifier"'],
    },
  },
  {
    name: 'Rita asks for a prediction',
    story: 'Reading about a model is not calling it.',
    ask: { ...PREDICT, caller: 'rita', ...OFFICE },
    expect: { status: 403, reason: 'no_rule', arrives: false },
  },
  {
    name: 'An application asks for a prediction',
    story: 'A real model answers: four measurements of a flower go in, its species comes out.',
    ask: { ...PREDICT, ...SCORER },
    expect: { status: 200, rule: INFER_RULE, arrives: true, holds: ['"setosa"'] },
  },
  {
    name: 'The same application asks for the weights',
    story: 'It may call the model. That does not give it the model. First try: the plain download.',
    ask: { method: 'GET', path: WEIGHTS, ...SCORER },
    expect: NO_EXPORT,
  },
  {
    name: 'Second try: a piece of the weights',
    story: 'A hundred bytes at a time would be the whole file after a while.',
    ask: { method: 'GET', path: WEIGHTS, range: 'bytes=0-99', ...SCORER },
    expect: NO_EXPORT,
  },
  {
    name: 'Third try: only the head',
    story: 'HEAD would tell size and digest of the file, and whether it is there.',
    ask: { method: 'HEAD', path: WEIGHTS, ...SCORER },
    expect: NO_EXPORT,
  },
  {
    name: 'Fourth try: the path in disguise',
    story:
      'The model server reads %61 as a, and would hand out the same file. The gateway refuses, ' +
      'from anybody, a path that could be read in two ways; five more of that kind follow.',
    ask: { method: 'GET', path: WEIGHTS.replace('/artifacts', '/%61rtifacts'), ...SCORER },
    expect: { status: 400, reason: 'target_invalid', arrives: false },
    spellings: [
      `${MODEL}%2Fartifacts%2F${FILE}`,
      `${MODEL}/%2561rtifacts/${FILE}`,
      `/v2/models/x/../iris-classifier/artifacts/${FILE}`,
      `/v2//models/iris-classifier/artifacts/${FILE}`,
      `/v2/health/live/..;/../models/iris-classifier/artifacts/${FILE}`,
    ],
  },
  {
    name: 'Fifth try: the weights inside a prediction',
    story:
      'The model server has a forgotten switch that puts its weight file into the answer, in ' +
      'base64 within JSON. The rules permit the request; the answer is what gives it away.',
    ask: { method: 'POST', path: `${MODEL}/infer`, json: DUMP, ...SCORER },
    expect: { status: 502, reason: 'weights_detected', rule: INFER_RULE, arrives: true },
  },
  {
    name: 'The application works late',
    story: 'The clock of gateway and issuer is put forward. The rules know office hours.',
    at: 'evening',
    ask: { ...PREDICT, ...SCORER },
    expect: { ...NOT_NOW, failed: ['office-hours'] },
  },
  {
    name: 'The next morning, from somewhere else',
    story: 'The proxy says that the caller is at 203.0.113.9, outside the company network.',
    at: 'nextMorning',
    ask: { ...PREDICT, ...SCORER, network: '203.0.113.9' },
    expect: { ...NOT_NOW, failed: ['corp-network'] },
  },
  {
    name: 'From the office, on a device out of compliance',
    story: 'The proxy says that the device is managed and encrypted, but not compliant.',
    ask: { ...PREDICT, ...SCORER, device: 'managed, compliant=?0, encrypted' },
    expect: { ...NOT_NOW, failed: ['managed-device'] },
  },
  {
    name: 'Tom, a researcher, starts a training',
    story: 'He has the role, the device and a second factor; two people have yet to agree.',
    ask: TRAIN,
    expect: {
      status: 403,
      reason: 'condition_failed',
      rule: 'p, role:retrainer, retrain,',
      failed: ['two-approvals'],
      arrives: false,
    },
  },
  {
    name: 'Two people agree to one training',
    story:
      'Tom asks for one run with this dataset. Each of the two signs the digest of what she and he ' +
      'saw; nobody could agree to a request of their own. The same request again:',
    calls: [
      {
        caller: 'tomControl',
        says: 'asks',
        path: '/v1/requests',
        body: {
          actions: ['retrain'],
          resources: ['model:iris-classifier'],
          duration: '2h',
          uses_max: 1,
          training: {
            datasets: [{ name: 'iris', digest: IRIS_DIGEST }],
            destination: 'model:iris-spring',
          },
          justification: 'The model drifts on flowers of this spring.',
        },
      },
      { caller: 'olga', says: 'agrees', ...AGREE },
      { caller: 'sven', says: 'agrees', ...AGREE },
    ],
    ask: TRAIN,
    expect: {
      status: 200,
      rule: 'p, role:retrainer, retrain,',
      arrives: true,
      holds: ['"epochs":5'],
    },
  },
  {
    name: 'Tom trains once more',
    story: 'They agreed to one run, so the grant is used up.',
    ask: TRAIN,
    expect: {
      status: 403,
      reason: 'grant_spent',
      rule: 'p, role:retrainer, retrain,',
      arrives: false,
    },
  },
  {
    name: 'Erin, who may export, has logged in with a password alone',
    story: 'The answer is 401, not 403: a second factor is all that is missing (RFC 9470).',
    ask: { method: 'GET', path: WEIGHTS, caller: 'erinPassword', ...OFFICE },
    expect: {
      status: 401,
      reason: 'step_up_required',
      rule: 'p, role:exporter, export,',
      failed: ['mfa'],
      arrives: false,
      holds: ['error="insufficient_user_authentication"'],
    },
  },
  {
    name: 'Erin comes back with a second factor',
    story: 'The right person on the right device gets the file, byte for byte.',
    ask: { method: 'GET', path: WEIGHTS, caller: 'erin', ...OFFICE, saveAs: FILE },
    expect: { status: 200, rule: 'p, role:exporter, export,', arrives: true, weights: true },
  },
  {
    name: 'Erin loses her laptop',
    story: 'One line is added to policy.csv. Her token is as valid as before; nothing restarts.',
    edit: { file: 'policy.csv', line: 'p, user:demo/erin, export, model:*, always, deny' },
    ask: { method: 'GET', path: WEIGHTS, caller: 'erin', ...OFFICE, saveAs: FILE },
    expect: {
      status: 403,
      reason: 'denied_by_rule',
      rule: 'p, user:demo/erin, export,',
      arrives: false,
    },
  },
  {
    name: 'The token of the application turns up on a paste site',
    story:
      'Security locks the account. No rule changes; every replica refuses at once, and would cut ' +
      'what is open.',
    calls: [
      {
        caller: 'sven',
        says: 'locks the application',
        path: '/v1/locks',
        body: {
          target: { kind: 'user', id: 'user:demo/scorer' },
          reason: 'Its token was published.',
        },
      },
    ],
    ask: { ...PREDICT, ...SCORER },
    expect: { status: 403, reason: 'locked', arrives: false },
  },
]
