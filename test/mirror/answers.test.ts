import { execFileSync } from 'node:child_process'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  answerOf,
  answersForShell,
  asksNext,
  isDown,
  type MirrorAnswer,
  withAnswers,
} from '../../src/mirror/answers.ts'

const CASES: [exitCode: number, status: number, answer: MirrorAnswer][] = [
  [0, 200, 'right'],
  [0, 304, 'right'],
  [0, 0, 'right'],
  [22, 404, 'absent'],
  [22, 410, 'absent'],
  [37, 0, 'absent'],
  [78, 550, 'absent'],
  [9, 550, 'absent'],
  [9, 530, 'busy'],
  [67, 0, 'refused'],
  [22, 400, 'refused'],
  [22, 401, 'refused'],
  [22, 403, 'refused'],
  [22, 407, 'refused'],
  [22, 451, 'refused'],
  [22, 408, 'busy'],
  [22, 429, 'busy'],
  [22, 500, 'busy'],
  [22, 503, 'busy'],
  [6, 0, 'unreachable'],
  [7, 0, 'unreachable'],
  [28, 0, 'unreachable'],
  [28, 200, 'unreachable'],
  [56, 0, 'unreachable'],
  [18, 200, 'broken'],
  [92, 200, 'broken'],
  [60, 0, 'refused'],
  [63, 200, 'wrong'],
  [23, 200, 'ours'],
  [127, 0, 'ours'],
  [99, 0, 'broken'],
]

test('what each answer means', () => {
  for (const [exitCode, status, answer] of CASES) {
    assert.is(answerOf({ exitCode, status }), answer, `${exitCode} ${status}`)
  }
})

test("the front's script says the same", () => {
  const script = withAnswers('before\nmeaning() { answer=broken; }\n').replace('before', '')
  const asked = CASES.map(
    ([exitCode, status]) => `meaning ${exitCode} ${`${status}`.padStart(3, '0')}; echo $answer`,
  )
  const said = execFileSync('sh', ['-c', `${script}\n${asked.join('\n')}`], { encoding: 'utf8' })
  assert.equal(
    said.trim().split('\n'),
    CASES.map(([, , answer]) => answer),
  )
  assert.match(script, answersForShell())
  assert.throws(() => withAnswers('no place'), 'no line')
})

test("one mirror's no is not everybody's; a full disk is every mirror's", () => {
  const all: MirrorAnswer[] = ['absent', 'refused', 'busy', 'broken', 'unreachable', 'wrong']
  assert.ok(all.every(asksNext))
  assert.not(asksNext('ours'))
  assert.not(asksNext('right'))
  assert.equal(all.filter(isDown), ['busy', 'unreachable'])
})

test.run()
