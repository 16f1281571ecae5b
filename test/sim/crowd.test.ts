/** What an office's talk costs a host as the office grows: the same files, begun by all at once, and nobody has any. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../src/base/sha256.ts'
import { createCrowdLab } from '../fetch/crowd/crowd-lab.ts'
import { makeContent } from '../fetch/job/lab.ts'

const SIZES = [60_000, 1_600_000, 8_000_000, 22_000_000]
const sum = SIZES.reduce((bytes, size) => bytes + size, 0)
/** Bytes a second of the mirror's line: 50 Mbit/s. */
const LINE = 6_250_000

async function figuresOf(hosts: number) {
  const office = await createCrowdLab({ members: new Array(hosts).fill({}), line: LINE, seed: 5 })
  const contents = SIZES.map((size) => makeContent(size))
  office.messages.clear()
  const files = contents.map((content) => ({
    sha256: sha256(content),
    size: content.length,
    name: `${sha256(content)}.pkg`,
  }))
  // A transaction is one search.
  for (const { overlay } of office.nodes) void overlay.find(files, { onHolder() {} })
  const fetches = office.nodes.flatMap((node) => contents.map((content) => node.fetch(content)))
  const ms = await office.run(fetches)
  const sent = [...office.messages.values()].reduce((all, count) => all + count, 0)
  return { messages: sent / hosts, copies: office.line.sent / sum, slower: ms / ((sum * 1000) / LINE) }
}

const few = await figuresOf(8)
const many = await figuresOf(32)

test('with 32 hosts each sends at most 1.3 times the messages that it sends with 8', () => {
  const ratio = many.messages / few.messages
  assert.ok(ratio <= 1.3, `${ratio}: ${many.messages} and ${few.messages} messages a host`)
})

for (const [hosts, { copies, slower }] of [
  [8, few],
  [32, many],
] as const)
  test(`${hosts} hosts draw about one copy, and take little longer than the mirror's line needs for one`, () => {
    assert.ok(copies <= 1.05, `${copies} copies`)
    assert.ok(slower <= 1.1, `${slower} times as long`)
  })

test.run()
