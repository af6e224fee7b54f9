/** `1 pack`, `2 packs`, as words of a message; `plural` where an s is not enough. */
export const counted = (count: number, singular: string, plural = `${singular}s`): string =>
  `${count} ${count === 1 ? singular : plural}`
