import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { silentLog } from '../../src/base/log.ts'
import type { MirrorHandler, OpenMirror } from '../../src/mirror/curl.ts'
import { createDeadMirrors, notingDead } from '../../src/mirror/dead-mirrors.ts'
import { createClock } from '../clock.ts'

const A = 'http://a.example/core/f'
const B = 'http://b.example/core/f'
const C = 'ftp://c.example/core/f'

test('the dead are tried last, for five minutes', () => {
  const clock = createClock()
  const dead = createDeadMirrors(clock)
  dead.failed(A)
  assert.equal(dead.order([A, B, C]), [B, C, A])
  clock.advance(5 * 60_000 - 1)
  assert.equal(dead.order([A, B]), [B, A])
  clock.advance(1)
  assert.equal(dead.order([A, B]), [A, B])
})

test('a host is dead with all its repositories, whoever asks, until it answers', () => {
  const dead = createDeadMirrors(createClock())
  dead.failed('http://user:word@A.example/extra/os/g')
  assert.ok(dead.isDead(A))
  assert.not(dead.isDead('http://a.example:81/core/f'))
  assert.not(dead.isDead(B))
  dead.answered(A)
  assert.not(dead.isDead(A))
})

test('one that has answered is alive for five minutes, unless it fails', () => {
  const clock = createClock()
  const dead = createDeadMirrors(clock)
  assert.not(dead.isAlive(A))
  dead.answered(A)
  clock.advance(5 * 60_000 - 1)
  assert.ok(dead.isAlive(A))
  clock.advance(1)
  assert.not(dead.isAlive(A))
  dead.answered(A)
  dead.failed(A)
  assert.not(dead.isAlive(A))
})

test('no more than a thousand are remembered, the latest', () => {
  const dead = createDeadMirrors(createClock())
  for (let n = 0; n <= 1_000; n++) dead.failed(`http://${n}.example/`)
  assert.not(dead.isDead('http://0.example/'))
  assert.ok(dead.isDead('http://1.example/'))
  assert.ok(dead.isDead('http://1000.example/'))
})

function opened() {
  const clock = createClock()
  const dead = createDeadMirrors(clock)
  let handler: MirrorHandler
  const open: OpenMirror = (_, given) => {
    handler = given
    return { stop() {}, pause() {}, resume() {} }
  }
  const heard: string[] = []
  const stream = notingDead(open, { dead, clock, log: silentLog })(
    { url: A, start: 0, size: 1, environment: {} },
    {
      onStart: () => void heard.push('start'),
      onBytes: () => void heard.push('bytes'),
      onEnd: () => void heard.push('end'),
    },
  )
  return { clock, dead, stream, heard, handler: handler! }
}

for (const [exitCode, isDead] of [
  [7, true],
  [6, true],
  [28, true],
  [22, false],
  [23, false],
  [undefined, false],
] as const) {
  test(`curl that ends with ${exitCode}: ${isDead ? 'dead' : 'not dead'}`, () => {
    const { dead, heard, handler } = opened()
    handler.onEnd(exitCode === undefined ? undefined : new PacsrvError('mirror', '', { exitCode }))
    assert.is(dead.isDead(A), isDead)
    assert.equal(heard, ['end'])
  })
}

test('left in silence after a second and a half: dead; sooner, or after it has answered: not', () => {
  for (const [ms, answers, isDead] of [
    [1_499, false, false],
    [1_500, false, true],
    [9_000, true, false],
  ] as const) {
    const { clock, dead, stream, handler } = opened()
    if (answers) handler.onStart(0)
    clock.advance(ms)
    stream.stop()
    assert.is(dead.isDead(A), isDead, `${ms}`)
  }
})

test('one that answers is no longer dead', () => {
  const { dead, handler } = opened()
  dead.failed(A)
  handler.onStart(0)
  assert.not(dead.isDead(A))
})

test.run()
