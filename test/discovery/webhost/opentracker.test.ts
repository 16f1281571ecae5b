import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createProblems } from '../../../src/base/problems.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { createWebhostClient, webhostUrl } from '../../../src/discovery/webhost/webhost-client.ts'
import { httpGet } from '../../../src/discovery/webhost/webhost-http.ts'
import { INFO_HASH } from '../../../src/discovery/webhost/webhost-query.ts'

const NAME = 'two nodes find each other through opentracker'

function find(program: string): string | undefined {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return places
    .map((place) => join(place, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** As docs/webhost.md says: started by root it locks itself into its folder, so the list's path is short. */
function writeConfig(folder: string, port: number): string {
  const config = join(folder, 'opentracker.conf')
  writeFileSync(join(folder, 'whitelist'), `${INFO_HASH}\n`)
  writeFileSync(
    config,
    `listen.tcp 127.0.0.1:${port}\naccess.whitelist whitelist\ntracker.rootdir ${folder}\ntracker.user nobody\n`,
  )
  chmodSync(folder, 0o755)
  return config
}

async function begin(program: string, folder: string, port: number): Promise<ChildProcess> {
  const child = spawn(program, ['-f', writeConfig(folder, port)], { stdio: 'ignore' })
  const deadline = Date.now() + 20_000
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`opentracker did not start (exit ${child.exitCode})`)
    }
  }
  return child
}

function client(port: number, listens: number) {
  const parts = {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    problems: createProblems(systemClock),
    http: httpGet,
  }
  const urls = [webhostUrl(`http://127.0.0.1:${port}`)!]
  return createWebhostClient(parts, {
    urls,
    infoHashes: [INFO_HASH],
    port: listens,
    peerId: systemRandom.hex(20),
  })
}

async function meet(program: string) {
  const folder = mkdtempSync(join(tmpdir(), 'pacsrv-opentracker-'))
  const port = await freePort()
  const child = await begin(program, folder, port)
  try {
    const [first, second, third] = [client(port, 18048), client(port, 18049), client(port, 18050)]
    const heard = (of: typeof first) => new Promise<string[]>((resolve) => of.start(resolve))
    // opentracker tells an asker of itself too.
    assert.equal(await heard(first), ['127.0.0.1:18048'])
    assert.equal((await heard(second)).sort(), ['127.0.0.1:18048', '127.0.0.1:18049'])
    await first.stop()
    assert.equal((await heard(third)).sort(), ['127.0.0.1:18049', '127.0.0.1:18050'])
    await second.stop()
    await third.stop()
  } finally {
    child.kill()
    rmSync(folder, { recursive: true })
  }
}

const program = find('opentracker')
if (program) test(NAME, () => meet(program))
else {
  console.log(`skipped: ${NAME}: opentracker is not installed`)
  test.skip(NAME)
}

test.run()
