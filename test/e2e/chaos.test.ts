/** A handful of what `npm run chaos` does by the thousand. */
import { existsSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { transact, trixie } from '../chaos/transaction.ts'
import { createWorld } from '../chaos/world.ts'
import { scenario } from './lab.ts'

const SEED = 3
const COUNT = 12

scenario('chaos: what curl manages, pacsrv manages, whatever breaks', async (lab) => {
  const world = await createWorld(lab)
  const withSeven = existsSync(trixie())
  for (let n = 0; n < COUNT; n++) {
    const { end, says, seconds, log } = await transact(world, SEED, n, withSeven)
    lab.note(`${end}, ${seconds.toFixed(1)} s: ${says}`)
    assert.is.not(end, 'worse', log)
  }
})

test.run()
