import type { ProblemCode } from '../../base/problems.ts'

/** One thing that is wrong with a set-up. */
export interface Finding {
  /** A sentence. */
  problem: string
  /** What to do about it, often a command. */
  fix: string
  /** What the daemon would call it, where both look at the same. */
  code?: ProblemCode
}

/** What a look has found, under the daemon's name for it. */
export const coded = (code: ProblemCode, findings: Finding[]): Finding[] =>
  findings.map((finding) => ({ code, ...finding }))

/** What `check` looks at, in the order in which the findings come. */
const LOOKED_AT =
  'configuration, programs, pacman.conf, proxy, clock, user, folders, keys, package cache, sync databases, daemon, ports, neighbours'

/** The findings, a line each with an indented one for the fix, or that there are none. */
export function printFindings(findings: Finding[], print: (line: string) => void): void {
  for (const { problem, fix } of findings) {
    print(problem)
    print(`    fix: ${fix}`)
  }
  if (findings.length === 0) print(`All is well. Looked at: ${LOOKED_AT}.`)
}
