/** One thing that is wrong with a set-up. */
export interface Finding {
  /** A sentence. */
  problem: string
  /** What to do about it, often a command. */
  mend: string
}

/** What `check` looks at, in the order in which the findings come. */
const LOOKED_AT =
  'configuration, programs, pacman.conf, proxy, clock, user, folders, keys, package cache, sync databases, daemon, ports, neighbours'

/** The findings, a line each with an indented one for the mend, or that there are none. */
export function printFindings(findings: Finding[], print: (line: string) => void): void {
  for (const { problem, mend } of findings) {
    print(problem)
    print(`    mend: ${mend}`)
  }
  if (findings.length === 0) print(`All is well. Looked at: ${LOOKED_AT}.`)
}
