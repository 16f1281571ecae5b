/** What a mirror's moods came to that were worse with pacsrv than without, and a share of the table (`npm run moods`). */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenario } from './lab.ts'
import { allRows, type MoodRow, nameOf } from './moods.ts'
import { createMoodsLab, type PlayOptions } from './moods-lab.ts'
import { verdictOf } from './moods-verdict.ts'

const RIGHT: MoodRow = {
  mood: 'right',
  of: 'everything',
  second: 'right',
  road: 'CacheServer, pacman 7',
  peers: 'yes',
  signatures: 'required',
}
const PAGE = '<html>Please log in.</html>'

/** Each was worse once. */
const CASES: { name: string; row: Partial<MoodRow>; options?: PlayOptions }[] = [
  {
    name: "the first mirror hasn't synchronised yet: it has neither packages nor signatures",
    row: {},
    options: { rules: [{ match: '\\.pkg', status: 404 }] },
  },
  {
    name: 'the only mirror serves nobody but pacman, signatures required',
    row: { mood: "pacman's agent only", second: 'none' },
  },
  {
    name: 'the only mirror serves nobody but pacman, no signatures',
    row: { mood: "pacman's agent only", second: 'none', signatures: 'never' },
  },
  {
    name: "mirrors only by the proxy in pacman's environment; peers without signatures",
    row: { second: 'none' },
    options: { byProxy: true, holderSigns: false },
  },
  {
    name: 'the first mirror is a day older and gives no signature of its database',
    row: { mood: 'a day old', road: 'XferCommand, pacman 7' },
    options: { rules: [{ match: '\\.db\\.sig$', status: 503 }] },
  },
  ...(['XferCommand, pacman 6', 'XferCommand, pacman 7'] as const).map((road) => ({
    name: `a hotspot's page was taken for a database, and the hotspot is gone: ${road}`,
    row: { road, second: 'none', signatures: 'never' } as const,
    options: { before: [{ page: PAGE }] },
  })),
]

scenario(
  'a mirror in every mood: what was worse with pacsrv is so no longer, and a share of the table',
  async (lab) => {
    const moods = await createMoodsLab(lab)
    const worse: string[] = []
    const judge = async (name: string, row: MoodRow, options?: PlayOptions) => {
      const { verdict, why, figures } = await verdictOf(moods, row, options)
      lab.note(`${verdict}: ${name}: ${figures}`)
      if (verdict === 'worse') worse.push(`${name}: ${why}`)
    }
    for (const { name, row, options } of CASES) await judge(name, { ...RIGHT, ...row }, options)

    const wrong = await moods.play({
      ...RIGHT,
      ...{ mood: 'a page', of: 'packages', second: 'none', peers: 'no', signatures: 'never' },
      road: 'XferCommand, pacman 6',
    })
    lab.note(`a page for packages that nobody has: ${wrong.pacsrv.seconds.toFixed(2)} s`)
    assert.is.not(wrong.pacsrv.code, 0)
    assert.equal(wrong.pacsrv.wrong, [], 'the page is in the cache')
    assert.match(wrong.pacsrv.said, /no mirror has what the sync database promises/)

    for (const road of ['XferCommand, pacman 7', 'CacheServer, pacman 7'] as const) {
      const optional = await moods.play(
        { ...RIGHT, road, peers: 'no' },
        { levels: 'Optional DatabaseNever', rules: [{ match: '\\.pkg.*\\.sig$', status: 404 }] },
      )
      for (const [who, { code, askedOfSecond }] of Object.entries(optional)) {
        lab.note(`an optional signature that the first mirror lacks, ${road}, ${who}: ${askedOfSecond}`)
        assert.is(code, 0, who)
      }
    }

    for (const row of share()) await judge(nameOf(row), row)
    assert.equal(worse, [])
  },
  ['debootstrap'],
)

/** Those that take no time by themselves. */
function share(): MoodRow[] {
  const quick = allRows(7).filter(({ mood }) => !/stalls|slow|dead|dropped|100 ms/.test(mood))
  return quick.slice(0, 8)
}

test.run()
