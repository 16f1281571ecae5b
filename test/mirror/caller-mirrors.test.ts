import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { silentLog } from '../../src/base/log.ts'
import { createCallerMirrors } from '../../src/mirror/caller-mirrors.ts'
import type { MirrorHandler, OpenMirror } from '../../src/mirror/curl.ts'
import { createDeadMirrors, notingDead } from '../../src/mirror/dead-mirrors.ts'
import type { PacmanConf } from '../../src/pacman/pacman-conf.ts'
import { createClock } from '../clock.ts'

const conf = {
  repositories: [
    { name: 'core', servers: ['http://a:b@one/core', 'http://c:d@two/core', 'file:///srv/core'] },
    { name: 'extra', servers: ['ftp://three/extra'] },
  ],
} as PacmanConf
const own = 'http://a:b@one/core/core.db'

function lab() {
  const clock = createClock()
  const deadMirrors = createDeadMirrors(clock)
  const looks: { url: string; handler: MirrorHandler; stopped: boolean }[] = []
  const open: OpenMirror = ({ url }, handler) => {
    const look = { url, handler, stopped: false }
    looks.push(look)
    if (url.startsWith('ftp:')) handler.onStart(0) // as curl's does, before it returns
    return {
      stop: () => {
        look.stopped = true
      },
      pause() {},
      resume() {},
    }
  }
  const openMirror = notingDead(open, { dead: deadMirrors, clock, log: silentLog })
  const mirrors = createCallerMirrors({ pacmanConf: async () => conf, deadMirrors, openMirror })
  return { deadMirrors, mirrors, looks }
}
const unreachable = new PacsrvError('mirror', 'refused', { exitCode: 7 })

test("every server for the first one's URL, the dead last, others' passwords left out", async () => {
  const { mirrors, looks } = lab()
  assert.equal(await mirrors.of(own), [own, 'file:///srv/core/core.db'])
  await mirrors.failed(own)
  looks[0]!.handler.onEnd(unreachable)
  assert.equal(await mirrors.of(own), ['file:///srv/core/core.db', own])
})

test('who says that a mirror is dead is not believed: it is looked at, once at a time', async () => {
  const { mirrors, deadMirrors, looks } = lab()
  await mirrors.failed(own)
  await mirrors.failed(own)
  assert.is(looks.length, 1)
  looks[0]!.handler.onStart(0)
  looks[0]!.handler.onBytes(new Uint8Array(1))
  assert.ok(looks[0]!.stopped)
  assert.ok(deadMirrors.isAlive(own))
  await mirrors.failed(own)
  assert.is(looks.length, 2)
})

test('a mirror by ftp, which starts before anything has come, is looked at like any other', async () => {
  const { mirrors, deadMirrors, looks } = lab()
  const url = 'ftp://three/extra/extra.db'
  await mirrors.failed(url)
  assert.not(looks[0]!.stopped)
  looks[0]!.handler.onEnd(unreachable)
  assert.ok(deadMirrors.isDead(url))
})

test("another server's URL stands for itself: the first call has tried them all", async () => {
  const second = 'http://c:d@two/core/core.db'
  assert.equal(await lab().mirrors.of(second), [second])
})

test('of a URL under no Server nothing is known, and nothing is believed', async () => {
  const { mirrors, looks } = lab()
  assert.is(await mirrors.of('http://other/core/core.db'), undefined)
  await mirrors.failed('http://other/core/core.db')
  assert.is(looks.length, 0)
})

test('without a pacman.conf there are no mirrors', async () => {
  const deadMirrors = createDeadMirrors(createClock())
  const openMirror: OpenMirror = () => {
    throw new Error('nobody is to be asked')
  }
  const mirrors = createCallerMirrors({ pacmanConf: async () => undefined, deadMirrors, openMirror })
  assert.is(await mirrors.of(own), undefined)
  await mirrors.failed(own)
  assert.not(deadMirrors.isDead(own))
})

test.run()
