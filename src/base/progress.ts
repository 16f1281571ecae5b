const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** Bytes as pacman prints them: scaled until at most 2048. */
function humanize(bytes: number): [number, string] {
  let value = bytes
  let unit = 0
  while (value > 2048 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return [value, UNITS[unit]!]
}

/** Bytes for a sentence: `1.2 MiB`. */
export function humanSize(bytes: number): string {
  const [value, unit] = humanize(bytes)
  return `${unit === 'B' ? value : value.toFixed(1)} ${unit}`
}

/** `1 peer`, `2 peers`. */
export const counted = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`

/** Where a file's bytes came from, in one line for a pipe or a log. */
export function sourcesLine(
  name: string,
  from: { fromPeers: number; fromMirror: number; peers: readonly string[] },
): string {
  if (from.fromPeers + from.fromMirror === 0) return `${name}: had come before`
  const peers = counted(from.peers.length, 'peer')
  return `${name}: ${humanSize(from.fromPeers)} from ${peers}, ${humanSize(from.fromMirror)} from the mirror`
}
