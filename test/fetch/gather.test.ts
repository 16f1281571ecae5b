import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createGather } from '../../src/fetch/gather.ts'
import type { Job, JobEnd, JobFollower } from '../../src/fetch/job/job.ts'
import type { Located } from '../../src/fetch/locator.ts'
import { createClock } from '../clock.ts'

const DONE: JobEnd = { result: 'done', fromPeers: 10, fromSite: 10, fromMirror: 0, peers: ['a'] }
const NONE: JobEnd = { result: 'mirror', reason: 'nobody has it' }
const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Files by name, which stands for their SHA-256 too; the later in the alphabet, the later built. */
function start({ named = 'abcdef' } = {}) {
  const clock = createClock()
  const state = { named, here: new Set<string>(), sparing: false, room: true, looks: 0 }
  const begun: string[] = []
  const jobs = new Map<string, { end(end: JobEnd): void; followers: Set<JobFollower> }>()
  const gather = createGather({
    clock,
    log: silentLog,
    async locate(hashes) {
      state.looks++
      return [...hashes]
        .filter((name) => state.named.includes(name))
        .map(
          (name): Located => ({
            file: { sha256: name, size: 10, name },
            mirrors: ['http://m/'],
            built: name.charCodeAt(0),
          }),
        )
    },
    holds: (sha256) => state.here.has(sha256),
    isSparing: () => state.sparing,
    hasRoom: async () => state.room,
    fetch({ file }) {
      begun.push(file.name)
      const followers = new Set<JobFollower>()
      const job = {
        end: undefined as JobEnd | undefined,
        follow(follower: JobFollower) {
          followers.add(follower)
          return () => void followers.delete(follower)
        },
      }
      jobs.set(file.name, {
        followers,
        end(end) {
          job.end = end
          for (const follower of followers) follower.onChange()
        },
      })
      return job as unknown as Job
    },
  })
  const announce = (names: string, { whole = true, companion = true } = {}) => {
    for (const sha256 of names) gather.announced({ file: { sha256, size: 10, root: '', whole }, companion })
  }
  const later = async (ms = 1_000) => {
    clock.advance(ms)
    await settle()
  }
  const end = async (name: string, how: JobEnd) => {
    jobs.get(name)!.end(how)
    await settle()
  }
  return { clock, state, gather, begun, jobs, announce, later, end }
}

test('two at once, what was built last first, and each once', async () => {
  const { begun, state, announce, later, end } = start()
  announce('abd')
  announce('ca')
  assert.is(state.looks, 0)
  await later()
  assert.equal([state.looks, begun], [1, ['d', 'c']])
  await end('d', DONE)
  assert.equal(begun, ['d', 'c', 'b'])
  for (const name of ['b', 'c', 'a']) await end(name, DONE)
  announce('abcd')
  await later()
  assert.equal(begun, ['d', 'c', 'b', 'a'], 'though it may have had to go since')
})

test('what could not be had is tried again when it is announced again', async () => {
  const { begun, announce, later, end } = start()
  announce('a')
  await later()
  await end('a', NONE)
  announce('a')
  await later()
  assert.equal(begun, ['a', 'a'])
})

test('not from strangers, nor what is still on its way there, is here, or has no room', async () => {
  const { begun, state, announce, later } = start()
  announce('a', { companion: false })
  announce('b', { whole: false })
  state.here.add('c')
  announce('c')
  state.room = false
  announce('d')
  await later()
  assert.equal(begun, [])
})

test('what no database names waits for a newer one', async () => {
  const { begun, state, announce, later } = start({ named: '' })
  announce('ab')
  await later()
  assert.equal(begun, [])
  state.named = 'b'
  await later(10 * 60_000)
  assert.equal(begun, ['b'])
})

test('on a metered line it waits until that is over', async () => {
  const { begun, state, announce, later } = start()
  state.sparing = true
  announce('a')
  await later()
  assert.equal(begun, [])
  state.sparing = false
  await later(10 * 60_000)
  assert.equal(begun, ['a'])
})

test('what stops while it looks something up looks nothing up again', async () => {
  const { state, gather, announce, later } = start({ named: '' })
  announce('a')
  const looked = later()
  gather.stop()
  await looked
  await later(10 * 60_000)
  assert.is(state.looks, 1)
})

test('when it stops all jobs are left, and nothing begins', async () => {
  const { clock, gather, begun, jobs, announce, later } = start()
  announce('abc')
  await later()
  gather.stop()
  await settle()
  assert.equal(begun, ['c', 'b'])
  assert.ok([...jobs.values()].every(({ followers }) => followers.size === 0))
  announce('d')
  assert.not(clock.step())
})

test.run()
