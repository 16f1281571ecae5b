import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createAnswerReader } from '../../src/client/answer-reader.ts'
import { FRAME_BYTES } from '../../src/http/fetch-stream.ts'

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n'

function frame(type: number, payload: string, length = payload.length) {
  const header = Buffer.alloc(5)
  header[0] = type
  header.writeUInt32BE(length, 1)
  return Buffer.concat([header, Buffer.from(payload)])
}

function read(bytes: Buffer, slice = bytes.length) {
  const frames: [number, string][] = []
  let data = ''
  const reader = createAnswerReader({
    onData: (part) => (data += Buffer.from(part).toString()),
    onFrame(type, payload) {
      frames.push([type, payload])
      if (type === 4) data = ''
    },
  })
  for (let at = 0; at < bytes.length; at += slice) reader(bytes.subarray(at, at + slice))
  return { frames, data }
}

const answer = Buffer.concat([
  Buffer.from(HEAD),
  frame(1, '{"size":7}'),
  frame(2, 'wrong'),
  frame(4, ''),
  frame(3, '{"done":1}'),
  frame(2, ''),
  frame(99, 'a later kind'),
  frame(2, 'abc'),
  frame(2, 'defg'),
  frame(5, '{}'),
])
const whole = {
  frames: [
    [1, '{"size":7}'],
    [4, ''],
    [3, '{"done":1}'],
    [99, 'a later kind'],
    [5, '{}'],
  ],
  data: 'abcdefg',
}

test('an answer is read alike in slices of every size, and cut in two at every byte', () => {
  for (let slice = 1; slice <= answer.length; slice++) assert.equal(read(answer, slice), whole)
})

test('a frame without bytes at the end of a slice is told at once', () => {
  assert.equal(read(Buffer.concat([Buffer.from(HEAD), frame(4, '')])).frames, [[4, '']])
})

test('a frame of the largest size is read, one byte more is refused', () => {
  const header = (length: number) => Buffer.concat([Buffer.from(HEAD), frame(2, '', length)])
  read(header(FRAME_BYTES))
  assert.throws(() => read(header(FRAME_BYTES + 1)), /frame of 1048577 bytes/)
})

test('what is no answer of ours is refused', () => {
  for (const head of [
    'HTTP/1.1 404 Not Found\r\n\r\n',
    'HTTP/1.1 204 x\r\n\r\n',
    'SSH-2.0-OpenSSH\r\n\r\n',
  ]) {
    assert.throws(() => read(Buffer.from(head)), /the daemon answered/)
  }
  read(Buffer.alloc(16 * 1024, 'x'))
  assert.throws(() => read(Buffer.alloc(16 * 1024 + 1, 'x')), /the daemon answered/)
})

test.run()
