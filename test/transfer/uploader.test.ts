import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chunkSize } from '../../src/base/chunks.ts'
import { PacsrvError } from '../../src/base/error.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Session } from '../../src/overlay/session/session.ts'
import { createSharedReads } from '../../src/transfer/shared-reads.ts'
import type { Turn } from '../../src/transfer/upload-queue.ts'
import { createServer, type OpenFile, type UploadStore } from '../../src/transfer/uploader.ts'
import { limits } from '../../src/wire/limits.ts'
import type { Message } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'

const FILE = 'a'.repeat(64)
const content = Buffer.alloc(3 * chunkSize(1) - 7, 'what is held')
const settle = () => new Promise((resolve) => setImmediate(resolve))

function start({ read }: { read?: OpenFile['read'] } = {}) {
  const sent: Message[] = []
  const opened: string[] = []
  let closedFiles = 0
  const state = { writable: true, uploaded: 0 }
  const send = (message: Message, sentOff?: () => void) => {
    sent.push('payload' in message ? { ...message, payload: Buffer.from(message.payload) } : message)
    sentOff?.()
    return state.writable
  }
  const session = { send, link: { send }, remote: '192.0.2.1:8048' } as unknown as Session
  const holdings: UploadStore = {
    signature: async (sha256) => (sha256 === FILE ? Buffer.from('signature') : undefined),
    async open(sha256) {
      opened.push(sha256)
      if (sha256.startsWith('0')) throw new PacsrvError('absent', 'not here')
      if (sha256.startsWith('1')) return undefined
      return {
        size: content.length,
        state: sha256,
        chunkHashes: Buffer.alloc(96, 1),
        read: read ?? (async (buffer, at) => void buffer.set(content.subarray(at, at + buffer.length))),
        async close() {
          closedFiles++
        },
      }
    },
  }
  const turns = { take: (_address: string, turn: Turn) => void turn(() => () => {}) }
  const server = createServer(
    session,
    { holdings, log: silentLog, reads: createSharedReads(createBufferPool()), turns },
    { onUploaded: (bytes) => (state.uploaded += bytes) },
  )
  const get = (request: number, chunk = 0, sha256 = FILE) =>
    server.receive({ type: 'get', request, sha256, chunk })
  return { sent, opened, state, server, get, closedFiles: () => closedFiles }
}

const refused = (sent: Message[]) =>
  sent.flatMap((message) => (message.type === 'refuse' ? [[message.request, message.reason]] : []))

test('chunks and the list, in the order asked; the file is opened once', async () => {
  const { sent, get, server, opened, state } = start()
  get(1, 0)
  get(2, 2)
  server.receive({ type: 'manifestWanted', request: 3, sha256: FILE })
  await settle()
  const step = chunkSize(content.length)
  assert.equal(sent, [
    { type: 'chunk', request: 1, payload: content.subarray(0, step) },
    { type: 'chunk', request: 2, payload: content.subarray(2 * step) },
    { type: 'manifest', request: 3, payload: Buffer.alloc(96, 1) },
  ])
  assert.is(opened.length, 1)
  assert.is(state.uploaded, 2 * step - 7)
})

test('one GET for several chunks is answered as so many, and any of them may be called off', async () => {
  const { sent, server } = start()
  server.receive({ type: 'get', request: 7, sha256: FILE, chunk: 2, more: [0, 3, 1] })
  server.receive({ type: 'cancel', request: 10 })
  await settle()
  const step = chunkSize(content.length)
  assert.equal(sent, [
    { type: 'chunk', request: 7, payload: content.subarray(2 * step) },
    { type: 'chunk', request: 8, payload: content.subarray(0, step) },
    { type: 'refuse', request: 9, reason: 'absent' },
  ])
})

test('the last chunk is given, one past it is absent', async () => {
  const { sent, get } = start()
  get(1, 2)
  get(2, 3)
  get(3, 0xffffffff)
  await settle()
  assert.is(sent[0]!.type, 'chunk')
  assert.equal(refused(sent), [
    [2, 'absent'],
    [3, 'absent'],
  ])
})

test('what is not held is absent, and is looked for anew the next time', async () => {
  const { sent, get, opened } = start()
  get(1, 0, '0'.repeat(64))
  get(2, 0, '1'.repeat(64))
  await settle()
  get(3, 0, '0'.repeat(64))
  await settle()
  assert.equal(refused(sent), [
    [1, 'absent'],
    [2, 'absent'],
    [3, 'absent'],
  ])
  assert.is(opened.length, 3)
})

test('a file that can no longer be read is broken, and closed', async () => {
  const { sent, get, closedFiles } = start({
    read: async () => {
      throw new PacsrvError('absent', 'cut short')
    },
  })
  get(1)
  await settle()
  assert.equal(refused(sent), [[1, 'broken']])
  assert.is(closedFiles(), 1)
})

test('a reader that lags gets nothing more until it has caught up, and as many as allowed may wait', async () => {
  const { sent, get, server, state } = start()
  state.writable = false
  get(1)
  await settle()
  assert.is(sent.length, 1)
  for (let request = 2; request < 2 + limits.requests; request++) get(request)
  await settle()
  assert.equal(refused(sent), [])
  get(1_000)
  assert.equal(refused(sent), [[1_000, 'busy']])
  assert.is(sent.length, 2)
  state.writable = true
  server.drained()
  await settle()
  assert.is(sent.length, 2 + limits.requests)
})

test('the signature of what has one; absent otherwise, and the file is not opened', async () => {
  const { sent, server, opened } = start()
  server.receive({ type: 'signatureWanted', request: 1, sha256: FILE })
  server.receive({ type: 'signatureWanted', request: 2, sha256: 'b'.repeat(64) })
  await settle()
  assert.equal(sent, [
    { type: 'signature', request: 1, payload: Buffer.from('signature') },
    { type: 'refuse', request: 2, reason: 'absent' },
  ])
  assert.is(opened.length, 0)
})

test('what is called off is not sent', async () => {
  const { sent, get, server, state } = start()
  state.writable = false
  get(1)
  await settle()
  get(2)
  get(3)
  assert.ok(server.receive({ type: 'cancel', request: 2 }))
  assert.ok(server.receive({ type: 'cancel', request: 99 }))
  state.writable = true
  server.drained()
  await settle()
  assert.equal(
    sent.map((message) => (message as { request: number }).request),
    [1, 3],
  )
})

test('a ninth file closes the first; the close of the session closes the others, and nothing more is sent', async () => {
  const { sent, get, server, closedFiles } = start()
  for (const digit of '23456789a') get(Number.parseInt(digit, 16), 0, digit.repeat(64))
  await settle()
  assert.is(closedFiles(), 1)
  get(11, 0, 'a'.repeat(64))
  server.closed()
  await settle()
  assert.is(closedFiles(), 9)
  assert.is(sent.length, 9)
})

test.run()
