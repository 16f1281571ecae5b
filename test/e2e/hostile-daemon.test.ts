/** The daemon itself has been taken over, and lies: pacman, which holds each package against its own database, refuses. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { gives } from '../client/front-program.ts'
import { type Lab, scenario } from './lab.ts'
import { createMirror } from './mirror.ts'
import { createNode } from './node.ts'
import { makePackage } from './packages.ts'
import { createPacman } from './pacman.ts'
import { inside, trixieFolder } from './trixie.ts'

/** Whatever it is asked, it gives this. */
async function lyingDaemon(socket: string, content: Buffer): Promise<{ server: Server; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((connection) => {
    connection.on('error', () => {})
    connection.once('data', (request) => {
      asked.push(request.toString('latin1'))
      connection.end(gives(content.toString('latin1')))
    })
  })
  server.listen(socket)
  await once(server, 'listening')
  return { server, asked }
}

async function refused(lab: Lab, view?: string[]): Promise<void> {
  const mirror = await createMirror(lab.host('mirror'))
  const item = makePackage({ name: 'wanted', size: 100_000 })
  const other = makePackage({ name: 'other', size: 100_000 })
  mirror.publish('lab', [item, other])
  const host = lab.host('asker')
  const node = createNode(lab, host, join(host.folder, 'pacman.conf'))
  const pacman = createPacman(host, {
    repositories: { lab: [`${mirror.url}/lab`] },
    options: [`XferCommand = ${node.xferCommand}`],
    ...(view ? { inside: view } : {}),
  })
  assert.is((await pacman.run(['-Sy'])).code, 0)
  // ASCII, since a frame of the test's is made of text.
  const rubbish = Buffer.from(randomBytes(item.size).toString('hex').slice(0, item.size))
  const { server, asked } = await lyingDaemon(node.socket, rubbish)
  const outcome = await pacman.run(['-S', item.name])
  server.close()
  assert.is(asked.filter((request) => request.includes('/v1/file') && request.includes(item.file)).length, 1)
  assert.is(outcome.code, 1, outcome.all)
  assert.match(outcome.all, /invalid or corrupted package/)
  assert.not.ok(existsSync(join(pacman.root, 'usr/share', item.name)), 'nothing of it is installed')
  assert.equal(readdirSync(pacman.cache), [], 'and nothing of it is left')
}

scenario(
  'a daemon that lies gives root’s pacman 6 a false package: it is refused, with SigLevel = Never',
  (lab) => refused(lab),
)
scenario('and pacman 7', (lab) => refused(lab, inside(trixieFolder(), lab.folder)), ['debootstrap'])

test.run()
