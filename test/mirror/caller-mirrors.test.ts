import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createCallerMirrors } from '../../src/mirror/caller-mirrors.ts'
import { createDeadMirrors } from '../../src/mirror/dead-mirrors.ts'
import type { PacmanConf } from '../../src/pacman/pacman-conf.ts'
import { createClock } from '../clock.ts'

const conf = {
  repositories: [
    { name: 'core', servers: ['http://a:b@one/core', 'http://c:d@two/core', 'file:///srv/core'] },
  ],
} as PacmanConf
const own = 'http://a:b@one/core/core.db'

function lab() {
  const deadMirrors = createDeadMirrors(createClock())
  return { deadMirrors, mirrors: createCallerMirrors({ pacmanConf: async () => conf, deadMirrors }) }
}

test("every server for the first one's URL, the dead last, others' passwords left out", async () => {
  const { mirrors } = lab()
  assert.equal(await mirrors.of(own), [own, 'file:///srv/core/core.db'])
  await mirrors.failed(own)
  assert.equal(await mirrors.of(own), ['file:///srv/core/core.db', own])
})

test("another server's URL stands for itself: the first call has tried them all", async () => {
  const second = 'http://c:d@two/core/core.db'
  assert.equal(await lab().mirrors.of(second), [second])
})

test('of a URL under no Server nothing is known, and nothing is believed', async () => {
  const { mirrors, deadMirrors } = lab()
  assert.is(await mirrors.of('http://other/core/core.db'), undefined)
  await mirrors.failed('http://other/core/core.db')
  assert.not(deadMirrors.isDead('http://other/'))
})

test('without a pacman.conf there are no mirrors', async () => {
  const deadMirrors = createDeadMirrors(createClock())
  const mirrors = createCallerMirrors({ pacmanConf: async () => undefined, deadMirrors })
  assert.is(await mirrors.of(own), undefined)
  await mirrors.failed(own)
  assert.not(deadMirrors.isDead(own))
})

test.run()
