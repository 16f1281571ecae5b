/** What the hook's call tells the daemon and its user, and how long it waits: by a shell that is called pacman. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { FrameType } from '../../src/http/fetch-stream.ts'
import { fieldsOf, frame, HEAD, installFront, writeStamp } from './front-program.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-announce-'))
const socket = join(dir, 'sock')
const conf = join(dir, 'pacsrv.conf')
let program: string
let server: Server | undefined

test.before(() => {
  program = installFront(dir)
  copyFileSync('/bin/sh', join(dir, 'pacman'))
  chmodSync(join(dir, 'pacman'), 0o755)
  writeFileSync(conf, `[server]\nsocket = ${socket}\n`)
})
test.after.each(() => {
  server?.close()
  server = undefined
  rmSync(`${socket}.alive`, { force: true })
})
test.after(() => rmSync(dir, { recursive: true }))

/** A daemon that lives, and says `answer` once it has the whole request; nothing: it is silent. */
async function listen(answer?: string | Buffer): Promise<{ request: string }> {
  const heard = { request: '' }
  server = createServer((client: Socket) => {
    client.on('error', () => {})
    client.on('data', (bytes) => {
      heard.request += bytes.toString('latin1')
      const length = Number(/Content-Length: (\d+)/.exec(heard.request)?.[1])
      const body = heard.request.split('\r\n\r\n')[1] ?? ''
      if (answer !== undefined && body.length === length) client.end(answer)
    })
  }).listen(socket)
  await once(server, 'listening')
  writeStamp(socket)
  return heard
}

/** As the hook does it: the program has pacman as its parent. `sh`: another has. */
async function announce(parent: 'pacman' | 'sh' = 'pacman') {
  const shell = parent === 'pacman' ? join(dir, 'pacman') : '/bin/sh'
  const begun = performance.now()
  // Two commands: a shell with one executes it in its own place.
  const child = spawn(shell, ['-c', `"$0" --config "$1" announce; exit $?`, program, conf])
  let all = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (all += data))
  const [status] = await once(child, 'close')
  return { status, all, ms: performance.now() - begun }
}

const line = (text: string) => Buffer.concat([Buffer.from(HEAD), frame(FrameType.line, text)])

test('the hook runs it, after each transaction', () => {
  const hook = readFileSync(join(root, 'hooks/90-pacsrv-announce.hook'), 'utf8')
  assert.match(hook, /^When = PostTransaction$/m)
  assert.match(hook, /^Exec = \/usr\/bin\/pacsrv-xfer announce$/m)
})

test('it names the transaction and its age, and shows the one line of the answer', async () => {
  const heard = await listen(line('pacsrv: 1 package'))
  const { status, all } = await announce()
  assert.equal([status, all], [0, 'pacsrv: 1 package\n'])
  assert.match(heard.request, /^POST \/v1\/announce HTTP/)
  const { transaction, age } = fieldsOf(heard.request)
  assert.match(transaction!, /^\d+ \d+$/)
  assert.ok(Number(age) >= 0 && Number(age) < 60_000, age)
})

test('whoever is not pacman names none', async () => {
  const heard = await listen('HTTP/1.1 204 No Content\r\n\r\n')
  const { status, all } = await announce('sh')
  assert.equal([status, all], [0, ''])
  assert.equal(fieldsOf(heard.request), {})
})

for (const [what, answer, shown] of [
  ['nothing to say', 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n', ''],
  ['a refusal', 'HTTP/1.1 404 Not Found\r\n\r\nno such thing', ''],
  ['no HTTP', 'hello', ''],
  ['a line that is no text', line('a\x1b[2J\nb\xff'), 'a?[2J?b??\n'],
  ['a second line', Buffer.concat([line('one'), frame(FrameType.line, 'two')]), 'one\n'],
  ['data', Buffer.concat([Buffer.from(HEAD), frame(FrameType.data, 'x'), frame(FrameType.line, 'no')]), ''],
  ['a line longer than any', line('x'.repeat(5_000)), ''],
  ['half a line', line('abcdef').subarray(0, -1), ''],
] as const) {
  test(`an answer of ${what}`, async () => {
    await listen(answer)
    const { status, all } = await announce()
    assert.equal([status, all], [0, shown])
  })
}

test('no daemon: silent, and well', async () => {
  assert.equal((await announce()).all, '')
  writeFileSync(socket, '')
  const { status, all } = await announce()
  rmSync(socket)
  assert.equal([status, all], [0, ''])
})

test('a silent daemon is told, and left soon', async () => {
  const heard = await listen()
  const { status, all, ms } = await announce()
  assert.equal([status, all], [0, ''])
  assert.match(heard.request, /^POST \/v1\/announce/)
  // A fifth of a second, and what a busy machine adds.
  assert.ok(ms < 5_000, `${ms} ms`)
})

test('one whose loop no longer turns is told and not waited for', async () => {
  await listen(line('late'))
  writeStamp(socket, 60_000)
  assert.equal((await announce()).all, '')
  assert.ok(statSync(socket).isSocket())
})

test.run()
