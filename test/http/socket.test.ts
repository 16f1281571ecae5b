import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { isLive, listenOnSocket, passedSocket } from '../../src/http/socket.ts'

let dir: string
let path: string
let servers: Server[]

test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'pacsrv-socket-'))
  path = join(dir, 'run', 'own.sock')
  servers = []
})
test.after.each(async () => {
  for (const server of servers.filter(({ listening }) => listening)) {
    server.close()
    await once(server, 'close')
  }
  rmSync(dir, { recursive: true })
})

function server() {
  const made = createServer()
  servers.push(made)
  return made
}

/** A socket that a daemon left that was killed. */
async function leaveStale() {
  await execa('mkdir', ['-p', join(dir, 'run')])
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await execa(process.execPath, ['-e', code], { reject: false })
  assert.ok(statSync(path).isSocket())
}

test('a socket is made with its folder, open to everybody', async () => {
  assert.is(await listenOnSocket(server(), path), true)
  assert.is(statSync(path).mode & 0o777, 0o666)
  assert.is(await isLive(path), true)
})

test('a live socket is left alone', async () => {
  await listenOnSocket(server(), path)
  assert.is(await listenOnSocket(server(), path), false)
  assert.is(await isLive(path), true)
})

test('a dead one is replaced, and of two at once one listens', async () => {
  await leaveStale()
  assert.is(await isLive(path), false)
  const both = await Promise.all([listenOnSocket(server(), path), listenOnSocket(server(), path)])
  assert.equal(both.sort(), [false, true])
  assert.is(await isLive(path), true)
  assert.equal(readdirSync(join(dir, 'run')), ['own.sock'])
})

test('a place where none can be made is an error that names it and the key', async () => {
  writeFileSync(join(dir, 'run'), '')
  const error = await listenOnSocket(server(), path).then(
    () => undefined,
    (reason) => reason,
  )
  assert.instance(error, PacsrvError)
  assert.match(error.message, path)
  assert.match(error.message, '[server] socket')
})

test("systemd's socket is taken by the process it was meant for only", () => {
  assert.is(passedSocket({ LISTEN_PID: '7', LISTEN_FDS: '1' }, 7), 3)
  assert.is(passedSocket({ LISTEN_PID: '8', LISTEN_FDS: '1' }, 7), undefined)
  assert.is(passedSocket({ LISTEN_PID: '7', LISTEN_FDS: '0' }, 7), undefined)
  assert.is(passedSocket({}, 7), undefined)
})

test.run()
