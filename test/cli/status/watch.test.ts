import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Sample } from '../../../src/cli/status/activity.ts'
import { watch } from '../../../src/cli/status/watch.ts'
import { makeStatus } from './make.ts'

/** Watches what `answers` say, one a look; a word is a daemon that says nothing. */
async function watched(answers: (number | string)[]): Promise<string[]> {
  const over = new AbortController()
  const shown: string[] = []
  let looks = 0
  await watch({
    screen: { show: (lines) => void shown.push(lines.join('|')), close() {} },
    signal: over.signal,
    async look(): Promise<Sample> {
      const answer = answers[looks++]!
      if (typeof answer === 'string') throw new Error(answer)
      return { at: answer, status: makeStatus() }
    },
    lines: (samples) => samples.map(({ at }) => String(at)),
    failureLines: (error) => [(error as Error).message],
    async pause() {
      if (looks === answers.length) over.abort()
    },
  })
  return shown
}

test('each look is shown, with those shortly before', async () => {
  const shown = await watched([0, 1, 2, 3, 4, 5, 6])
  assert.equal(shown.slice(0, 2), ['0', '0|1'])
  assert.is(shown.at(-1), '1|2|3|4|5|6')
})

test('a daemon that restarts is shown to be gone, and then it is another', async () => {
  assert.equal(await watched([0, 'gone', 'gone', 7, 8]), ['0', 'gone', 'gone', '7', '7|8'])
})

test('what was asked when the watcher left is not shown', async () => {
  const over = new AbortController()
  const shown: string[][] = []
  await watch({
    screen: { show: (lines) => void shown.push(lines), close() {} },
    signal: over.signal,
    async look() {
      over.abort()
      return { at: 0, status: makeStatus() }
    },
    lines: () => ['late'],
    failureLines: () => [],
    pause: async () => {},
  })
  assert.equal(shown, [])
})

test.run()
