import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import type { Session } from '../../src/overlay/session/session.ts'
import { type ChunkAnswer, createAsker } from '../../src/transfer/asker.ts'
import { limits } from '../../src/wire/limits.ts'
import type { Message } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'

const FILE = 'a'.repeat(64)
const bytes = Buffer.from('some bytes')

function start(capabilities: string[] = []) {
  const sent: Message[] = []
  const session = {
    remote: '192.0.2.1:8048',
    capabilities,
    send: (message: Message) => sent.push(message) > 0,
  } as unknown as Session
  const clock = createClock()
  return { sent, clock, ...createAsker(session, clock) }
}

test('a chunk is answered once; what comes again for it is dropped', () => {
  const { asker, receive } = start()
  const answers: ChunkAnswer[] = []
  const request = asker.chunk(FILE, 3, (answer) => answers.push(answer))
  assert.is(receive({ type: 'chunk', request, payload: bytes }), 'taken')
  assert.is(receive({ type: 'chunk', request, payload: bytes }), 'unasked')
  assert.equal(answers, [{ bytes }])
  assert.is(asker.open, 0)
})

test('a request that is called off is not answered', () => {
  const { asker, receive, sent } = start()
  const request = asker.chunk(FILE, 3, () => assert.unreachable())
  asker.cancel(request)
  asker.cancel(request)
  receive({ type: 'chunk', request, payload: bytes })
  assert.equal(
    sent.map(({ type }) => type),
    ['get', 'cancel'],
  )
})

test('requests over the limit wait here, and go out in order as room is made', () => {
  const { asker, receive, sent } = start()
  const answered: number[] = []
  const numbers = Array.from({ length: limits.requests + 3 }, (_, chunk) =>
    asker.chunk(FILE, chunk, () => answered.push(chunk)),
  )
  assert.is(sent.length, limits.requests)
  assert.is(asker.open, limits.requests + 3)
  receive({ type: 'chunk', request: numbers[0]!, payload: bytes })
  assert.is(sent.length, limits.requests + 1)
  asker.cancel(numbers.at(-1)!)
  assert.is(sent.length, limits.requests + 1, 'who was never asked need not be told')
  asker.cancel(numbers[1]!)
  assert.equal(
    sent.slice(-2).map((message) => message.type),
    ['cancel', 'get'],
    'the server hears of the room before it is used',
  )
  receive({ type: 'refuse', request: numbers[2]!, reason: 'busy' })
  assert.is(sent.length, limits.requests + 3)
  assert.equal(answered, [0, 2])
})

test('what is asked for in one turn goes in one message to who can read it, each with a number of its own', async () => {
  const { asker, receive, sent } = start(['many'])
  const OTHER = 'b'.repeat(64)
  const answered: number[] = []
  for (const chunk of [4, 5, 9]) asker.chunk(FILE, chunk, () => answered.push(chunk))
  const calledOff = asker.chunk(FILE, 10, () => assert.unreachable())
  asker.cancel(calledOff)
  asker.chunk(OTHER, 0, () => answered.push(0))
  await Promise.resolve()
  assert.equal(sent, [
    { type: 'get', request: 1, sha256: FILE, chunk: 4, more: [5, 9] },
    { type: 'get', request: 5, sha256: OTHER, chunk: 0 },
  ])
  for (const request of [2, 1, 5]) receive({ type: 'chunk', request, payload: bytes })
  assert.equal(answered, [5, 4, 0])
})

test('how far this node is with several files is said in one message to who can read it, the last word only', () => {
  for (const can of [true, false]) {
    const { asker, clock, sent } = start(can ? ['many'] : [])
    const OTHER = 'b'.repeat(64)
    asker.have(FILE, Buffer.from([0, 0]))
    asker.have(OTHER, Buffer.from([1, 1, 2, 2]))
    asker.have(FILE, Buffer.from([3, 3]))
    clock.advance(0)
    const alone = [
      { type: 'have', sha256: FILE, payload: Buffer.from([3, 3]) },
      { type: 'have', sha256: OTHER, payload: Buffer.from([1, 1, 2, 2]) },
    ]
    const files = [
      { sha256: FILE, bytes: 2 },
      { sha256: OTHER, bytes: 4 },
    ]
    const together = { type: 'haves', files, payload: Buffer.from([3, 3, 1, 1, 2, 2]) }
    assert.equal(sent, can ? [together] : alone)
  }
})

test('messages that are no answers are left to others', () => {
  const { receive } = start()
  assert.is(receive({ type: 'cancel', request: 1 }), 'no answer')
  assert.is(receive({ type: 'get', request: 1, sha256: FILE, chunk: 0 }), 'no answer')
})

async function fails(promise: Promise<unknown>, pattern: RegExp) {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  )
  assert.instance(error, PacsrvError)
  assert.match(error.message, pattern)
}

test('a list: answered, refused, silent, or lost with the connection; no timer stays', async () => {
  const { asker, receive, clock, closed, sent } = start()
  const last = () => (sent.at(-1) as { request: number }).request
  const list = asker.manifest(FILE)
  receive({ type: 'manifest', request: last(), payload: bytes })
  assert.equal(await list, bytes)

  const refused = asker.manifest(FILE)
  receive({ type: 'refuse', request: last(), reason: 'absent' })
  await fails(refused, /absent/)
  assert.not.ok(clock.step())

  const silent = asker.manifest(FILE)
  clock.advance(4_999)
  assert.is(asker.open, 1)
  clock.advance(1)
  await fails(silent, /silence/)
  assert.is(asker.open, 0)

  const lost = asker.manifest(FILE)
  closed(undefined)
  await fails(lost, /closed/)
  await fails(asker.manifest(FILE), /closed/)
  assert.not.ok(clock.step())
})

test('a signature: answered, refused, or silent', async () => {
  const { asker, receive, clock, sent } = start()
  const given = asker.signature(FILE)
  assert.equal(sent, [{ type: 'signatureWanted', request: 1, sha256: FILE }])
  receive({ type: 'signature', request: 1, payload: bytes })
  assert.equal(await given, bytes)

  const refused = asker.signature(FILE)
  receive({ type: 'refuse', request: 2, reason: 'absent' })
  await fails(refused, /absent/)

  const silent = asker.signature(FILE)
  clock.advance(1_500)
  await fails(silent, /silence/)
  assert.not.ok(clock.step())
})

test('who listens after the close is told all the same, unless it stops', async () => {
  const { asker, closed } = start()
  const told: string[] = []
  asker.onClose(() => told.push('before'))
  asker.onClose(() => told.push('never'))()
  closed(new Error('reset'))
  asker.onClose((reason) => told.push(reason!.message))
  await Promise.resolve()
  assert.equal(told, ['before', 'reset'])
})

test.run()
