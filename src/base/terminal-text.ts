/** What others said as lines for a terminal: an escape in it could write over what stands there, or ask for more. */
export const terminalText = (text: string) => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')
