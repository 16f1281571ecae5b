/** docs/security.md: the tests that it names are there. Whether they show what it says is for people to see. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const folder = join(import.meta.dirname, '..')
const page = readFileSync(join(folder, '../docs/security.md'), 'utf8')
const ROOMS =
  'base|cli|client|discovery|e2e|fetch|fuzz|hostile|http|mirror|net|overlay|pacman|systemd|transfer|wire'
const named = [...page.matchAll(new RegExp(`\`((?:${ROOMS})/[^\`]+)\``, 'g'))].map((match) => match[1]!)

test('docs/security.md names tests that there are', () => {
  assert.ok(named.length >= 40, `${named.length} named`)
  const missing = named.filter(
    (name) => !existsSync(join(folder, `${name}.test.ts`)) && !existsSync(join(folder, name)),
  )
  assert.equal(missing, [])
})

test('every part and every row of a table names one, but for pacman itself', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:---|who|what) /.test(line))
  assert.ok(rows.length >= 16)
  for (const row of rows) assert.ok(/`[a-z0-9]+\//.test(row) || row.startsWith('| **pacman'), row)
})

test.run()
