import { type ErrorCode, PacsrvError } from '../../src/base/error.ts'

/** A parser, or whatever else takes bytes from outside. */
export interface Target {
  name: string
  /** Real messages, from which the rest is made. */
  seeds(): Buffer[] | Promise<Buffer[]>
  /** Takes one input; throws, or rejects, only where something is wrong. */
  run(input: Buffer): void | Promise<void>
  /** Whether it is so dear that a share in CI takes fewer. */
  dear?: true
}

/** Runs `act`; a PacsrvError of one of these codes is an answer like any other. */
export function refuses<T>(codes: ErrorCode[], act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof PacsrvError && codes.includes(error.code)) return undefined
    throw error
  }
}

export async function refusesLater<T>(codes: ErrorCode[], act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof PacsrvError && codes.includes(error.code)) return undefined
    throw error
  }
}

export function claim(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

/** Until what was put off to the next tick has run. */
export const tick = () => new Promise<void>((resolve) => process.nextTick(resolve))

export const latin1 = (...texts: string[]) => texts.map((text) => Buffer.from(text, 'latin1'))
