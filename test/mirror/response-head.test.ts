import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PacsrvError } from '../../src/base/error.ts'
import { createHeadReader } from '../../src/mirror/response-head.ts'

const head = (...lines: string[]) => `${lines.join('\r\n')}\r\n\r\n`

function read(text: string, expected = { start: 0, size: 1000 }) {
  const reader = createHeadReader(expected)
  const found = reader(Buffer.from(text, 'latin1'))
  return found && { offset: found.head.offset, body: Buffer.from(found.body).toString('latin1') }
}

const OK = head('HTTP/1.1 200 OK', 'Content-Length: 1000')
const RANGE = head('HTTP/1.1 206 Partial Content', 'Content-Range: bytes 100-999/1000')

for (const [why, text, expected, offset] of [
  ['the whole', OK, { start: 0, size: 1000 }, 0],
  ['HTTP/2', head('HTTP/2 200', 'content-length: 1000'), { start: 0, size: 1000 }, 0],
  ['no length', head('HTTP/1.0 200 Fine'), { start: 0, size: 1000 }, 0],
  ['a range', RANGE, { start: 100, size: 1000 }, 100],
  [
    'a range of an unknown whole',
    head('HTTP/1.1 206 P', 'content-range:bytes 100-999/*'),
    { start: 100, size: 1000 },
    100,
  ],
  ['no ranges: from the beginning', OK, { start: 100, size: 1000 }, 0],
  [
    'behind a redirect',
    head('HTTP/1.1 302 Found', 'Location: /x', 'Content-Length: 5') + OK,
    { start: 0, size: 1000 },
    0,
  ],
  [
    'behind a 100 and a 103',
    head('HTTP/1.1 100 Continue') + head('HTTP/1.1 103 Early Hints', 'Link: x') + OK,
    { start: 0, size: 1000 },
    0,
  ],
] as const) {
  test(`accepts: ${why}`, () => assert.equal(read(`${text}body`, expected), { offset, body: 'body' }))
}

for (const [why, text, expected, problem] of [
  ['another length', head('HTTP/1.1 200 OK', 'Content-Length: 999'), { start: 0, size: 1000 }, '999 bytes'],
  [
    'another whole',
    head('HTTP/1.1 206 P', 'Content-Range: bytes 100-1000/1001'),
    { start: 100, size: 1000 },
    '1001 bytes',
  ],
  ['another range', RANGE, { start: 101, size: 1000 }, 'another range'],
  ['a range that is not told', head('HTTP/1.1 206 P'), { start: 100, size: 1000 }, 'another range'],
  ['404', head('HTTP/1.1 404 Not Found'), { start: 0, size: 1000 }, 'answered 404'],
  ['a redirect to nowhere', head('HTTP/1.1 302 Found'), { start: 0, size: 1000 }, 'answered 302'],
  ['no HTTP', head('SSH-2.0-OpenSSH'), { start: 0, size: 1000 }, 'nonsense'],
] as const) {
  test(`refuses: ${why}`, () => {
    let error: PacsrvError | undefined
    try {
      read(text, expected)
    } catch (thrown) {
      error = thrown as PacsrvError
    }
    assert.is(error?.code, problem.endsWith(' bytes') ? 'mismatch' : 'mirror')
    assert.match(error!.message, problem)
  })
}

test('a head that comes byte by byte, a body that begins in the middle of a slice', () => {
  const reader = createHeadReader({ start: 100, size: 1000 })
  const text = head('HTTP/1.1 301 Moved', 'location: https://else/') + RANGE
  const bytes = Buffer.from(`${text}ab`)
  for (let at = 0; at < text.length - 1; at++) assert.is(reader(bytes.subarray(at, at + 1)), undefined)
  const found = reader(bytes.subarray(text.length - 1))
  assert.is(found?.head.offset, 100)
  assert.is(Buffer.from(found!.body).toString(), 'ab')
})

test('a head of 64 KiB is waited for, one byte more is not', () => {
  const reader = createHeadReader({ start: 0, size: 1000 })
  assert.is(reader(Buffer.alloc(64 * 1024, 'x')), undefined)
  assert.throws(() => reader(Buffer.from('x')), 'no proper HTTP head')
})

test.run()
