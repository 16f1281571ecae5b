/** The XferCommand client over a daemon of this process: what it writes, how it ends, what it leaves. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FrameType } from '../../src/http/fetch-stream.ts'

const test = suite('client')
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-client-'))
const program = join(dir, 'client.cjs')
const socketPath = join(dir, 'own.sock')
const tmp = join(dir, 'file.part')
const DONE = { result: 'done', fromPeers: 8, fromMirror: 0, peers: 1 }
const HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'

buildSync({
  entryPoints: [join(import.meta.dirname, '../../src/client/client.ts')],
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  external: ['./start.cjs', './ahead.cjs'],
})

let daemon: Server | undefined
let connection: Socket | undefined
test.before.each(() => rmSync(tmp, { force: true }))
test.after.each(() => {
  connection?.destroy()
  daemon?.close()
  daemon = undefined
})
test.after(() => rmSync(dir, { recursive: true, force: true }))

function frame(type: number, body: object | string = ''): Buffer {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const head = Buffer.alloc(5)
  head[0] = type
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** The daemon answers each request with `parts`; `ends` whether it closes then. */
async function daemonSays(parts: (Buffer | string)[], { ends = true } = {}) {
  let request = ''
  daemon = createServer((socket) => {
    connection = socket
    socket.on('error', () => {})
    socket.once('data', (data) => {
      request = data.toString()
      for (const part of parts) socket.write(part)
      if (ends) socket.end()
    })
  })
  daemon.listen(socketPath)
  await once(daemon, 'listening')
  return () => request
}

function start(): ChildProcess {
  const args = [
    program,
    join(dir, 'none.conf'),
    socketPath,
    'no',
    'http://mirror.example/core/x',
    tmp,
    'x',
    '0',
  ]
  return spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, http_proxy: 'http://p:1', SECRET: 's' },
  })
}

async function run() {
  const began = performance.now()
  const child = start()
  let out = ''
  let complaint = ''
  child.stdout!.on('data', (data) => (out += data))
  child.stderr!.on('data', (data) => (complaint += data))
  const [status] = await once(child, 'close')
  const content = existsSync(tmp) ? readFileSync(tmp, 'utf8') : undefined
  return { status, out, complaint, content, ms: performance.now() - began }
}

test('a file in parts is written, and one line says where it came from', async () => {
  const request = await daemonSays([
    HEAD,
    frame(FrameType.start, { name: 'x', size: 8 }),
    frame(FrameType.data, 'abcd'),
    frame(FrameType.progress, { done: 6 }),
    frame(FrameType.data, 'efgh'),
    frame(99, 'of a later version'),
    frame(FrameType.end, DONE),
  ])
  const { status, out, content } = await run()
  assert.equal([status, content], [0, 'abcdefgh'])
  assert.is(out, 'x: 8 B from 1 peer, 0 B from the mirror\n')
  assert.match(request(), 'POST /v1/fetch')
  assert.match(request(), '"http_proxy":"http://p:1"')
  assert.not.match(request(), 'SECRET')
})

test('a rewind begins the file anew', async () => {
  await daemonSays([
    HEAD,
    frame(FrameType.start, { name: 'x', size: 8 }),
    frame(FrameType.rewind),
    frame(FrameType.data, 'wrong bytes, and many of them'),
    frame(FrameType.rewind),
    frame(FrameType.data, 'abcdefgh'),
    frame(FrameType.end, DONE),
  ])
  const { status, content } = await run()
  assert.equal([status, content], [0, 'abcdefgh'])
})

test('mismatch: 65, the reason, and nothing left', async () => {
  await daemonSays([
    HEAD,
    frame(FrameType.start, { name: 'x', size: 8 }),
    frame(FrameType.data, 'abcd'),
    frame(FrameType.end, { result: 'mismatch', reason: 'no mirror has it' }),
  ])
  const { status, complaint, content } = await run()
  assert.equal([status, content, complaint], [65, undefined, 'pacsrv-xfer: no mirror has it\n'])
})

for (const [why, parts] of [
  ['the daemon says so', [HEAD, frame(FrameType.end, { result: 'mirror', reason: 'r' })]],
  [
    'too little came',
    [
      HEAD,
      frame(FrameType.start, { name: 'x', size: 8 }),
      frame(FrameType.data, 'abc'),
      frame(FrameType.end, DONE),
    ],
  ],
  [
    'too much came',
    [
      HEAD,
      frame(FrameType.start, { name: 'x', size: 2 }),
      frame(FrameType.data, 'abc'),
      frame(FrameType.end, DONE),
    ],
  ],
  [
    'it ends in the middle',
    [HEAD, frame(FrameType.start, { name: 'x', size: 8 }), frame(FrameType.data, 'abc')],
  ],
  ['it answers something else', ['HTTP/1.1 404 Not Found\r\n\r\n']],
  ['it is no daemon', ['SSH-2.0-x\r\n\r\n', 'x'.repeat(20_000)]],
  ['its end is no JSON', [HEAD, Buffer.from([FrameType.end, 0, 0, 0, 1, 0x7b])]],
] as const) {
  test(`the mirror is to be asked (75), and nothing is left: ${why}`, async () => {
    await daemonSays([...parts])
    const { status, complaint, content } = await run()
    assert.equal([status, content, complaint], [75, undefined, ''])
  })
}

test('nobody listens: 75 at once', async () => {
  const { status, content } = await run()
  assert.equal([status, content], [75, undefined])
})

test('a daemon that says nothing is left after half a second', async () => {
  await daemonSays([], { ends: false })
  const { status, ms } = await run()
  assert.is(status, 75)
  assert.ok(ms >= 500 && ms < 1_500, `took ${ms} ms`)
})

test('a daemon that falls silent in the middle is left after two', async () => {
  await daemonSays([HEAD, frame(FrameType.start, { name: 'x', size: 8 }), frame(FrameType.data, 'ab')], {
    ends: false,
  })
  const { status, content, ms } = await run()
  assert.equal([status, content], [75, undefined])
  assert.ok(ms >= 2_000 && ms < 3_500, `took ${ms} ms`)
})

for (const gone of [false, true]) {
  test(`interrupted: gone at once, without a word${gone ? ', though its file is gone already' : ''}`, async () => {
    await daemonSays([HEAD, frame(FrameType.start, { name: 'x', size: 8 }), frame(FrameType.data, 'ab')], {
      ends: false,
    })
    const child = start()
    let complaint = ''
    child.stderr!.on('data', (data) => (complaint += data))
    while (!existsSync(tmp)) await new Promise((resolve) => setImmediate(resolve))
    if (gone) rmSync(tmp)
    const began = performance.now()
    child.kill('SIGINT')
    const [status] = await once(child, 'close')
    assert.ok(performance.now() - began < 200)
    assert.equal([status, existsSync(tmp), complaint], [130, false, ''])
  })
}

test.run()
