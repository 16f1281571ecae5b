import { humanSize } from '../base/progress.ts'
import type { Status } from './status.ts'

/** The page at GET /: the same as the status, for a browser. Nothing in it is run, and all of it is escaped. */
export function statusPage({ node, peers, files, transfers, totals, problems }: Status): string {
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>pacsrv</title>
<style>body{font:15px sans-serif;margin:2em}td,th{text-align:left;padding:.1em 1em .1em 0}</style>
<h1>pacsrv ${escaped(node.version)}</h1>
<p>Node ${escaped(node.id)}, listening at ${escaped(node.listen ?? 'nowhere')}, reachable: ${escaped(node.reachable)}.
<p>Shares ${files.count} files, ${humanSize(files.bytes)}.
${problemsOf(problems)}<h2>Neighbours</h2>${table(
    ['Address', 'Direction', 'Since', 'Node'],
    peers.map(({ address, direction, since, id }) => [address, direction, since, id]),
  )}
<h2>Transfers</h2>${table(
    ['File', 'Size', 'Done', 'Sources'],
    transfers.map(({ file, size, done, sources }) => [
      file,
      humanSize(size),
      humanSize(done),
      String(sources),
    ]),
  )}
<h2>Since the start</h2>${table(
    ['From peers', 'From mirrors', 'Uploaded', 'Rejected', 'Banned'],
    [
      [
        humanSize(totals.fromPeers),
        humanSize(totals.fromMirror),
        humanSize(totals.uploaded),
        String(totals.rejected),
        String(totals.banned),
      ],
    ],
  )}
</html>
`
}

function problemsOf(problems: Status['problems']): string {
  if (problems.length === 0) return ''
  return `<h2>What is wrong</h2>${table(
    ['Problem', 'Fix', 'Since'],
    problems.map(({ problem, fix, since }) => [problem, fix, since]),
  )}
`
}

function table(heads: string[], rows: string[][]): string {
  const row = (cells: string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return `<table>${row(heads, 'th')}${rows.map((cells) => row(cells, 'td')).join('')}</table>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
