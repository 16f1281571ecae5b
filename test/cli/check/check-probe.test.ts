import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createRawServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Want } from '../../../src/cli/check/check-access.ts'
import { systemProbe } from '../../../src/cli/check/check-probe.ts'

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacsrv-probe-'))
})
test.after.each(() => rmSync(folder, { recursive: true }))

const probe = () => systemProbe(join(folder, 'sock'))

/** What the probe makes of a server on the socket. */
async function statusFrom(server: Server, patience?: number) {
  await new Promise<void>((resolve) => server.listen(join(folder, 'sock'), resolve))
  try {
    return await systemProbe(join(folder, 'sock'), patience).status()
  } finally {
    server.close()
  }
}
const httpStatus = (listener: RequestListener) => statusFrom(createServer(listener))

test('a path is walked from the root, through links, as far as it goes', async () => {
  mkdirSync(join(folder, 'real'))
  chmodSync(join(folder, 'real'), 0o750)
  symlinkSync('real', join(folder, 'link'))
  const depth = folder.split('/').length
  const there = await probe().walk(join(folder, 'link'))
  assert.is(there.end, 'there')
  assert.is(there.steps.length, depth + 1)
  assert.is(there.steps.at(-1)!.mode & 0o7777, 0o750)
  const missing = await probe().walk(join(folder, 'real/no/where'))
  assert.is(missing.end, 'missing')
  assert.is(missing.steps.length, depth + 1)
})

test('only plain files are listed; a folder that is not there has none', async () => {
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'sub'))
  symlinkSync('file', join(folder, 'link'))
  assert.equal(
    (await probe().files(folder)).map(({ name }) => name),
    ['file'],
  )
  assert.equal(await probe().files(join(folder, 'none')), [])
})

test('a program that is not there is told from one that fails', async () => {
  assert.is((await probe().run(join(folder, 'none'), [])).status, undefined)
  const { status, stdout, stderr } = await probe().run('sh', ['-c', 'echo out; echo err >&2; exit 3'])
  assert.equal([status, stdout, stderr], [3, 'out', 'err'])
})

test('the kernel says who may do what, ACLs or not', async () => {
  const [open, closed] = [join(folder, 'open'), join(folder, 'closed')]
  for (const path of [open, closed]) writeFileSync(path, '')
  chmodSync(open, 0o644)
  chmodSync(closed, 0o600)
  chmodSync(folder, 0o755)
  const own = { name: 'self', uid: process.getuid!(), gids: [process.getgid!()] }
  assert.equal(await probe().may(own, [open, closed, join(folder, 'none')], Want.read), [open, closed])
  const nobody = { name: 'nobody', uid: 65_534, gids: [65_534] }
  const others = await probe().may(nobody, [open, closed], Want.read)
  assert.equal(others, process.getuid!() === 0 ? [open] : undefined)
  const write = await probe().may(nobody, [open, closed], Want.read | Want.write)
  assert.equal(write, process.getuid!() === 0 ? [] : undefined)
})

test("a server's clock is read from its Date, whatever else it answers", async () => {
  const server = createServer((_, response) => {
    response.writeHead(404, { Date: 'Tue, 24 Nov 2026 12:00:00 GMT' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  assert.is(await probe().dateOf(`http://127.0.0.1:${port}/core/os`), Date.UTC(2026, 10, 24, 12))
  server.close()
  assert.is(await probe().dateOf('http://127.0.0.1:1/'), undefined)
})

test('a key-file is looked into', () => {
  const file = join(folder, 'key')
  writeFileSync(file, 'a passphrase\n', { mode: 0o600 })
  assert.match(probe().keyFault(file)!, /must hold 64 hex digits/)
  writeFileSync(file, `${'0a'.repeat(32)}\n`)
  assert.is(probe().keyFault(file), undefined)
})

test('interfaces are told without loopback', () => {
  assert.not.ok(probe().interfaces().includes('lo'))
})

test('whether a port is taken, also where an address stands for all', async () => {
  const server = createRawServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  assert.ok(await probe().isTaken({ host: '::', port }))
  assert.ok(await probe().isTaken({ host: '127.0.0.1', port }))
  await new Promise((resolve) => server.close(resolve))
  assert.not.ok(await probe().isTaken({ host: '::', port }))
})

test('another user is asked, where one may become that user', async () => {
  const who = { name: 'nobody', uid: 65534, gids: [65534] }
  const seen = await probe().runAs(who, 'id', ['-u'])
  assert.is(seen?.stdout, process.getuid?.() === 0 ? '65534' : undefined)
  const own = { name: 'me', uid: process.getuid!(), gids: [process.getgid!()] }
  assert.is((await probe().runAs(own, 'id', ['-u']))?.stdout, `${own.uid}`)
})

test('free room is told, where there is such a path', async () => {
  assert.ok((await probe().freeBytes(folder))! > 0)
  assert.is(await probe().freeBytes(join(folder, 'none')), undefined)
})

test('the status is asked for by its path and comes as JSON', async () => {
  const answer = await httpStatus((request, response) => response.end(JSON.stringify({ asked: request.url })))
  assert.equal(answer, { status: { asked: '/status' } })
})

test('nobody on the socket', async () => {
  assert.equal(await probe().status(), { failure: 'absent' })
})

test('a refusal', async () => {
  const answer = await httpStatus((_, response) => response.writeHead(403).end())
  assert.equal(answer, { failure: 'denied' })
})

test('an answer that is no JSON, and one that is no HTTP', async () => {
  assert.equal(await httpStatus((_, response) => response.end('<html>')), { failure: 'foreign' })
  const raw = createRawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  assert.equal(await statusFrom(raw), { failure: 'foreign' })
})

test('a server that takes the question and never answers', async () => {
  const sockets = new Set<{ destroy(): void }>()
  const silent = createRawServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  assert.equal(await statusFrom(silent, 20), { failure: 'silent' })
  for (const socket of sockets) socket.destroy()
})

test('of a daemon’s process: whose it is, whether it may gain privileges, what its environment names', async () => {
  const program = ['-e', 'process.stdout.write("up"); setTimeout(() => {}, 60_000)', 'daemon']
  const child = spawn('setpriv', ['--no-new-privs', process.execPath, ...program], { env: { SECRET: 'x=y' } })
  await once(child.stdout, 'data')
  const uid = process.getuid!()
  assert.equal(await probe().process(child.pid!), { uid, noNewPrivileges: true, environment: ['SECRET'] })
  child.kill()
  await once(child, 'exit')
  assert.is(await probe().process(child.pid!), undefined)
  assert.is(await probe().process(process.pid), undefined, 'another program')
})

test('as another user nothing of this one’s environment is shown', async () => {
  if (process.getuid!() !== 0) return
  process.env.SECRET = 'x'
  const who = { name: 'nobody', uid: 65_534, gids: [65_534] }
  const outcome = await probe().runAs(who, 'sh', ['-c', 'id -u; env; grep NoNewPrivs /proc/self/status'])
  delete process.env.SECRET
  assert.match(outcome!.stdout, /^65534\n/)
  assert.not.match(outcome!.stdout, /SECRET/)
  assert.match(outcome!.stdout, /NoNewPrivs:\t1/)
})

test.run()
