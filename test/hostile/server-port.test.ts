/** Rows G and L: local connections that take memory, files and places. Over real sockets. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { get, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { createServerPort, type Door, type ServerDeps } from '../../src/http/server.ts'

const SIZE = 4_000_000
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-hostile-'))
writeFileSync(join(dir, 'held'), Buffer.alloc(SIZE, 7))
const located = { file: { sha256: 'a'.repeat(64), size: SIZE, name: 'x.pkg.tar.zst' }, mirrors: [] }
const deps = {
  log: silentLog,
  allows: () => true,
  shown: { status: () => ({ node: {}, peers: [], files: {}, transfers: [], totals: {} }) },
  locatePath: async () => located,
  fetch: { handovers: { gave() {} } },
  packages: {
    clock: systemClock,
    pledges: { may: async () => true },
    spool: { complete: async () => undefined },
    catalogue: { open: async () => ({ handle: await open(join(dir, 'held')), file: located.file }) },
  },
} as unknown as ServerDeps

const paths: Record<Door, string> = { socket: join(dir, 'sock'), tcp: '' }
const servers: Server[] = []
const openFiles = () => readdirSync('/proc/self/fd').length

test.before(async () => {
  servers.push(createServerPort('socket', deps).listen(paths.socket))
  servers.push(createServerPort('tcp', deps).listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
})
test.after(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(dir, { recursive: true })
})

const where = (door: Door) =>
  door === 'socket'
    ? { path: paths.socket }
    : { host: '127.0.0.1', port: (servers[1]!.address() as AddressInfo).port }

function enter(door: Door): Socket {
  const socket = connect(where(door) as { path: string })
  socket.on('error', () => {})
  return socket.pause()
}

async function statusMs(door: Door): Promise<number> {
  const at = performance.now()
  const { path: socketPath, ...rest } = where(door) as { path?: string }
  const [response] = await once(get({ ...rest, socketPath, path: '/status', agent: false }), 'response')
  response.resume()
  assert.is(response.statusCode, 200)
  return performance.now() - at
}

const PIPELINED = 'GET /core/x.pkg.tar.zst HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(300)

for (const door of ['socket', 'tcp'] as const) {
  test(`${door}: forty connections with 300 requests each that nobody reads: a file each at most, given back`, async () => {
    const [files, bytes] = [openFiles(), process.memoryUsage().rss]
    const enemies = Array.from({ length: 40 }, () => enter(door))
    for (const socket of enemies) socket.write(PIPELINED)
    await wait(1_500)
    const most = openFiles() - files
    const grown = (process.memoryUsage().rss - bytes) / 1e6
    assert.ok(most <= 3 * 40, `${most} more open files`)
    assert.ok(grown <= 100, `${grown} MB more`)
    assert.ok((await statusMs(door)) < 500)
    for (const socket of enemies) socket.destroy()
    await wait(500)
    assert.ok(openFiles() - files <= 2, `${openFiles() - files} files are left open`)
  })

  test(`${door}: forty connections that ask for one file each and don't read it`, async () => {
    const [files, bytes] = [openFiles(), process.memoryUsage().rss]
    const enemies = Array.from({ length: 40 }, () => enter(door))
    for (const socket of enemies) socket.write(PIPELINED.slice(0, PIPELINED.length / 300))
    await wait(500)
    const grown = (process.memoryUsage().rss - bytes) / 1e6
    assert.ok(openFiles() - files <= 120, `${openFiles() - files} more open files`)
    assert.ok(grown <= 80, `${grown} MB more`)
    for (const socket of enemies) socket.destroy()
    await wait(500)
    assert.ok(openFiles() - files <= 2, `${openFiles() - files} files are left open`)
  })

  test(`${door}: 600 half requests keep nobody out`, async () => {
    const enemies = Array.from({ length: 600 }, () => enter(door))
    for (const socket of enemies) socket.write('GET /status HTTP/1.1\r\nHost: loc')
    await wait(300)
    for (let n = 0; n < 5; n++) assert.ok((await statusMs(door)) < 500)
    const server = servers[door === 'socket' ? 0 : 1]!
    const count = () => new Promise<number>((resolve) => server.getConnections((_, n) => resolve(n)))
    for (let n = 0; n < 80 && (await count()) > 5; n++) await wait(100)
    assert.ok((await count()) <= 5, `${await count()} are left`)
    for (const socket of enemies) socket.destroy()
    await wait(100)
  })
}

test.run()
